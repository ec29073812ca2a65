/* Signatures and RSA encryption (AN12413). ECDSA gets a digest, RSA a message. */
#include "vse/dispatch.h"
#include "vse/keys.h"
#include "vse/work.h"

/* An authentication object is for authentication and nothing else. */
static uint16_t key_for(struct vse_applet *a, struct vse_call *c, uint32_t right, struct vse_object **ret)
{
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, right, &o);

    if (sw != SE_SW_OK)
        return sw;
    if (o->auth || !(vse_object_is_ec(o) || vse_object_is_rsa(o)) || !vse_key_featured(a, o))
        return SE_SW_CONDITIONS;
    *ret = o;
    return SE_SW_OK;
}

static uint16_t cmd_sign(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_2, 0);
    struct slice data = vse_arg_bytes(&c->args, SE_TAG_3);
    autobuf signature = BUF_INIT(SE_RSA_BYTES_MAX);
    struct vse_object *o;
    uint16_t sw = key_for(a, c, SE_POLICY_SIGN, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = vse_object_is_ec(o) ? vse_ec_sign(o, algorithm, data, &signature)
                            : vse_rsa_sign(o, algorithm, data, &signature);
    if (e)
        return vse_sw_from_err(e);
    a->private_ops++;
    tlv_put(out, SE_TAG_1, buf_slice(&signature));
    return SE_SW_OK;
}

static uint16_t cmd_verify(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_2, 0);
    struct slice data = vse_arg_bytes(&c->args, SE_TAG_3), signature = vse_arg_bytes(&c->args, SE_TAG_5);
    struct vse_object *o;
    bool good = false;
    uint16_t sw = key_for(a, c, SE_POLICY_VERIFY, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = vse_object_is_ec(o) ? vse_ec_verify(o, algorithm, data, signature, &good)
                            : vse_rsa_verify(o, algorithm, data, signature, &good);
    if (e)
        return vse_sw_from_err(e);
    vse_put_verdict(out, SE_TAG_1, good);
    return SE_SW_OK;
}

typedef err_t rsa_crypt(const struct vse_object *o, uint8_t algorithm, struct slice in, struct buf *out);

static uint16_t rsa_command(struct vse_applet *a, struct vse_call *c, uint32_t right, rsa_crypt *run,
                            struct writer *out)
{
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_2, 0);
    autobuf result = BUF_SECRET(SE_RSA_BYTES_MAX);
    struct vse_object *o;
    uint16_t sw = key_for(a, c, right, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    if (!vse_object_is_rsa(o))
        return SE_SW_CONDITIONS;
    e = run(o, algorithm, vse_arg_bytes(&c->args, SE_TAG_3), &result);
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, buf_slice(&result));
    return SE_SW_OK;
}

static uint16_t cmd_rsa_encrypt(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return rsa_command(a, c, SE_POLICY_ENCRYPT, vse_rsa_encrypt, out);
}

static uint16_t cmd_rsa_decrypt(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t sw = rsa_command(a, c, SE_POLICY_DECRYPT, vse_rsa_decrypt, out);

    a->private_ops += sw == SE_SW_OK;
    return sw;
}

/* clang-format off */
const struct vse_command vse_commands_sign[] = {
    { .name = "Sign", .ins = SE_INS_CRYPTO, .p1 = SE_P1_SIGNATURE, .p2 = SE_P2_SIGN, .on = VSE_ON_ALL,
      .must = VSE_T(1) | VSE_T(2), .may = VSE_T(3), .run = cmd_sign },
    { .name = "Verify", .ins = SE_INS_CRYPTO, .p1 = SE_P1_SIGNATURE, .p2 = SE_P2_VERIFY, .on = VSE_ON_ALL,
      .must = VSE_T(1) | VSE_T(2) | VSE_T(5), .may = VSE_T(3), .run = cmd_verify },
    { .name = "RSAEncrypt", .ins = SE_INS_CRYPTO, .p1 = SE_P1_RSA, .p2 = SE_P2_ENCRYPT_ONESHOT,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_RSA_PLAIN | SE_CONFIG_RSA_CRT, .must = VSE_T(1) | VSE_T(2),
      .may = VSE_T(3), .run = cmd_rsa_encrypt },
    { .name = "RSADecrypt", .ins = SE_INS_CRYPTO, .p1 = SE_P1_RSA, .p2 = SE_P2_DECRYPT_ONESHOT,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_RSA_PLAIN | SE_CONFIG_RSA_CRT, .must = VSE_T(1) | VSE_T(2),
      .may = VSE_T(3), .run = cmd_rsa_decrypt },
    VSE_COMMANDS_END,
};
/* clang-format on */
