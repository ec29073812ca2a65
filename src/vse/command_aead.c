/* Authenticated encryption (reference 3.10): GCM and CCM. In steps, and with an IV of the part's own, on 7.x
 * only (3.14). */
#include "base/mem.h"
#include "vse/aead.h"
#include "vse/dispatch.h"
#include "vse/work.h"

/* Mode to key and IV: what both ways of starting need. 9000 or why not. */
static uint16_t begin(struct vse_applet *a, struct vse_call *c, struct vse_start *s)
{
    bool own = s->mode == SE_AEAD_GCM_INTERNAL_IV || s->mode == SE_AEAD_CCM_INTERNAL_IV;
    uint16_t sw;

    if (own && !vse_is_7x(a))
        return SE_SW_WRONG_DATA;
    if (own)
        s->mode = s->mode == SE_AEAD_GCM_INTERNAL_IV ? SE_AEAD_GCM : SE_AEAD_CCM;
    if (!vse_aead_mode_valid(s->mode))
        return SE_SW_WRONG_DATA;
    sw = vse_start_key(a, c, SE_TYPE_AES, s);
    if (sw != SE_SW_OK)
        return sw;
    return own && s->encrypt ? vse_start_own_iv(c, SE_TAG_5, VSE_AEAD_IV_MAX, s)
                             : vse_start_iv(a, c, SE_TAG_5, s);
}

static err_t make(const struct vse_start *s, struct vse_aead **ret)
{
    return vse_aead_new(s->mode, s->encrypt, vse_object_part(s->key, VSE_DATA), s->iv, ret);
}

/* T6: the length of the tag to make, 16 when the host does not say; or the tag to check. */
static uint16_t end(struct vse_call *c, struct vse_aead *work, uint16_t least, struct buf *data,
                    struct buf *tag, bool *ret_good)
{
    struct slice given = vse_arg_bytes(&c->args, SE_TAG_6);
    uint16_t n = VSE_AEAD_TAG_MAX;
    err_t e;

    if (vse_aead_encrypts(work))
        n = vse_arg_u16(&c->args, SE_TAG_6, VSE_AEAD_TAG_MAX);
    else
        n = (uint16_t)given.n;
    if (c->args.bad || !vse_aead_tag_valid(vse_aead_mode(work), n))
        return SE_SW_WRONG_DATA;
    if (n < least) /* the key's shortest tag */
        return SE_SW_CONDITIONS;
    e = vse_aead_encrypts(work) ? vse_aead_seal(work, n, data, tag)
                                : vse_aead_open(work, given, data, ret_good);
    return vse_sw_from_err(e);
}

static void put_end(struct writer *out, bool encrypt, const struct buf *tag, bool good)
{
    if (encrypt)
        tlv_put(out, SE_TAG_2, buf_slice(tag));
    else
        vse_put_verdict(out, SE_TAG_2, good);
}

static uint16_t aead_init(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_start s = { .encrypt = c->p2 == SE_P2_ENCRYPT };
    struct vse_crypto_object *o;
    struct vse_aead *work;
    uint16_t sw = vse_crypto_object_for(a, c, SE_CONTEXT_AEAD, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    s.mode = o->subtype;
    sw = begin(a, c, &s);
    if (sw != SE_SW_OK)
        return sw;
    e = make(&s, &work);
    if (e)
        return vse_sw_from_err(e);
    vse_work_begin(o, c, VSE_WORK_AEAD);
    o->least = s.key->min_tag;
    o->run.aead = work;
    if (s.made_here)
        tlv_put(out, SE_TAG_3, s.iv);
    return SE_SW_OK;
}

/* Data or AAD, one of them. AAD has no answer. A failure ends the work: nothing good can follow. */
static uint16_t aead_update(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    bool is_aad = vse_arg_has(&c->args, SE_TAG_4);
    autobuf result = BUF_SECRET(vse_applet_data_max(a));
    struct vse_crypto_object *o;
    uint16_t sw = vse_work_for(a, c, SE_CONTEXT_AEAD, VSE_WORK_AEAD, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    if (is_aad == vse_arg_has(&c->args, SE_TAG_3))
        return SE_SW_WRONG_DATA;
    e = is_aad ? vse_aead_aad(o->run.aead, vse_arg_bytes(&c->args, SE_TAG_4))
               : vse_aead_update(o->run.aead, vse_arg_bytes(&c->args, SE_TAG_3), &result);
    if (e) {
        vse_crypto_object_stop(o);
        return vse_sw_from_err(e);
    }
    if (!is_aad)
        tlv_put(out, SE_TAG_1, buf_slice(&result));
    return SE_SW_OK;
}

static uint16_t aead_final(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf result = BUF_SECRET(VSE_AEAD_GATHER_MAX + 1), tag = BUF_INIT(VSE_AEAD_TAG_MAX);
    struct vse_crypto_object *o;
    bool encrypt, good = false;
    uint16_t sw = vse_work_for(a, c, SE_CONTEXT_AEAD, VSE_WORK_AEAD, &o);

    if (sw != SE_SW_OK)
        return sw;
    encrypt = vse_aead_encrypts(o->run.aead);
    sw = end(c, o->run.aead, o->least, &result, &tag, &good);
    vse_crypto_object_stop(o);
    if (sw != SE_SW_OK)
        return sw;
    tlv_put(out, SE_TAG_1, buf_slice(&result));
    put_end(out, encrypt, &tag, good);
    return SE_SW_OK;
}

/* What was not found authentic is not told. */
static uint16_t aead_once(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_start s = { .mode = vse_arg_u8(&c->args, SE_TAG_2, 0),
                           .encrypt = c->p2 == SE_P2_ENCRYPT_ONESHOT };
    autobuf result = BUF_SECRET(vse_applet_data_max(a)), tag = BUF_INIT(VSE_AEAD_TAG_MAX);
    struct vse_aead *work = NULL;
    bool good = false;
    uint16_t sw = c->args.bad ? SE_SW_WRONG_DATA : begin(a, c, &s);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = make(&s, &work);
    if (!e)
        e = vse_aead_aad(work, vse_arg_bytes(&c->args, SE_TAG_4));
    if (!e)
        e = vse_aead_update(work, vse_arg_bytes(&c->args, SE_TAG_3), &result);
    sw = e ? vse_sw_from_err(e) : end(c, work, s.key->min_tag, &result, &tag, &good);
    vse_aead_free(work);
    if (sw != SE_SW_OK)
        return sw;
    if (vse_arg_has(&c->args, SE_TAG_3) && (s.encrypt || good))
        tlv_put(out, SE_TAG_1, buf_slice(&result));
    put_end(out, s.encrypt, &tag, good);
    if (s.made_here)
        tlv_put(out, SE_TAG_3, s.iv);
    return SE_SW_OK;
}

/* clang-format off */
const struct vse_command vse_commands_aead[] = {
    { .name = "AEADInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_AEAD, .p2 = SE_P2_ENCRYPT, .on = VSE_ON_7X,
      .feature = SE_CONFIG_AES, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(5), .run = aead_init },
    { .name = "AEADInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_AEAD, .p2 = SE_P2_DECRYPT, .on = VSE_ON_7X,
      .feature = SE_CONFIG_AES, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(5), .run = aead_init },
    { .name = "AEADUpdate", .ins = SE_INS_CRYPTO, .p1 = SE_P1_AEAD, .p2 = SE_P2_UPDATE, .on = VSE_ON_7X,
      .feature = SE_CONFIG_AES, .must = VSE_T(2), .may = VSE_T(3) | VSE_T(4), .run = aead_update },
    { .name = "AEADFinal", .ins = SE_INS_CRYPTO, .p1 = SE_P1_AEAD, .p2 = SE_P2_FINAL, .on = VSE_ON_7X,
      .feature = SE_CONFIG_AES, .must = VSE_T(2), .may = VSE_T(6), .run = aead_final },
    { .name = "AEADOneShot", .ins = SE_INS_CRYPTO, .p1 = SE_P1_AEAD, .p2 = SE_P2_ENCRYPT_ONESHOT,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_AES, .must = VSE_T(1) | VSE_T(2),
      .may = VSE_T(3) | VSE_T(4) | VSE_T(5) | VSE_T(6), .run = aead_once },
    { .name = "AEADOneShot", .ins = SE_INS_CRYPTO, .p1 = SE_P1_AEAD, .p2 = SE_P2_DECRYPT_ONESHOT,
      .on = VSE_ON_ALL, .feature = SE_CONFIG_AES, .must = VSE_T(1) | VSE_T(2),
      .may = VSE_T(3) | VSE_T(4) | VSE_T(5) | VSE_T(6), .run = aead_once },
    VSE_COMMANDS_END,
};
/* clang-format on */
