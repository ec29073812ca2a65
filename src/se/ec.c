#include "se/detail.h"
#include "se/ec_order.h"
#include "se/key.h"
#include "se/object.h"
#include "se/write_start.h"

/* What goes into one WriteECKey. */
struct ec_write {
    uint32_t id;
    uint8_t part; /* SE_P1_PAIR, _PRIVATE, _PUBLIC */
    uint8_t type; /* SE_TYPE_EC_* that it becomes */
    const struct se_curve_info *curve;
    struct slice scalar, point;
    const struct se_write *how;
};

/* The curve of an existing key must be the new one's (reference 3.3); its size alone does not tell
 * P-256 from Brainpool 256. */
static err_t same_curve(struct se_chip *chip, const struct ec_write *w)
{
    uint8_t old;
    err_t e = se_ec_curve(chip, w->id, &old);

    if (e || old == w->curve->id)
        return e;
    return se_fail(ERR_EXISTS, "object %08x: exists on another curve; erase it first", w->id);
}

static err_t send(struct se_chip *chip, const struct ec_write *w, bool fresh)
{
    uint8_t private[SE_EC_PRIVATE_MAX], public[SE_EC_PUBLIC_MAX];
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, (uint8_t)(w->part | SE_P1_EC), SE_P2_DEFAULT, w->id, w->how, fresh);
    if (fresh)
        tlv_put_u8(&c.w, SE_TAG_2, w->curve->id);
    if (w->scalar.n)
        tlv_put(&c.w, SE_TAG_3, se_ec_private_order(w->curve, w->scalar, private));
    if (w->point.n)
        tlv_put(&c.w, SE_TAG_4, se_ec_public_order(w->curve, w->point, public));
    se_write_finish(&c, w->how);
    mem_wipe(private, sizeof(private));
    return se_command_status(chip, &c, se_what(what, w->id, "writing the EC key"));
}

static err_t write_key(struct se_chip *chip, uint8_t curve, struct ec_write *w)
{
    auto_hold *held = NULL;
    bool fresh;
    err_t e;

    w->curve = se_curve_by_id(curve);
    if (!w->curve)
        return se_fail(ERR_UNSUPPORTED, "curve 0x%02x is not supported", curve);
    if ((w->scalar.n && w->scalar.n != w->curve->private_len) ||
        (w->point.n && w->point.n != w->curve->public_len))
        return se_fail(ERR_INVALID, "object %08x: a %s key has %u private and %u public bytes", w->id,
                       w->curve->name, w->curve->private_len, w->curve->public_len);
    e = se_hold(chip, &held);
    if (!e)
        e = se_write_clear_way(chip, w->id, w->type, w->curve->private_len, w->how, &fresh);
    if (!e)
        e = fresh ? se_curve_ensure(chip, curve) : same_curve(chip, w);
    return e ? e : send(chip, w, fresh);
}

err_t se_ec_write_pair(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice scalar,
                       struct slice point, const struct se_write *how)
{
    struct ec_write w = { id, SE_P1_PAIR, SE_TYPE_EC_PAIR, NULL, scalar, point, how };

    if (!scalar.n || !point.n)
        return se_fail(ERR_INVALID, "object %08x: a pair needs both of its parts", id);
    return write_key(chip, curve, &w);
}

err_t se_ec_write_private(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice scalar,
                          const struct se_write *how)
{
    struct ec_write w = { id, SE_P1_PRIVATE, SE_TYPE_EC_PRIVATE, NULL, scalar, { 0 }, how };

    if (!scalar.n)
        return se_fail(ERR_INVALID, "object %08x: no private value given", id);
    return write_key(chip, curve, &w);
}

err_t se_ec_write_public(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice point,
                         const struct se_write *how)
{
    struct ec_write w = { id, SE_P1_PUBLIC, SE_TYPE_EC_PUBLIC, NULL, { 0 }, point, how };

    if (!point.n)
        return se_fail(ERR_INVALID, "object %08x: no public point given", id);
    return write_key(chip, curve, &w);
}

err_t se_ec_generate(struct se_chip *chip, uint32_t id, uint8_t curve, const struct se_write *how)
{
    struct ec_write w = { id, SE_P1_PAIR, SE_TYPE_EC_PAIR, NULL, { 0 }, { 0 }, how };

    return write_key(chip, curve, &w);
}

/* Its length tells what a point is: 04 x y, or a value of 25519 or 448 in the wire's byte order. */
static err_t judge_point(struct buf *point)
{
    static const struct {
        size_t n;
        uint8_t curve;
    } bare[] = { { 32, SE_CURVE_X25519 }, { 56, SE_CURVE_X448 } };
    uint8_t copy[SE_EC_PUBLIC_MAX];

    for (size_t i = 0; i < ARRAY_LEN(bare); i++)
        if (point->n == bare[i].n) {
            struct slice turned = se_ec_public_order(se_curve_by_id(bare[i].curve), buf_slice(point), copy);

            memcpy(point->p, turned.p, turned.n);
            return ERR_OK;
        }
    return point->n < 3 || point->n % 2 == 0 || point->p[0] != 0x04 ? ERR_PROTO : ERR_OK;
}

err_t se_ec_public(struct se_chip *chip, uint32_t id, struct buf *out)
{
    autobuf point = BUF_INIT(SE_EC_PUBLIC_MAX);
    err_t e = se_object_read_small(chip, id, &point);

    if (!e && judge_point(&point))
        e = se_command_malformed("reading the public point");
    return e ? e : buf_add(out, buf_slice(&point));
}

err_t se_ec_curve(struct se_chip *chip, uint32_t id, uint8_t *ret_curve)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_READ, SE_P1_CURVE, SE_P2_ID, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    return se_call_fixed(chip, &c, se_what(what, id, "reading the curve"), ret_curve, 1);
}
