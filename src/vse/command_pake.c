/* SPAKE2+ (reference 3.14, RFC 9383; 7.x): in a crypto object, each step once. What the reference leaves open
 * is decided in docs/spec/chip.md, "SPAKE2+". */
#include "base/mem.h"
#include "vse/dispatch.h"
#include "vse/spake2.h"
#include "vse/work.h"

static uint16_t exchange(struct vse_applet *a, struct vse_call *c, struct vse_crypto_object **ret)
{
    return vse_work_for(a, c, SE_CONTEXT_PAKE, VSE_WORK_PAKE, ret);
}

/* Begins anew whatever ran there. */
static uint16_t configure(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t device = vse_arg_u8(&c->args, SE_TAG_3, 0);
    struct vse_crypto_object *o;
    struct vse_spake2 *work;
    uint16_t sw = vse_crypto_object_for(a, c, SE_CONTEXT_PAKE, &o);
    err_t e;

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    e = vse_spake2_new(o->subtype, device, &work);
    if (e)
        return vse_sw_from_err(e);
    vse_work_begin(o, c, VSE_WORK_PAKE);
    o->run.pake = work;
    return SE_SW_OK;
}

static uint16_t names(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    return vse_sw_from_err(vse_spake2_names(o->run.pake, vse_arg_bytes(&c->args, SE_TAG_3),
                                            vse_arg_bytes(&c->args, SE_TAG_4),
                                            vse_arg_bytes(&c->args, SE_TAG_5)));
}

/* w0 and the prover's w1 or the verifier's L, which are HMAC objects. The one that is not this side's is not
 * looked at. */
static uint16_t credentials(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    const struct vse_object *w0, *second;
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);
    uint8_t tag;
    err_t e;

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    tag = vse_spake2_device(o->run.pake) == SE_PAKE_DEVICE_A ? SE_TAG_4 : SE_TAG_5;
    sw = vse_key_at(a, c, SE_TAG_3, SE_TYPE_HMAC, SE_POLICY_KDF, &w0);
    if (sw == SE_SW_OK && !vse_arg_has(&c->args, tag))
        sw = SE_SW_WRONG_DATA;
    if (sw == SE_SW_OK)
        sw = vse_key_at(a, c, tag, SE_TYPE_HMAC, SE_POLICY_KDF, &second);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_spake2_credentials(o->run.pake, vse_object_part(w0, VSE_DATA), vse_object_part(second, VSE_DATA));
    return e == ERR_INVALID ? SE_SW_CONDITIONS : vse_sw_from_err(e); /* the objects are not for this suite */
}

static uint16_t share(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf ours = BUF_INIT(VSE_SPAKE2_SHARE_MAX);
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);

    if (sw == SE_SW_OK)
        sw = vse_sw_from_err(
            vse_spake2_share(o->run.pake, vse_arg_bytes(&c->args, SE_TAG_3), (struct slice){ 0 }, &ours));
    if (sw == SE_SW_OK)
        tlv_put(out, SE_TAG_1, buf_slice(&ours));
    return sw;
}

static uint16_t session_keys(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf secret = BUF_SECRET(VSE_SPAKE2_KEY_MAX), confirm = BUF_INIT(VSE_SPAKE2_KEY_MAX);
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);

    if (sw == SE_SW_OK)
        sw = vse_sw_from_err(
            vse_spake2_keys(o->run.pake, vse_arg_bytes(&c->args, SE_TAG_3), &secret, &confirm));
    if (sw != SE_SW_OK)
        return sw;
    tlv_put(out, SE_TAG_1, buf_slice(&secret));
    tlv_put(out, SE_TAG_2, buf_slice(&confirm));
    return SE_SW_OK;
}

/* A peer that does not know the password has one try. */
static uint16_t verify(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);
    bool good = false;

    if (sw == SE_SW_OK)
        sw = vse_sw_from_err(vse_spake2_confirmed(o->run.pake, vse_arg_bytes(&c->args, SE_TAG_3), &good));
    if (sw != SE_SW_OK)
        return sw;
    if (!good)
        vse_crypto_object_stop(o);
    vse_put_verdict(out, SE_TAG_1, good);
    return SE_SW_OK;
}

static uint16_t read_type(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);

    if (sw == SE_SW_OK)
        tlv_put_u8(out, SE_TAG_1, vse_spake2_device(o->run.pake));
    return sw;
}

static uint16_t read_state(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = exchange(a, c, &o);

    if (sw == SE_SW_OK)
        tlv_put_u8(out, SE_TAG_1, vse_spake2_state(o->run.pake));
    return sw;
}

#define ROW(name_, ins_, p2_, must_, may_, run_)                                                   \
    {                                                                                              \
        .name = (name_), .ins = (ins_), .p1 = SE_P1_PAKE, .p2 = (p2_), .on = VSE_ON_7X,            \
        .feature = SE_CONFIG_ECDSA_ECDH, .must = VSE_T(2) | (must_), .may = (may_), .run = (run_), \
    }

/* clang-format off */
const struct vse_command vse_commands_pake[] = {
    ROW("PAKEConfigure", SE_INS_CRYPTO, SE_P2_TYPE, VSE_T(3), 0, configure),
    ROW("PAKEInit", SE_INS_CRYPTO, SE_P2_ID, 0, VSE_T(3) | VSE_T(4) | VSE_T(5), names),
    ROW("PAKECredentials", SE_INS_CRYPTO, SE_P2_PARAM, VSE_T(3), VSE_T(4) | VSE_T(5), credentials),
    ROW("PAKEKeyShare", SE_INS_CRYPTO, SE_P2_UPDATE, 0, VSE_T(3), share),
    ROW("PAKESessionKeys", SE_INS_CRYPTO, SE_P2_GENERATE, VSE_T(3), 0, session_keys),
    ROW("PAKEVerify", SE_INS_CRYPTO, SE_P2_VERIFY, VSE_T(3), 0, verify),
    ROW("PAKEReadType", SE_INS_READ, SE_P2_DEFAULT, 0, 0, read_type),
    ROW("PAKEReadState", SE_INS_READ, SE_P2_READ_STATE, 0, 0, read_state),
    VSE_COMMANDS_END,
};
/* clang-format on */
