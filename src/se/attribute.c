#include "se/attribute.h"

#include "base/reader.h"
#include "se/command.h"

enum { AUTH_NOT_SET = 0x01, AUTH_SET = 0x02, VERSION_LEN = 4 };

/* The policy set has no length of its own: it ends where the origin (1..3) stands, which is no length of a
 * policy (8 or more). The version of 7.x may follow. */
static err_t decode_tail(struct reader *r, struct se_attributes *a)
{
    uint8_t origin;

    if (se_policy_take(&r->rest, &a->policy))
        return ERR_PROTO;
    origin = reader_u8(r);
    if (origin < SE_ORIGIN_EXTERNAL || origin > SE_ORIGIN_PROVISIONED)
        return ERR_PROTO;
    a->origin = (enum se_origin)origin;
    if (r->rest.n == VERSION_LEN)
        a->version = reader_be32(r);
    return reader_done(r);
}

err_t se_attributes_decode(struct slice bytes, struct se_attributes *ret)
{
    struct reader r = reader_of(bytes);
    struct se_attributes a = { 0 };
    uint16_t first, second;
    uint8_t auth;

    a.id = reader_be32(&r);
    a.type = reader_u8(&r);
    auth = reader_u8(&r);
    first = reader_be16(&r);
    a.owner = reader_be32(&r);
    second = reader_be16(&r);
    if (reader_ok(&r) || (auth != AUTH_NOT_SET && auth != AUTH_SET) || decode_tail(&r, &a))
        return ERR_PROTO;
    a.auth = auth == AUTH_SET;
    if (a.auth) {
        a.attempts = first;
        a.max_attempts = second;
    } else {
        a.min_tag = first;
    }
    *ret = a;
    return ERR_OK;
}

err_t se_object_attributes(struct se_chip *chip, uint32_t id, struct se_attributes *ret)
{
    uint8_t tag = se_is_7x(chip) ? SE_TAG_3 : SE_TAG_2;
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer, value;
    struct se_attributes a;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_ATTRIBUTES, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    se_what(what, id, "reading the attributes");
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_only(answer, tag, &value) || se_attributes_decode(value, &a) || a.id != id)
        return se_command_malformed(what);
    *ret = a;
    return ERR_OK;
}
