#include "se/cipher.h"

#include "se/command.h"
#include "se/detail.h"

static err_t check_length(uint32_t key, size_t n)
{
    if (n <= SE_CIPHER_ONCE_MAX)
        return ERR_OK;
    return se_fail(ERR_TOO_BIG, "object %08x: %zu bytes do not go into one command", key, n);
}

static void begin_once(struct se_command *c, uint32_t key, uint8_t mode, bool encrypt, struct slice in)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_CIPHER, encrypt ? SE_P2_ENCRYPT_ONESHOT : SE_P2_DECRYPT_ONESHOT,
                    SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, key);
    tlv_put_u8(&c->w, SE_TAG_2, mode);
    se_put_bytes(c, SE_TAG_3, in);
}

err_t se_cipher_once(struct se_chip *chip, uint32_t key, uint8_t mode, bool encrypt, struct slice iv,
                     struct slice in, struct buf *out)
{
    size_t max = encrypt ? in.n + SE_CIPHER_BLOCK_MAX : in.n; /* padding adds a block at most */
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = check_length(key, in.n);

    if (e)
        return e;
    begin_once(&c, key, mode, encrypt, in);
    se_put_bytes(&c, SE_TAG_4, iv);
    return se_call_optional(chip, &c, se_what(what, key, encrypt ? "encrypting" : "decrypting"), max, out);
}

/* [T1=result] T3=IV */
static err_t take_iv(struct slice answer, size_t n, size_t iv_len, struct buf *out, struct buf *out_iv)
{
    struct slice result = { 0 }, iv;
    size_t start = out ? out->n : 0;
    err_t e = ERR_OK;

    if (answer.n && answer.p[0] == SE_TAG_1 && se_answer_take(&answer, SE_TAG_1, &result))
        return ERR_PROTO;
    if (se_answer_only(answer, SE_TAG_3, &iv) || iv.n != iv_len || result.n != n)
        return ERR_PROTO;
    if (out)
        e = buf_add(out, result);
    if (!e)
        e = buf_add(out_iv, iv);
    if (e && out)
        buf_cut(out, start);
    return e;
}

static err_t call_for_iv(struct se_chip *chip, const struct se_command *c, const char *what, size_t n,
                         size_t iv_len, struct buf *out, struct buf *out_iv)
{
    auto_hold *held = NULL;
    struct slice answer;
    err_t e = se_need_7x(chip, what);

    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, c, what, &answer);
    if (e)
        return e;
    e = take_iv(answer, n, iv_len, out, out_iv);
    return e == ERR_PROTO ? se_command_malformed(what) : e;
}

/* SE_CIPHER_AES_CTR is what is sent: the other number is the host's own name (reference 3.10). */
err_t se_cipher_once_internal_iv(struct se_chip *chip, uint32_t key, size_t iv_len, struct slice in,
                                 struct buf *out, struct buf *out_iv)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = check_length(key, in.n);

    if (e)
        return e;
    begin_once(&c, key, SE_CIPHER_AES_CTR, true, in);
    tlv_put_be16(&c.w, SE_TAG_4, (uint16_t)iv_len);
    return call_for_iv(chip, &c, se_what(what, key, "encrypting"), in.n, iv_len, out, out_iv);
}

static void begin_steps(struct se_command *c, uint16_t object, uint32_t key, bool encrypt,
                        enum se_command_form form)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_CIPHER, encrypt ? SE_P2_ENCRYPT : SE_P2_DECRYPT, form);
    tlv_put_be32(&c->w, SE_TAG_1, key);
    tlv_put_be16(&c->w, SE_TAG_2, object);
}

err_t se_cipher_init(struct se_chip *chip, uint16_t object, uint32_t key, bool encrypt, struct slice iv)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_steps(&c, object, key, encrypt, SE_COMMAND_STATUS);
    se_put_bytes(&c, SE_TAG_4, iv);
    return se_call_status(chip, &c, se_what(what, key, "beginning a cipher"));
}

err_t se_cipher_init_internal_iv(struct se_chip *chip, uint16_t object, uint32_t key, size_t iv_len,
                                 struct buf *out_iv)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_steps(&c, object, key, true, SE_COMMAND_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_4, (uint16_t)iv_len);
    return call_for_iv(chip, &c, se_what(what, key, "beginning a cipher"), 0, iv_len, NULL, out_iv);
}

static err_t step(struct se_chip *chip, uint16_t object, uint8_t p2, struct slice in, struct buf *out)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_CIPHER, p2,
                    p2 == SE_P2_FINAL ? SE_COMMAND_EXT_ANSWER : SE_COMMAND_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_2, object);
    se_put_bytes(&c, SE_TAG_3, in);
    return se_call_optional(chip, &c, "going on with a cipher", in.n + 2 * SE_CIPHER_BLOCK_MAX, out);
}

err_t se_cipher_update(struct se_chip *chip, uint16_t object, struct slice in, struct buf *out)
{
    auto_hold *held = NULL;
    size_t start = out->n;
    err_t e = se_hold(chip, &held);

    for (size_t at = 0; !e && at < in.n; at += SE_CIPHER_CHUNK)
        e = step(chip, object, SE_P2_UPDATE, slice_head(slice_skip(in, at), SE_CIPHER_CHUNK), out);
    if (e)
        buf_cut(out, start);
    return e;
}

err_t se_cipher_final(struct se_chip *chip, uint16_t object, struct slice last, struct buf *out)
{
    return step(chip, object, SE_P2_FINAL, last, out);
}
