/* src/keyd/op.h - what a rule can allow: the operations of sedge-keyd. Pure; any thread.
 */
#pragma once
#include "base/slice.h"

/* Bits, so that a rule holds several. */
enum keyd_op {
    KEYD_SIGN = 1 << 0, /* MACs too */
    KEYD_VERIFY = 1 << 1,
    KEYD_ENCRYPT = 1 << 2,
    KEYD_DECRYPT = 1 << 3, /* and unwrapping with the key */
    KEYD_DERIVE = 1 << 4,  /* key agreement, derivation */
    KEYD_ATTEST = 1 << 5,  /* sign what the chip says of another object */
    KEYD_GENERATE = 1 << 6,
    KEYD_WRITE = 1 << 7,
    KEYD_READ = 1 << 8, /* of a key: its public part */
    KEYD_DELETE = 1 << 9,
    KEYD_LOGIN = 1 << 10, /* open a session with an authentication object */
    KEYD_ADMIN = 1 << 11, /* everything that is not in this list */
    /* not written in rules */
    KEYD_LIST = 1 << 12,  /* see that an object is there, its type and size: whoever has any right on it */
    KEYD_INFO = 1 << 13,  /* what is not about an object (version, random numbers): whoever has any right */
    KEYD_CURVE = 1 << 14, /* make a standard curve exist: whoever may generate or write any key */
};

#define KEYD_OPS_KEY (KEYD_ADMIN - 1)                                           /* `all` */
#define KEYD_OPS_CHANGE (KEYD_GENERATE | KEYD_WRITE | KEYD_DELETE | KEYD_ADMIN) /* these change the chip */

/* "sign"; "?" for none. Static storage. */
const char *keyd_op_name(enum keyd_op op);
/* The bits of a word of the rule language: an operation's name, "all", "use". 0 when it is none. */
unsigned keyd_ops_of_word(struct slice word);
