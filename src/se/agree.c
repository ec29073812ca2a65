#include "se/agree.h"

#include "se/command.h"
#include "se/detail.h"
#include "se/ec_order.h"

enum { SHA1_LEN = 20 };

static err_t check_peer(uint32_t id, uint8_t curve, struct slice peer, const struct se_curve_info **ret)
{
    const struct se_curve_info *info = se_curve_by_id(curve);

    if (!info || info->kind == SE_CURVE_EDWARDS)
        return se_fail(ERR_UNSUPPORTED, "object %08x: no key agreement on curve 0x%02x", id, curve);
    if (peer.n != info->public_len)
        return se_fail(ERR_INVALID, "object %08x: a %s point has %u bytes", id, info->name, info->public_len);
    *ret = info;
    return ERR_OK;
}

static void begin(struct se_command *c, uint8_t p2, uint32_t id, const struct se_curve_info *curve,
                  struct slice peer)
{
    uint8_t turned[SE_EC_PUBLIC_MAX];

    se_command_init(c, SE_INS_CRYPTO, SE_P1_EC, p2, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, id);
    tlv_put(&c->w, SE_TAG_2, se_ec_public_order(curve, peer, turned));
}

err_t se_ec_agree(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice peer,
                  enum se_agree_form form, struct buf *out)
{
    uint8_t secret[SE_EC_PRIVATE_MAX], turned[SE_EC_PRIVATE_MAX];
    const struct se_curve_info *info;
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    size_t n;
    err_t e = check_peer(id, curve, peer, &info);

    if (e)
        return e;
    n = form == SE_AGREE_X_SHA1 ? SHA1_LEN : info->private_len;
    begin(&c, SE_P2_DH, id, info, peer);
    se_put_u8(&c, SE_TAG_4, (uint8_t)form);
    e = se_call_fixed(chip, &c, se_what(what, id, "key agreement"), secret, n);
    if (!e && form == SE_AGREE_X_SHA1)
        e = buf_add(out, slice_of(secret, n));
    else if (!e)
        e = buf_add(out, se_ec_private_order(info, slice_of(secret, n), turned));
    mem_wipe(secret, sizeof(secret));
    mem_wipe(turned, sizeof(turned));
    return e;
}

err_t se_ec_agree_into(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice peer, uint32_t target)
{
    const struct se_curve_info *info;
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = check_peer(id, curve, peer, &info);

    if (!e)
        e = se_need_7x(chip, se_what(what, id, "keeping a derived secret"));
    if (e)
        return e;
    begin(&c, info->kind == SE_CURVE_MONTGOMERY ? SE_P2_DH_REVERSE : SE_P2_DH, id, info, peer);
    tlv_put_be32(&c.w, SE_TAG_7, target);
    return se_call_status(chip, &c, se_what(what, id, "key agreement"));
}

err_t se_ec_multiply(struct se_chip *chip, uint32_t id, const struct se_multiply *m, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    if ((m->point.n != 0) == (m->point_id != SE_ID_NONE))
        return se_fail(ERR_INVALID, "object %08x: a point or the id of one has to be given", id);
    se_command_init(&c, SE_INS_CRYPTO, SE_P1_EC, SE_P2_ECPM, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    se_put_bytes(&c, SE_TAG_2, m->point);
    se_put_id(&c, SE_TAG_3, m->point_id);
    tlv_put_u8(&c.w, SE_TAG_4, m->algorithm);
    se_put_id(&c, SE_TAG_7, m->target);
    se_what(what, id, "point multiplication");
    return m->target != SE_ID_NONE ? se_call_status(chip, &c, what)
                                   : se_call_bytes(chip, &c, what, 1, SE_EC_PUBLIC_MAX, out);
}
