#include "vse/policy.h"

#include "base/mem.h"
#include "base/reader.h"
#include "se/wire.h"

enum {
    POLICY_LEN_MIN = 8, /* authentication object id and rights */
    ID_LEN = 4,
    PCR_CONDITION_LEN = ID_LEN + SE_PCR_LEN,
};

struct policy {
    uint32_t auth, rights, pcr;
    struct slice pcr_value;
    struct slice ids; /* what follows: of the bits that come with an id, in the order of the bits */
};

/* One policy from the front of the set. False at its end or when malformed (r->failed). */
static bool policy_next(struct reader *r, struct policy *ret)
{
    struct policy p = { 0 };
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
    p.auth = reader_be32(&body);
    p.rights = reader_be32(&body);
    if (p.rights & SE_POLICY_REQUIRE_PCR) {
        p.pcr = reader_be32(&body);
        p.pcr_value = reader_bytes(&body, SE_PCR_LEN);
    }
    p.ids = body.rest;
    if (reader_ok(&body))
        reader_fail(r);
    *ret = p;
    return !r->failed;
}

bool vse_policy_valid(struct slice set)
{
    struct reader r = reader_of(set);
    struct policy p;

    if (set.n > SE_POLICY_SET_MAX)
        return false;
    while (policy_next(&r, &p))
        ;
    return !reader_ok(&r);
}

static bool conditions_hold(const struct policy *p, const struct vse_policy_who *who)
{
    if ((p->rights & SE_POLICY_REQUIRE_SM) && !who->secured)
        return false;
    return !(p->rights & SE_POLICY_REQUIRE_PCR) ||
           (who->pcr_is && who->pcr_is(who->ctx, p->pcr, p->pcr_value));
}

/* Does a policy of the set name the asking object? The default session is object 0 itself. */
static bool named(struct slice set, uint32_t auth)
{
    struct reader r = reader_of(set);
    struct policy p;

    while (policy_next(&r, &p))
        if (p.auth == auth)
            return true;
    return false;
}

bool vse_policy_gives(struct slice set, uint32_t right, const struct vse_policy_who *who)
{
    bool is_named = named(set, who->auth);
    struct reader r = reader_of(set);
    bool given = false;
    struct policy p;

    while (policy_next(&r, &p)) {
        if (p.auth != who->auth && p.auth != SE_ID_NONE)
            continue;
        if (p.rights & SE_POLICY_FORBID_ALL) {
            if (p.auth == who->auth || !is_named)
                return false;
            continue;
        }
        if ((p.rights & right) && conditions_hold(&p, who))
            given = true;
    }
    return given;
}

bool vse_policy_restricts(struct slice set, uint32_t bit, const struct vse_policy_who *who)
{
    struct reader r = reader_of(set);
    struct policy p;

    while (policy_next(&r, &p))
        if ((p.auth == who->auth || p.auth == SE_ID_NONE) && (p.rights & bit))
            return true;
    return false;
}

bool vse_policy_takes_from(struct slice set, uint32_t source, const struct vse_policy_who *who)
{
    struct reader r = reader_of(set);
    struct policy p;

    while (policy_next(&r, &p)) {
        struct reader ids = reader_of(p.ids);
        uint32_t id;

        if ((p.auth != who->auth && p.auth != SE_ID_NONE) || !(p.rights & SE_POLICY_DERIVED_INPUT) ||
            !conditions_hold(&p, who))
            continue;
        if (p.rights & SE_POLICY_DESFIRE_CHANGE_KEY)
            (void)reader_be32(&ids);
        id = reader_be32(&ids);
        if (!reader_ok(&ids) && id == source)
            return true;
    }
    return false;
}

bool vse_policy_changes_under(struct slice set, uint32_t with, const struct vse_policy_who *who)
{
    struct reader r = reader_of(set);
    struct policy p;

    while (policy_next(&r, &p)) {
        struct reader ids = reader_of(p.ids);

        if ((p.auth != who->auth && p.auth != SE_ID_NONE) || !(p.rights & SE_POLICY_DESFIRE_CHANGE_KEY) ||
            !conditions_hold(&p, who))
            continue;
        if (reader_empty(&ids) || reader_be32(&ids) == with)
            return true;
    }
    return false;
}

/* ---- what a type has ---- */

enum {
    MANAGE = SE_POLICY_READ | SE_POLICY_WRITE | SE_POLICY_DELETE,
    KEY = MANAGE | SE_POLICY_GENERATE | SE_POLICY_IMPORT_EXPORT | SE_POLICY_SIGN | SE_POLICY_VERIFY,
    ASYMMETRIC = KEY | SE_POLICY_ATTEST | SE_POLICY_TLS_PMS,
    EC = ASYMMETRIC | SE_POLICY_KEY_AGREEMENT | SE_POLICY_INTERNAL_SIGN,
    RSA = ASYMMETRIC | SE_POLICY_ENCRYPT | SE_POLICY_DECRYPT,
    DERIVING = KEY | SE_POLICY_KDF | SE_POLICY_DERIVED_INPUT | SE_POLICY_PBKDF,
    CIPHER = DERIVING | SE_POLICY_ENCRYPT | SE_POLICY_DECRYPT | SE_POLICY_WRAP | SE_POLICY_DESFIRE_AUTH |
             SE_POLICY_DESFIRE_DUMP | SE_POLICY_DESFIRE_CHANGE_KEY | SE_POLICY_DESFIRE_KDF,
    MAC = DERIVING | SE_POLICY_TLS_PMS | SE_POLICY_TLS_KDF_EXT_RANDOM | SE_POLICY_HMAC_PEPPER,
};

uint32_t vse_policy_rights_of(uint8_t type)
{
    static const struct {
        uint8_t type;
        uint32_t rights;
    } types[] = {
        { SE_TYPE_EC_PAIR, EC },
        { SE_TYPE_EC_PRIVATE, EC },
        { SE_TYPE_EC_PUBLIC, EC },
        { SE_TYPE_RSA_PAIR, RSA },
        { SE_TYPE_RSA_PAIR_CRT, RSA },
        { SE_TYPE_RSA_PRIVATE, RSA },
        { SE_TYPE_RSA_PRIVATE_CRT, RSA },
        { SE_TYPE_RSA_PUBLIC, RSA },
        { SE_TYPE_AES, CIPHER },
        { SE_TYPE_DES, CIPHER },
        { SE_TYPE_HMAC, MAC | SE_POLICY_TLS_KDF },
        { SE_TYPE_BINARY, MANAGE },
        { SE_TYPE_USERID, SE_POLICY_DELETE },
        { SE_TYPE_COUNTER, MANAGE },
        { SE_TYPE_PCR, MANAGE },
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].type == type)
            return types[i].rights;
    return 0;
}

void vse_policy_default(uint8_t type, uint8_t out[VSE_POLICY_DEFAULT_LEN])
{
    uint32_t rights = vse_policy_rights_of(type);

    out[0] = POLICY_LEN_MIN;
    for (int i = 0; i < ID_LEN; i++) {
        out[1 + i] = 0;
        out[1 + ID_LEN + i] = (uint8_t)(rights >> (24 - 8 * i));
    }
}
