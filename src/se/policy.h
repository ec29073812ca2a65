/* src/se/policy.h - policy sets: who may do what with an object.
 *
 * Pure; any thread. AN12413 "policies"; reference 3.16. A set is given once, when the object is made, and
 * replaces the applet's default (everything the type has, to everybody). Rules add up; rule 0 is for sessions
 * without authentication and for everybody else, too. "Forbid all" wins over what rule 0 gives.
 */
#pragma once
#include "base/buf.h"
#include "se/wire.h"

enum { SE_POLICY_RULES_MAX = 28 }; /* as many as SE_POLICY_SET_MAX bytes hold */

struct se_policy_rule {
    uint32_t auth;   /* authentication object, SE_ID_NONE: any session, none needed */
    uint32_t rights; /* SE_POLICY_* bits */
    /* with SE_POLICY_REQUIRE_PCR: the rule holds while this PCR has this value */
    uint32_t pcr;
    uint8_t pcr_value[SE_PCR_LEN];
    uint32_t desfire_target; /* with SE_POLICY_DESFIRE_CHANGE_KEY (7.x) */
    uint32_t derived_from;   /* with SE_POLICY_DERIVED_INPUT (7.x) */
};

/* {0} is the empty set: the applet's default. */
struct se_policy {
    size_t n;
    struct se_policy_rule rules[SE_POLICY_RULES_MAX];
};

/* Add a rule without conditions. ERR_TOO_BIG: no room. */
err_t se_policy_add(struct se_policy *p, uint32_t auth, uint32_t rights);
/* Append the bytes of the set. ERR_TOO_BIG: over SE_POLICY_SET_MAX; out unchanged on failure. */
err_t se_policy_encode(const struct se_policy *p, struct buf *out);
/* All of `set`, which comes from the chip. ERR_PROTO malformed, or more rules than can be. */
err_t se_policy_decode(struct slice set, struct se_policy *ret);
/* Take the policies at the front of *in; stops at a byte that cannot be the length of one. */
err_t se_policy_take(struct slice *in, struct se_policy *ret);

/* Does the set name `right` for this authentication object (or for everybody)? Conditions are not judged. */
bool se_policy_names(const struct se_policy *p, uint32_t auth, uint32_t right);
