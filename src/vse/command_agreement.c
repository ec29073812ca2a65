/* Key agreement on elliptic curves (reference 3.7): ECDH, and on 7.x point multiplication. */
#include "base/mem.h"
#include "vse/curve.h"
#include "vse/digest.h"
#include "vse/dispatch.h"
#include "vse/keys.h"
#include "vse/keys_private.h"
#include "vse/work.h"

/* A private EC key that may agree. */
static uint16_t own_key(struct vse_applet *a, struct vse_call *c, const struct vse_object **ret)
{
    struct vse_object *o;
    uint16_t sw = vse_object_at(a, c, SE_TAG_1, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    if (!vse_object_is_ec(o) || o->type == SE_TYPE_EC_PUBLIC || o->auth || !vse_key_featured(a, o))
        return SE_SW_CONDITIONS;
    *ret = o;
    return vse_policy_check(a, c, o, SE_POLICY_KEY_AGREEMENT);
}

static err_t agree(const struct vse_object *key, struct slice peer, uint8_t algorithm, struct buf *out)
{
    autobuf x = BUF_SECRET(SE_EC_PRIVATE_MAX);
    err_t e = vse_ec_shared(key, peer, &x);

    if (e)
        return e;
    if (algorithm == SE_ECDH_SHA1)
        return vse_digest_once(SE_DIGEST_SHA1, buf_slice(&x), out);
    return algorithm == SE_ECDH_PLAIN ? buf_add(out, buf_slice(&x)) : ERR_UNSUPPORTED;
}

static uint16_t ecdh(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_4, SE_ECDH_PLAIN);
    autobuf secret = BUF_SECRET(SE_EC_PRIVATE_MAX);
    uint8_t turned[SE_EC_PRIVATE_MAX];
    const struct vse_object *key;
    struct slice value;
    uint16_t sw = c->args.bad ? SE_SW_WRONG_DATA : own_key(a, c, &key);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = agree(key, vse_arg_bytes(&c->args, SE_TAG_2), algorithm, &secret);
    if (e)
        return vse_sw_from_err(e);
    a->private_ops++;
    value = buf_slice(&secret);
    if (c->p2 == SE_P2_DH_REVERSE) {
        vse_reverse(turned, value);
        value = slice_of(turned, value.n);
    }
    sw = vse_put_derived(a, c, key, SE_TYPE_BINARY, value, out);
    mem_wipe(turned, sizeof(turned));
    return sw;
}

/* The point of T2, or the public key of object T3: one of them. */
static uint16_t point_of(struct vse_applet *a, struct vse_call *c, uint8_t curve, struct slice *ret)
{
    struct vse_object *o;
    uint16_t sw;

    if (vse_arg_has(&c->args, SE_TAG_2) == vse_arg_has(&c->args, SE_TAG_3))
        return SE_SW_WRONG_DATA;
    *ret = vse_arg_bytes(&c->args, SE_TAG_2);
    if (vse_arg_has(&c->args, SE_TAG_2))
        return SE_SW_OK;
    sw = vse_object_at(a, c, SE_TAG_3, SE_POLICY_READ, &o);
    if (sw != SE_SW_OK)
        return sw;
    if (!vse_object_is_ec(o) || o->curve != curve || vse_object_part(o, VSE_EC_PUBLIC).n == 0)
        return SE_SW_CONDITIONS;
    *ret = vse_object_part(o, VSE_EC_PUBLIC);
    return SE_SW_OK;
}

static uint16_t multiply(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_4, 0);
    autobuf result = BUF_SECRET(SE_EC_PUBLIC_MAX);
    const struct vse_object *key;
    struct slice point;
    uint16_t sw;
    err_t e;

    if (c->args.bad || (algorithm != SE_ECPM_PACE_GM && algorithm != SE_ECPM_PLAIN_XY))
        return SE_SW_WRONG_DATA;
    sw = own_key(a, c, &key);
    if (sw == SE_SW_OK)
        sw = point_of(a, c, key->curve, &point);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_ec_multiply(key, point, algorithm == SE_ECPM_PACE_GM, &result);
    if (e)
        return vse_sw_from_err(e);
    a->private_ops++;
    return vse_put_derived(a, c, key, SE_TYPE_BINARY, buf_slice(&result), out);
}

enum { AGREES = SE_CONFIG_ECDSA_ECDH | SE_CONFIG_DH_MONT };

/* clang-format off */
const struct vse_command vse_commands_agreement[] = {
    { .name = "ECDHGenerateSharedSecret", .ins = SE_INS_CRYPTO, .p1 = SE_P1_EC, .p2 = SE_P2_DH,
      .on = VSE_ON_ALL, .feature = AGREES, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(4), .may_7x = VSE_T(7),
      .run = ecdh },
    { .name = "ECDHGenerateSharedSecret", .ins = SE_INS_CRYPTO, .p1 = SE_P1_EC, .p2 = SE_P2_DH_REVERSE,
      .on = VSE_ON_7X, .feature = AGREES, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(4) | VSE_T(7), .run = ecdh },
    { .name = "ECPointMultiply", .ins = SE_INS_CRYPTO, .p1 = SE_P1_EC, .p2 = SE_P2_ECPM, .on = VSE_ON_7X,
      .feature = SE_CONFIG_ECDSA_ECDH, .must = VSE_T(1) | VSE_T(4), .may = VSE_T(2) | VSE_T(3) | VSE_T(7),
      .run = multiply },
    VSE_COMMANDS_END,
};
/* clang-format on */
