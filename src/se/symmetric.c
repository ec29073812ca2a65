#include "se/symmetric.h"

#include "se/detail.h"
#include "se/object.h"
#include "se/write_start.h"

enum { WRAP_OVERHEAD = 8 }; /* RFC 3394 2.2.1 */

static const struct kind {
    uint8_t type, p1;
    uint16_t min, max, step;
} kinds[] = {
    { SE_TYPE_AES, SE_P1_AES, 16, 32, 8 },
    { SE_TYPE_DES, SE_P1_DES, 8, 24, 8 },
    { SE_TYPE_HMAC, SE_P1_HMAC, 1, SE_HMAC_KEY_MAX, 1 },
};

static const struct kind *kind_for(uint8_t type, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].type == type && len >= kinds[i].min && len <= kinds[i].max && len % kinds[i].step == 0)
            return &kinds[i];
    return NULL;
}

static err_t send(struct se_chip *chip, uint32_t id, const struct kind *kind, const struct se_symmetric *key,
                  const struct se_write *how, bool fresh)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, kind->p1, SE_P2_DEFAULT, id, how, fresh);
    se_put_id(&c, SE_TAG_2, key->kek);
    tlv_put(&c.w, SE_TAG_3, key->value);
    se_put_be16(&c, SE_TAG_4, key->min_tag);
    se_put_be16(&c, SE_TAG_5, key->min_output);
    se_write_finish(&c, how);
    return se_command_status(chip, &c, se_what(what, id, "writing the secret key"));
}

err_t se_symmetric_write(struct se_chip *chip, uint32_t id, const struct se_symmetric *key,
                         const struct se_write *how)
{
    size_t more = key->kek == SE_ID_NONE ? 0 : WRAP_OVERHEAD;
    size_t len = key->value.n > more ? key->value.n - more : 0;
    const struct kind *kind = kind_for(key->type, len);
    auto_hold *held = NULL;
    bool fresh = false;
    err_t e;

    if (!kind)
        return se_fail(ERR_INVALID, "object %08x: there are no keys of this type with %zu bytes", id, len);
    e = se_hold(chip, &held);
    if (!e)
        e = se_write_clear_way(chip, id, key->type, len, how, &fresh);
    return e ? e : send(chip, id, kind, key, how, fresh);
}

err_t se_symmetric_generate(struct se_chip *chip, uint32_t id, uint8_t type, size_t len,
                            const struct se_write *how)
{
    uint8_t value[SE_HMAC_KEY_MAX];
    struct se_symmetric key = { .type = type, .value = { value, len } };
    auto_hold *held = NULL;
    err_t e;

    if (!kind_for(type, len))
        return se_fail(ERR_INVALID, "object %08x: there are no keys of this type with %zu bytes", id, len);
    e = se_hold(chip, &held);
    if (!e)
        e = se_chip_random(chip, value, len);
    if (!e)
        e = se_symmetric_write(chip, id, &key, how);
    mem_wipe(value, sizeof(value));
    return e;
}

err_t se_userid_write(struct se_chip *chip, uint32_t id, struct slice value, const struct se_write *how)
{
    struct se_write as = how ? *how : (struct se_write){ 0 };
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    bool there = false;
    err_t e;

    as.auth = true;
    if (value.n < SE_USERID_MIN || value.n > SE_USERID_MAX)
        return se_fail(ERR_INVALID, "object %08x: a UserID has %d to %d bytes", id, SE_USERID_MIN,
                       SE_USERID_MAX);
    e = se_hold(chip, &held);
    if (!e)
        e = se_object_exists(chip, id, &there);
    if (!e && there)
        e = se_fail(ERR_EXISTS, "object %08x: exists, and a UserID cannot be changed; erase it first", id);
    if (e)
        return e;
    se_write_start(&c, SE_P1_USERID, SE_P2_DEFAULT, id, &as, true);
    tlv_put(&c.w, SE_TAG_2, value);
    se_write_finish(&c, &as);
    return se_command_status(chip, &c, se_what(what, id, "writing the UserID"));
}
