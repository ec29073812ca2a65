#include "se/write_start.h"

#include "se/detail.h"
#include "se/object.h"

static const struct se_write plain;

static bool for_new_ones(const struct se_write *how)
{
    return how && ((how->policy && how->policy->n) || how->max_attempts);
}

err_t se_write_clear_way(struct se_chip *chip, uint32_t id, uint8_t type, size_t size,
                         const struct se_write *how, bool *ret_fresh)
{
    struct se_object_type old = { 0 };
    size_t old_size = 0;
    bool there = false;
    err_t e = se_object_exists(chip, id, &there);

    if (e || !there) {
        *ret_fresh = true;
        return e;
    }
    if (for_new_ones(how))
        return se_fail(ERR_EXISTS,
                       "object %08x: exists, and a policy is for new objects only; erase it first", id);
    e = se_object_type(chip, id, &old);
    if (!e)
        e = se_object_size(chip, id, &old_size);
    if (e)
        return e;
    if (se_type_class(old.type) != type || old_size != size)
        return se_fail(ERR_EXISTS, "object %08x: exists with another type or size; erase it first", id);
    *ret_fresh = false;
    return ERR_OK;
}

static void put_policy(struct se_command *c, const struct se_policy *policy)
{
    autobuf set = BUF_INIT(SE_POLICY_SET_MAX);
    err_t e = policy ? se_policy_encode(policy, &set) : ERR_OK;

    if (e && !c->w.err)
        c->w.err = e;
    se_put_bytes(c, SE_TAG_POLICY, buf_slice(&set));
}

void se_write_start(struct se_command *c, uint8_t p1, uint8_t p2, uint32_t id, const struct se_write *how,
                    bool fresh)
{
    const struct se_write *h = how ? how : &plain;
    unsigned flags = (h->auth ? SE_INS_AUTH_OBJECT : 0u) | (h->transient ? SE_INS_TRANSIENT : 0u);

    se_command_init(c, (uint8_t)(SE_INS_WRITE | flags), p1, p2, SE_COMMAND_STATUS);
    if (fresh) {
        put_policy(c, h->policy);
        se_put_be16(c, SE_TAG_MAX_ATTEMPTS, h->max_attempts);
    }
    tlv_put_be32(&c->w, SE_TAG_1, id);
}

void se_write_finish(struct se_command *c, const struct se_write *how)
{
    if (how && how->version)
        tlv_put_be32(&c->w, SE_TAG_11, how->version);
}
