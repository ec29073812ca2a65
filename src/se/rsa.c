#include "se/command.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"
#include "se/rsa_block.h"
#include "se/slow.h"

enum {
    PKCS1_OVERHEAD = 11, /* RFC 8017 9.2: 00 01 eight times FF 00 */
    EXPONENT_MAX = 8,
};

/* ---- the public part ---- */

static err_t read_component(struct se_chip *chip, uint32_t id, uint8_t component, size_t max, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    struct slice answer, value;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    tlv_put_u8(&c.w, SE_TAG_4, component);
    e = se_command_run(chip, &c, se_what(what, id, "reading the RSA public key"), &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &value))
        return se_command_malformed(what);
    value = se_rsa_number(value);
    if (value.n == 0 || value.n > max)
        return se_command_malformed(what);
    return buf_add(out, value);
}

err_t se_rsa_public(struct se_chip *chip, uint32_t id, struct buf *out_n, struct buf *out_e)
{
    auto_hold *held = NULL;
    size_t start = out_n->n;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = read_component(chip, id, SE_RSA_MODULUS, SE_RSA_BYTES_MAX, out_n);
    if (!e)
        e = read_component(chip, id, SE_RSA_EXPONENT, EXPONENT_MAX, out_e);
    if (e)
        buf_cut(out_n, start);
    return e;
}

/* ---- use ---- */

/* `c` is initialised also when this fails. */
static err_t begin_crypt(struct se_command *c, uint32_t id, uint8_t p2, uint8_t algorithm, struct slice in,
                         const char *doing)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_RSA, p2, SE_COMMAND_EXT_ANSWER);
    if ((in.n == 0 && p2 != SE_P2_ENCRYPT_ONESHOT) || in.n > SE_RSA_BYTES_MAX)
        return se_fail(ERR_INVALID, "object %08x: %s: %zu bytes are no RSA block", id, doing, in.n);
    tlv_put_be32(&c->w, SE_TAG_1, id);
    tlv_put_u8(&c->w, SE_TAG_2, algorithm);
    se_put_bytes(c, SE_TAG_3, in);
    return ERR_OK;
}

static err_t crypt(struct se_chip *chip, uint32_t id, uint8_t p2, uint8_t algorithm, struct slice in,
                   const char *doing, struct buf *out)
{
    bool raw = algorithm == SE_RSA_NO_PAD, encrypt = p2 == SE_P2_ENCRYPT_ONESHOT;
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = begin_crypt(&c, id, p2, algorithm, in, doing);

    if (e)
        return e;
    return se_call_bytes(chip, &c, se_what(what, id, doing), raw ? in.n : 0,
                         encrypt && !raw ? SE_RSA_BYTES_MAX : in.n, out);
}

err_t se_rsa_encrypt(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice in, struct buf *out)
{
    return crypt(chip, id, SE_P2_ENCRYPT_ONESHOT, algorithm, in, "RSA encryption", out);
}

err_t se_rsa_decrypt(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice in, struct buf *out)
{
    return crypt(chip, id, SE_P2_DECRYPT_ONESHOT, algorithm, in, "RSA decryption", out);
}

err_t se_rsa_private_raw_start(struct se_chip *chip, uint32_t id, struct slice in, struct se_slow **ret)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = begin_crypt(&c, id, SE_P2_DECRYPT_ONESHOT, SE_RSA_NO_PAD, in, "RSA private operation");

    return e ? e : se_slow_start(chip, &c, se_what(what, id, "RSA private operation"), in.n, ret);
}

err_t se_rsa_private_raw(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out)
{
    auto_slow *op = NULL;
    err_t e = se_rsa_private_raw_start(chip, id, in, &op);

    return e ? e : se_slow_finish(op, INT64_MAX, out);
}

err_t se_rsa_public_raw(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out)
{
    return crypt(chip, id, SE_P2_ENCRYPT_ONESHOT, SE_RSA_NO_PAD, in, "RSA public operation", out);
}

err_t se_rsa_decrypt_pkcs1(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out)
{
    return se_rsa_decrypt(chip, id, SE_RSA_PKCS1, in, out);
}

static void begin_signature(struct se_command *c, uint8_t p2, uint32_t id, uint8_t algorithm,
                            struct slice message)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_SIGNATURE, p2, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, id);
    tlv_put_u8(&c->w, SE_TAG_2, algorithm);
    se_put_bytes(c, SE_TAG_3, message);
}

err_t se_rsa_sign(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice message, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_signature(&c, SE_P2_SIGN, id, algorithm, message);
    return se_call_bytes(chip, &c, se_what(what, id, "RSA signature"), 1, SE_RSA_BYTES_MAX, out);
}

err_t se_rsa_verify(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice message,
                    struct slice signature, bool *ret_good)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    begin_signature(&c, SE_P2_VERIFY, id, algorithm, message);
    tlv_put(&c.w, SE_TAG_5, signature);
    return se_call_result(chip, &c, se_what(what, id, "RSA verification"), ret_good);
}

err_t se_rsa_sign_pkcs1(struct se_chip *chip, uint32_t id, size_t modulus_len, struct slice info,
                        struct buf *out)
{
    uint8_t block[SE_RSA_BYTES_MAX];
    size_t pad;

    if (modulus_len < PKCS1_OVERHEAD || modulus_len > sizeof(block) || info.n > modulus_len - PKCS1_OVERHEAD)
        return se_fail(ERR_TOO_BIG, "object %08x: %zu bytes do not fit a PKCS#1 block of %zu", id, info.n,
                       modulus_len);
    pad = modulus_len - info.n - 3;
    block[0] = 0x00; /* RFC 8017 9.2: EM = 00 01 PS 00 T */
    block[1] = 0x01;
    memset(block + 2, 0xff, pad);
    block[2 + pad] = 0x00;
    if (info.n)
        memcpy(block + 3 + pad, info.p, info.n);
    return se_rsa_private_raw(chip, id, slice_of(block, modulus_len), out);
}
