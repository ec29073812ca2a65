/* MACs (reference 3.10): generating one needs the right to sign, checking one the right to verify. */
#include "base/mem.h"
#include "vse/dispatch.h"
#include "vse/mac.h"
#include "vse/work.h"

/* A MAC is compared whole; a key made with a shortest length (7.x) also allows its first bytes. */
static bool matches(struct slice mac, struct slice given, uint16_t least)
{
    if (given.n > mac.n || given.n == 0 || given.n < (least ? least : mac.n))
        return false;
    return mem_eq_ct(mac.p, given.p, given.n);
}

static uint16_t mac_init(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    bool validate = c->p2 == SE_P2_VALIDATE;
    struct vse_crypto_object *o;
    const struct vse_object *key;
    EVP_MAC_CTX *m;
    uint16_t sw = vse_crypto_object_for(a, c, SE_CONTEXT_SIGNATURE, &o);
    err_t e;

    (void)out;
    if (sw == SE_SW_OK)
        sw = vse_key_at(a, c, SE_TAG_1, vse_mac_key_type(o->subtype),
                        validate ? SE_POLICY_VERIFY : SE_POLICY_SIGN, &key);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_mac_new(o->subtype, vse_object_part(key, VSE_DATA), &m);
    if (e)
        return vse_sw_from_err(e);
    vse_work_begin(o, c, validate ? VSE_WORK_MAC_VALIDATE : VSE_WORK_MAC_GENERATE);
    o->least = key->min_output;
    o->run.mac = m;
    return SE_SW_OK;
}

/* Either kind of work. */
static uint16_t running(struct vse_applet *a, struct vse_call *c, struct vse_crypto_object **ret)
{
    uint16_t sw = vse_work_for(a, c, SE_CONTEXT_SIGNATURE, VSE_WORK_MAC_GENERATE, ret);

    return sw == SE_SW_CONDITIONS ? vse_work_for(a, c, SE_CONTEXT_SIGNATURE, VSE_WORK_MAC_VALIDATE, ret) : sw;
}

static uint16_t mac_update(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = running(a, c, &o);

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    return vse_sw_from_err(vse_mac_update(o->run.mac, vse_arg_bytes(&c->args, SE_TAG_1)));
}

static uint16_t mac_final(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf mac = BUF_SECRET(VSE_MAC_MAX);
    struct vse_crypto_object *o;
    bool validate, good;
    uint16_t sw = running(a, c, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    validate = o->work == VSE_WORK_MAC_VALIDATE;
    if (validate != vse_arg_has(&c->args, SE_TAG_3))
        return SE_SW_WRONG_DATA;
    e = vse_mac_update(o->run.mac, vse_arg_bytes(&c->args, SE_TAG_1));
    if (!e)
        e = vse_mac_final(o->run.mac, &mac);
    good = !e && matches(buf_slice(&mac), vse_arg_bytes(&c->args, SE_TAG_3), o->least);
    vse_crypto_object_stop(o);
    if (e)
        return vse_sw_from_err(e);
    if (validate)
        vse_put_verdict(out, SE_TAG_1, good);
    else
        tlv_put(out, SE_TAG_1, buf_slice(&mac));
    return SE_SW_OK;
}

static uint16_t mac_once(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    bool validate = c->p2 == SE_P2_VALIDATE_ONESHOT;
    uint8_t algorithm = vse_arg_u8(&c->args, SE_TAG_2, 0);
    autobuf mac = BUF_SECRET(VSE_MAC_MAX);
    const struct vse_object *key;
    uint16_t sw;
    err_t e;

    if (c->args.bad || !vse_mac_key_type(algorithm))
        return SE_SW_WRONG_DATA;
    sw = vse_key_at(a, c, SE_TAG_1, vse_mac_key_type(algorithm), validate ? SE_POLICY_VERIFY : SE_POLICY_SIGN,
                    &key);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_mac_once(algorithm, vse_object_part(key, VSE_DATA), vse_arg_bytes(&c->args, SE_TAG_3), &mac);
    if (e)
        return vse_sw_from_err(e);
    if (validate)
        vse_put_verdict(out, SE_TAG_1,
                        matches(buf_slice(&mac), vse_arg_bytes(&c->args, SE_TAG_5), key->min_output));
    else
        tlv_put(out, SE_TAG_1, buf_slice(&mac));
    return SE_SW_OK;
}

enum { KEYED = SE_CONFIG_HMAC | SE_CONFIG_AES | SE_CONFIG_DES };

/* clang-format off */
const struct vse_command vse_commands_mac[] = {
    { .name = "MACInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_MAC, .p2 = SE_P2_GENERATE, .on = VSE_ON_ALL,
      .feature = KEYED, .must = VSE_T(1) | VSE_T(2), .run = mac_init },
    { .name = "MACInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_MAC, .p2 = SE_P2_VALIDATE, .on = VSE_ON_ALL,
      .feature = KEYED, .must = VSE_T(1) | VSE_T(2), .run = mac_init },
    { .name = "MACUpdate", .ins = SE_INS_CRYPTO, .p1 = SE_P1_MAC, .p2 = SE_P2_UPDATE, .on = VSE_ON_ALL,
      .feature = KEYED, .must = VSE_T(2), .may = VSE_T(1), .run = mac_update },
    { .name = "MACFinal", .ins = SE_INS_CRYPTO, .p1 = SE_P1_MAC, .p2 = SE_P2_FINAL, .on = VSE_ON_ALL,
      .feature = KEYED, .must = VSE_T(2), .may = VSE_T(1) | VSE_T(3), .run = mac_final },
    { .name = "MACOneShot", .ins = SE_INS_CRYPTO, .p1 = SE_P1_MAC, .p2 = SE_P2_GENERATE_ONESHOT,
      .on = VSE_ON_ALL, .feature = KEYED, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(3), .run = mac_once },
    { .name = "MACOneShot validate", .ins = SE_INS_CRYPTO, .p1 = SE_P1_MAC, .p2 = SE_P2_VALIDATE_ONESHOT,
      .on = VSE_ON_ALL, .feature = KEYED, .must = VSE_T(1) | VSE_T(2) | VSE_T(5), .may = VSE_T(3),
      .run = mac_once },
    VSE_COMMANDS_END,
};
/* clang-format on */
