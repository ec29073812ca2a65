#include "vse/policy.h"

#include "base/reader.h"
#include "se/wire.h"

enum {
    POLICY_LEN_MIN = 8, /* authentication object id and rights */
    ID_LEN = 4,
    PCR_CONDITION_LEN = 36,
};

/* One policy from the front of the set. False at its end or when malformed (r->failed). */
static bool policy_next(struct reader *r, uint32_t *ret_auth, uint32_t *ret_rights)
{
    struct reader body;
    size_t n;

    if (reader_empty(r))
        return false;
    n = reader_u8(r);
    if (n < POLICY_LEN_MIN || (n - POLICY_LEN_MIN) % ID_LEN != 0)
        reader_fail(r);
    body = reader_of(reader_bytes(r, n));
    if (reader_ok(r))
        return false;
    *ret_auth = reader_be32(&body);
    *ret_rights = reader_be32(&body);
    if ((*ret_rights & SE_POLICY_REQUIRE_PCR) && body.rest.n < PCR_CONDITION_LEN)
        reader_fail(r);
    return !r->failed;
}

bool vse_policy_valid(struct slice set)
{
    struct reader r = reader_of(set);
    uint32_t auth, rights;

    if (set.n > SE_POLICY_SET_MAX)
        return false;
    while (policy_next(&r, &auth, &rights))
        ;
    return !reader_ok(&r);
}

bool vse_policy_allows(struct slice set, uint32_t right)
{
    /* Neither condition can hold in a session without secure messaging and on a part without PCRs. */
    static const uint32_t never = SE_POLICY_FORBID_ALL | SE_POLICY_REQUIRE_SM | SE_POLICY_REQUIRE_PCR;
    struct reader r = reader_of(set);
    uint32_t auth, rights;
    bool allowed = set.n == 0;

    while (policy_next(&r, &auth, &rights)) {
        if (auth != SE_ID_NONE)
            continue;
        if (rights & SE_POLICY_FORBID_ALL)
            return false;
        if (!(rights & never) && (rights & right))
            allowed = true;
    }
    return allowed;
}
