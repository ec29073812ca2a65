/* Digests (reference 3.10). DigestOneShot numbers its tags unlike its neighbours. */
#include "vse/digest.h"
#include "vse/dispatch.h"
#include "vse/work.h"

static uint16_t digest_init(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = vse_crypto_object_for(a, c, SE_CONTEXT_DIGEST, &o);
    EVP_MD_CTX *d;
    err_t e;

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    e = vse_digest_new(o->subtype, &d);
    if (e)
        return vse_sw_from_err(e);
    vse_work_begin(o, c, VSE_WORK_DIGEST);
    o->run.digest = d;
    return SE_SW_OK;
}

static uint16_t digest_update(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_crypto_object *o;
    uint16_t sw = vse_work_for(a, c, SE_CONTEXT_DIGEST, VSE_WORK_DIGEST, &o);

    (void)out;
    if (sw != SE_SW_OK)
        return sw;
    return vse_sw_from_err(vse_digest_update(o->run.digest, vse_arg_bytes(&c->args, SE_TAG_3)));
}

static uint16_t digest_final(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf digest = BUF_INIT(VSE_DIGEST_MAX);
    struct vse_crypto_object *o;
    uint16_t sw = vse_work_for(a, c, SE_CONTEXT_DIGEST, VSE_WORK_DIGEST, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = vse_digest_update(o->run.digest, vse_arg_bytes(&c->args, SE_TAG_3));
    if (!e)
        e = vse_digest_final(o->run.digest, &digest);
    vse_crypto_object_stop(o);
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, buf_slice(&digest));
    return SE_SW_OK;
}

static uint16_t digest_once(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint8_t mode = vse_arg_u8(&c->args, SE_TAG_1, SE_DIGEST_NONE);
    autobuf digest = BUF_INIT(VSE_DIGEST_MAX);
    err_t e;

    (void)a;
    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    e = vse_digest_once(mode, vse_arg_bytes(&c->args, SE_TAG_2), &digest);
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, buf_slice(&digest));
    return SE_SW_OK;
}

/* clang-format off */
const struct vse_command vse_commands_digest[] = {
    { .name = "DigestInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_INIT, .on = VSE_ON_ALL,
      .must = VSE_T(2), .run = digest_init },
    { .name = "DigestUpdate", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_UPDATE,
      .on = VSE_ON_ALL, .must = VSE_T(2), .may = VSE_T(3), .run = digest_update },
    { .name = "DigestFinal", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_FINAL, .on = VSE_ON_ALL,
      .must = VSE_T(2), .may = VSE_T(3), .run = digest_final },
    { .name = "DigestOneShot", .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = SE_P2_ONESHOT,
      .on = VSE_ON_ALL, .must = VSE_T(1), .may = VSE_T(2), .run = digest_once },
    VSE_COMMANDS_END,
};
/* clang-format on */
