#include "se/policy.h"

#include "base/reader.h"
#include "base/writer.h"

enum { PLAIN_LEN = 8, ID_LEN = 4, PCR_LEN = ID_LEN + SE_PCR_LEN };

err_t se_policy_add(struct se_policy *p, uint32_t auth, uint32_t rights)
{
    if (p->n == SE_POLICY_RULES_MAX)
        return ERR_TOO_BIG;
    p->rules[p->n++] = (struct se_policy_rule){ .auth = auth, .rights = rights };
    return ERR_OK;
}

/* What follows the rights comes in the order of the bits, the highest first. */
static size_t rule_len(const struct se_policy_rule *r)
{
    return PLAIN_LEN + (r->rights & SE_POLICY_REQUIRE_PCR ? PCR_LEN : 0u) +
           (r->rights & SE_POLICY_DESFIRE_CHANGE_KEY ? ID_LEN : 0u) +
           (r->rights & SE_POLICY_DERIVED_INPUT ? ID_LEN : 0u);
}

static void put_rule(struct writer *w, const struct se_policy_rule *r)
{
    writer_u8(w, (uint8_t)rule_len(r));
    writer_be32(w, r->auth);
    writer_be32(w, r->rights);
    if (r->rights & SE_POLICY_REQUIRE_PCR) {
        writer_be32(w, r->pcr);
        writer_bytes(w, SLICE_ARRAY(r->pcr_value));
    }
    if (r->rights & SE_POLICY_DESFIRE_CHANGE_KEY)
        writer_be32(w, r->desfire_target);
    if (r->rights & SE_POLICY_DERIVED_INPUT)
        writer_be32(w, r->derived_from);
}

err_t se_policy_encode(const struct se_policy *p, struct buf *out)
{
    autobuf set = BUF_INIT(SE_POLICY_SET_MAX);
    struct writer w = writer_of(&set);
    err_t e;

    for (size_t i = 0; i < p->n; i++)
        put_rule(&w, &p->rules[i]);
    e = writer_done(&w);
    return e ? e : buf_add(out, buf_slice(&set));
}

/* 3.x does not know the bits that come with an id, so the id may be missing. */
static uint32_t take_id(struct reader *r, uint32_t rights, uint32_t bit)
{
    return (rights & bit) && r->rest.n >= ID_LEN ? reader_be32(r) : SE_ID_NONE;
}

static err_t decode_rule(struct slice bytes, struct se_policy_rule *ret)
{
    struct reader r = reader_of(bytes);
    struct se_policy_rule rule = { 0 };
    struct slice value = { 0 };

    rule.auth = reader_be32(&r);
    rule.rights = reader_be32(&r);
    if (rule.rights & SE_POLICY_REQUIRE_PCR) {
        rule.pcr = reader_be32(&r);
        value = reader_bytes(&r, SE_PCR_LEN);
    }
    rule.desfire_target = take_id(&r, rule.rights, SE_POLICY_DESFIRE_CHANGE_KEY);
    rule.derived_from = take_id(&r, rule.rights, SE_POLICY_DERIVED_INPUT);
    if (reader_ok(&r) || r.rest.n % ID_LEN) /* later applets may name more objects */
        return ERR_PROTO;
    if (value.n)
        memcpy(rule.pcr_value, value.p, value.n);
    *ret = rule;
    return ERR_OK;
}

err_t se_policy_take(struct slice *in, struct se_policy *ret)
{
    struct se_policy p = { 0 };
    struct slice rest = *in;

    while (rest.n && rest.p[0] >= PLAIN_LEN) {
        size_t len = rest.p[0];

        if (p.n == SE_POLICY_RULES_MAX || len > rest.n - 1 ||
            decode_rule(slice_of(rest.p + 1, len), &p.rules[p.n]))
            return ERR_PROTO;
        p.n++;
        rest = slice_skip(rest, 1 + len);
    }
    *in = rest;
    *ret = p;
    return ERR_OK;
}

err_t se_policy_decode(struct slice set, struct se_policy *ret)
{
    struct se_policy p;

    if (se_policy_take(&set, &p) || set.n)
        return ERR_PROTO;
    *ret = p;
    return ERR_OK;
}

bool se_policy_names(const struct se_policy *p, uint32_t auth, uint32_t right)
{
    for (size_t i = 0; i < p->n; i++)
        if ((p->rules[i].auth == auth || p->rules[i].auth == SE_ID_NONE) && (p->rules[i].rights & right))
            return true;
    return false;
}
