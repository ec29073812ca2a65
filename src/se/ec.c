#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"
#include "se/sig.h"
#include "se/write_start.h"

enum { DIGEST_MAX = 64 };

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
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, (uint8_t)(w->part | SE_P1_EC), SE_P2_DEFAULT, w->id, w->how, fresh);
    if (fresh)
        tlv_put_u8(&c.w, SE_TAG_2, w->curve->id);
    if (w->scalar.n)
        tlv_put(&c.w, SE_TAG_3, w->scalar);
    if (w->point.n)
        tlv_put(&c.w, SE_TAG_4, w->point);
    se_write_finish(&c, w->how);
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

err_t se_ec_public(struct se_chip *chip, uint32_t id, struct buf *out)
{
    autobuf point = BUF_INIT(SE_EC_PUBLIC_MAX);
    err_t e = se_object_read(chip, id, &point);

    if (e)
        return e;
    if (point.n < 3 || point.n % 2 == 0 || point.p[0] != 0x04)
        return se_command_malformed("reading the public point");
    return buf_add(out, buf_slice(&point));
}

err_t se_ec_curve(struct se_chip *chip, uint32_t id, uint8_t *ret_curve)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_CURVE, SE_P2_ID, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    se_what(what, id, "reading the curve");
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (!e && se_answer_u8(answer, SE_TAG_1, ret_curve))
        e = se_command_malformed(what);
    return e;
}

/* Despite their names these do not hash: they say how long the digest is (reference 3.7). */
static uint8_t sign_algorithm(size_t digest_len)
{
    static const struct {
        uint8_t len, algorithm;
    } by_length[] = {
        { 20, SE_ECDSA_SHA1 },   { 28, SE_ECDSA_SHA224 }, { 32, SE_ECDSA_SHA256 },
        { 48, SE_ECDSA_SHA384 }, { 64, SE_ECDSA_SHA512 },
    };

    for (size_t i = 0; i < ARRAY_LEN(by_length); i++)
        if (by_length[i].len == digest_len)
            return by_length[i].algorithm;
    return SE_ECDSA_PLAIN;
}

static err_t add_checked_signature(struct slice der, struct buf *out, const char *what)
{
    autobuf raw = BUF_INIT(2 * SE_EC_PRIVATE_MAX);

    if (der.n > SE_EC_SIGNATURE_MAX || se_sig_der_to_raw(der, SE_EC_PRIVATE_MAX, &raw))
        return se_command_malformed(what);
    return buf_add(out, der);
}

err_t se_ec_sign(struct se_chip *chip, uint32_t id, struct slice digest, struct buf *out_der)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer, der;
    err_t e;

    if (digest.n == 0 || digest.n > DIGEST_MAX)
        return se_fail(ERR_INVALID, "object %08x: a digest of %zu bytes cannot be signed (1..%d)", id,
                       digest.n, DIGEST_MAX);
    se_command_init(&c, SE_INS_CRYPTO, SE_P1_SIGNATURE, SE_P2_SIGN, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    tlv_put_u8(&c.w, SE_TAG_2, sign_algorithm(digest.n));
    tlv_put(&c.w, SE_TAG_3, digest);
    se_what(what, id, "signing");
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &der))
        return se_command_malformed(what);
    return add_checked_signature(der, out_der, what);
}
