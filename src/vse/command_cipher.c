/* Ciphers (reference 3.10), one shot and in steps. On 7.x the part can make the IV of CTR itself. */
#include "base/mem.h"
#include "vse/cipher.h"
#include "vse/dispatch.h"
#include "vse/work.h"

enum { IV_LENGTH_BYTES = 2 };

/* CTR with an IV of the part's own: asked for by the name hosts have for it, or by two bytes where the IV
 * would be (the name never reaches the part from NXP's host). Only for encrypting. */
static bool wants_own_iv(const struct vse_applet *a, const struct vse_call *c, const struct vse_start *s)
{
    if (!vse_is_7x(a) || !s->encrypt)
        return false;
    return s->mode == SE_CIPHER_AES_CTR_INTERNAL_IV ||
           (s->mode == SE_CIPHER_AES_CTR && vse_arg_bytes(&c->args, SE_TAG_4).n == IV_LENGTH_BYTES);
}

/* Mode to key and IV: what both ways of starting need. 9000 or why not. */
static uint16_t begin(struct vse_applet *a, struct vse_call *c, struct vse_start *s)
{
    bool own = wants_own_iv(a, c, s);
    uint16_t sw;

    if (vse_is_7x(a) && s->mode == SE_CIPHER_AES_CTR_INTERNAL_IV)
        s->mode = SE_CIPHER_AES_CTR;
    if (!vse_cipher_key_type(s->mode))
        return SE_SW_WRONG_DATA;
    sw = vse_start_key(a, c, vse_cipher_key_type(s->mode), s);
    if (sw != SE_SW_OK)
        return sw;
    if (!own)
        return vse_start_iv(a, c, SE_TAG_4, s);
    sw = vse_start_own_iv(c, SE_TAG_4, VSE_CIPHER_BLOCK_MAX, s);
    return sw == SE_SW_OK && s->iv.n != VSE_CIPHER_BLOCK_MAX ? SE_SW_WRONG_DATA : sw;
}

static uint16_t cipher_init(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_start s = { .encrypt = c->p2 == SE_P2_ENCRYPT };
    struct vse_crypto_object *o;
    struct vse_cipher *cipher;
    uint16_t sw = vse_crypto_object_for(a, c, SE_CONTEXT_CIPHER, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    s.mode = o->subtype;
    sw = begin(a, c, &s);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_cipher_new(s.mode, s.encrypt, vse_object_part(s.key, VSE_DATA), s.iv, &cipher);
    if (e)
        return vse_sw_from_err(e);
    vse_work_begin(o, c, VSE_WORK_CIPHER);
    o->run.cipher = cipher;
    if (s.made_here)
        tlv_put(out, SE_TAG_3, s.iv);
    return SE_SW_OK;
}

typedef err_t step(struct vse_cipher *, struct slice, struct buf *);

/* A failure ends the work: nothing good can follow. */
static uint16_t cipher_step(struct vse_applet *a, struct vse_call *c, step *run, struct writer *out)
{
    autobuf result = BUF_SECRET(vse_applet_data_max(a));
    struct vse_crypto_object *o;
    uint16_t sw = vse_work_for(a, c, SE_CONTEXT_CIPHER, VSE_WORK_CIPHER, &o);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = run(o->run.cipher, vse_arg_bytes(&c->args, SE_TAG_3), &result);
    if (e || run == vse_cipher_final)
        vse_crypto_object_stop(o);
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, buf_slice(&result));
    return SE_SW_OK;
}

static uint16_t cipher_update(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return cipher_step(a, c, vse_cipher_update, out);
}

static uint16_t cipher_final(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return cipher_step(a, c, vse_cipher_final, out);
}

static uint16_t cipher_once(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_start s = { .mode = vse_arg_u8(&c->args, SE_TAG_2, 0),
                           .encrypt = c->p2 == SE_P2_ENCRYPT_ONESHOT };
    autobuf result = BUF_SECRET(vse_applet_data_max(a));
    struct vse_cipher *cipher = NULL;
    uint16_t sw = c->args.bad ? SE_SW_WRONG_DATA : begin(a, c, &s);
    err_t e;

    if (sw != SE_SW_OK)
        return sw;
    e = vse_cipher_new(s.mode, s.encrypt, vse_object_part(s.key, VSE_DATA), s.iv, &cipher);
    if (!e)
        e = vse_cipher_final(cipher, vse_arg_bytes(&c->args, SE_TAG_3), &result);
    vse_cipher_free(cipher);
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, buf_slice(&result));
    if (s.made_here)
        tlv_put(out, SE_TAG_3, s.iv);
    return SE_SW_OK;
}

enum { CIPHERS = SE_CONFIG_AES | SE_CONFIG_DES };

/* clang-format off */
const struct vse_command vse_commands_cipher[] = {
    { .name = "CipherInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .p2 = SE_P2_ENCRYPT, .on = VSE_ON_ALL,
      .feature = CIPHERS, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(4), .run = cipher_init },
    { .name = "CipherInit", .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .p2 = SE_P2_DECRYPT, .on = VSE_ON_ALL,
      .feature = CIPHERS, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(4), .run = cipher_init },
    { .name = "CipherUpdate", .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .p2 = SE_P2_UPDATE, .on = VSE_ON_ALL,
      .feature = CIPHERS, .must = VSE_T(2), .may = VSE_T(3), .run = cipher_update },
    { .name = "CipherFinal", .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .p2 = SE_P2_FINAL, .on = VSE_ON_ALL,
      .feature = CIPHERS, .must = VSE_T(2), .may = VSE_T(3), .run = cipher_final },
    { .name = "CipherOneShot", .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .p2 = SE_P2_ENCRYPT_ONESHOT,
      .on = VSE_ON_ALL, .feature = CIPHERS, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(3) | VSE_T(4),
      .run = cipher_once },
    { .name = "CipherOneShot", .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .p2 = SE_P2_DECRYPT_ONESHOT,
      .on = VSE_ON_ALL, .feature = CIPHERS, .must = VSE_T(1) | VSE_T(2), .may = VSE_T(3) | VSE_T(4),
      .run = cipher_once },
    VSE_COMMANDS_END,
};
/* clang-format on */
