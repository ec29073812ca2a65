/* Key derivation from an HMAC object (reference 3.11): HKDF and PBKDF2. External salts and target objects are
 * additions of 7.x. */
#include "base/mem.h"
#include "vse/dispatch.h"
#include "vse/kdf.h"
#include "vse/work.h"

enum { SALT_MAX = 64, INFO_MAX = 80, PBKDF2_MAX = 512 };

/* The salt: the bytes of `tag`, or the value of the HMAC object of T6; not both. */
static uint16_t salt_of(struct vse_applet *a, struct vse_call *c, uint8_t tag, struct slice *ret)
{
    const struct vse_object *o;
    uint16_t sw;

    if (!vse_arg_has(&c->args, SE_TAG_6)) {
        *ret = vse_arg_bytes(&c->args, tag);
        return ret->n <= SALT_MAX ? SE_SW_OK : SE_SW_WRONG_DATA;
    }
    if (vse_arg_has(&c->args, tag))
        return SE_SW_WRONG_DATA;
    sw = vse_key_at(a, c, SE_TAG_6, SE_TYPE_HMAC, SE_POLICY_KDF, &o);
    if (sw == SE_SW_OK)
        *ret = vse_object_part(o, VSE_DATA);
    return sw;
}

static uint16_t hkdf(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_hkdf h = { .digest = vse_arg_u8(&c->args, SE_TAG_2, 0),
                          .info = vse_arg_bytes(&c->args, SE_TAG_4),
                          .expand_only = c->p2 == SE_P2_HKDF_EXPAND };
    uint16_t n = vse_arg_u16(&c->args, SE_TAG_5, 0);
    autobuf result = BUF_SECRET(vse_applet_data_max(a));
    const struct vse_object *key;
    uint16_t sw;
    err_t e;

    if (c->args.bad || n == 0 || h.info.n > INFO_MAX)
        return SE_SW_WRONG_DATA;
    sw = vse_key_at(a, c, SE_TAG_1, SE_TYPE_HMAC, SE_POLICY_KDF, &key);
    if (sw == SE_SW_OK)
        sw = salt_of(a, c, SE_TAG_3, &h.salt);
    if (sw != SE_SW_OK)
        return sw;
    h.key = vse_object_part(key, VSE_DATA);
    e = vse_kdf_hkdf(&h, n, &result);
    if (e)
        return vse_sw_from_err(e);
    return vse_put_derived(a, c, key, SE_TYPE_HMAC, buf_slice(&result), out);
}

/* T5 (7.x) names the HMAC; 3.x has the one with SHA-1. */
static uint8_t digest_of_hmac(uint8_t algorithm)
{
    static const struct {
        uint8_t mac, digest;
    } map[] = {
        { SE_MAC_HMAC_SHA1, SE_DIGEST_SHA1 },
        { SE_MAC_HMAC_SHA256, SE_DIGEST_SHA256 },
        { SE_MAC_HMAC_SHA384, SE_DIGEST_SHA384 },
        { SE_MAC_HMAC_SHA512, SE_DIGEST_SHA512 },
    };

    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        if (map[i].mac == algorithm)
            return map[i].digest;
    return SE_DIGEST_NONE;
}

static uint16_t pbkdf2(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t iterations = vse_arg_u16(&c->args, SE_TAG_3, 0), n = vse_arg_u16(&c->args, SE_TAG_4, 0);
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_5, SE_MAC_HMAC_SHA1);
    autobuf result = BUF_SECRET(PBKDF2_MAX);
    const struct vse_object *key;
    struct slice salt;
    uint16_t sw;
    err_t e;

    if (c->args.bad || iterations == 0 || n == 0 || n > PBKDF2_MAX)
        return SE_SW_WRONG_DATA;
    sw = vse_key_at(a, c, SE_TAG_1, SE_TYPE_HMAC, vse_is_7x(a) ? SE_POLICY_PBKDF : SE_POLICY_KDF, &key);
    if (sw == SE_SW_OK)
        sw = salt_of(a, c, SE_TAG_2, &salt);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_kdf_pbkdf2(digest_of_hmac(algorithm), vse_object_part(key, VSE_DATA), salt, iterations, n,
                       &result);
    if (e)
        return vse_sw_from_err(e);
    return vse_put_derived(a, c, key, SE_TYPE_HMAC, buf_slice(&result), out);
}

/* clang-format off */
const struct vse_command vse_commands_kdf[] = {
    { .name = "HKDF", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_HKDF, .on = VSE_ON_ALL,
      .feature = SE_CONFIG_HMAC, .must = VSE_T(1) | VSE_T(2) | VSE_T(5), .may = VSE_T(3) | VSE_T(4),
      .may_7x = VSE_T(6) | VSE_T(7), .run = hkdf },
    { .name = "HKDF expand only", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_HKDF_EXPAND,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_HMAC, .must = VSE_T(1) | VSE_T(2) | VSE_T(5),
      .may = VSE_T(3) | VSE_T(4), .may_7x = VSE_T(6) | VSE_T(7), .run = hkdf },
    { .name = "PBKDF2", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_PBKDF2, .on = VSE_ON_ALL,
      .feature = SE_CONFIG_PBKDF, .must = VSE_T(1) | VSE_T(3) | VSE_T(4), .may = VSE_T(2),
      .may_7x = VSE_T(5) | VSE_T(6) | VSE_T(7), .run = pbkdf2 },
    VSE_COMMANDS_END,
};
/* clang-format on */
