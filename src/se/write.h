/* src/se/write.h - what can be said about an object when it is written. Plain data.
 *
 * Every call that writes an object takes `how`; NULL means an ordinary object that stays, with the applet's
 * default policy. A policy or a number of attempts can be given to a new object only: where the id is taken
 * such a write is ERR_EXISTS (erase it first), never a key that quietly keeps its old policy.
 */
#pragma once
#include "se/policy.h"

struct se_write {
    const struct se_policy *policy; /* NULL or empty: the default */
    uint16_t
        max_attempts; /* authentication objects: wrong values until it is blocked for good; 0: no limit */
    bool auth;        /* for authentication only (UserIDs always are) */
    bool transient;   /* the value is in RAM and goes with power and reset */
    uint32_t version; /* 7.x; 0: none */
};
