#include "base/tlv.h"
#include "se/command.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/key_write.h"
#include "se/object.h"

enum {
    PKCS1_OVERHEAD = 11, /* RFC 8017 9.2: 00 01 eight times FF 00 */
    EXPONENT_MAX = 8,
};

static struct slice without_zeros(struct slice v)
{
    while (v.n && v.p[0] == 0)
        v = slice_skip(v, 1);
    return v;
}

/* ---- import ---- */

struct component {
    uint8_t tag;
    struct slice value;
};

static err_t send_component(struct se_chip *chip, uint32_t id, uint8_t p1, uint8_t p2, size_t bits,
                            const struct component *part)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, p1, p2, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    if (bits)
        tlv_put_be16(&c.w, SE_TAG_2, (uint16_t)bits);
    tlv_put(&c.w, part->tag, part->value);
    return se_command_status(chip, &c, se_key_what(what, id, "writing the RSA key"));
}

static bool known_size(size_t bits)
{
    static const uint16_t sizes[] = { 512, 1024, 1152, 2048, 3072, 4096 };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i] == bits)
            return true;
    return false;
}

/* Make sure that a key of this size may be written: *fresh says that it needs a new object. */
static err_t begin_key(struct se_chip *chip, uint32_t id, uint8_t type, size_t bits, struct se_chip **held,
                       bool *fresh)
{
    err_t e;

    if (!known_size(bits))
        return se_fail(ERR_UNSUPPORTED, "object %08x: the chip has no RSA keys of %zu bits", id, bits);
    e = se_hold(chip, held);
    return e ? e : se_key_clear_way(chip, id, type, bits / 8, fresh);
}

/* The first command names size and part, each carries one component. The key becomes usable with the
 * last one (reference 3.3). */
static err_t import(struct se_chip *chip, uint32_t id, uint8_t part, uint8_t p2, uint8_t type, size_t bits,
                    const struct component *parts, size_t n)
{
    auto_hold *held = NULL;
    bool fresh = false;
    err_t e;

    e = begin_key(chip, id, type, bits, &held, &fresh);
    if (e)
        return e;
    for (size_t i = 0; !e && i < n; i++)
        e = send_component(chip, id, i == 0 && fresh ? (uint8_t)(part | SE_P1_RSA) : SE_P1_RSA, p2,
                           i == 0 && fresh ? bits : 0, &parts[i]);
    if (e && fresh)
        (void)se_object_delete(chip, id); /* half a key helps nobody; e is what matters */
    return e;
}

err_t se_rsa_write_pair(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key)
{
    struct slice n = without_zeros(key->n);
    const struct component parts[] = {
        { SE_TAG_3, key->p },    { SE_TAG_4, key->q }, { SE_TAG_5, key->dp }, { SE_TAG_6, key->dq },
        { SE_TAG_7, key->qinv }, { SE_TAG_8, key->e }, { SE_TAG_10, n },
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].value.n == 0 || parts[i].value.n > SE_RSA_BYTES_MAX)
            return se_fail(ERR_INVALID, "object %08x: an RSA pair needs all of p, q, dp, dq, qinv, e, n", id);
    return import(chip, id, SE_P1_PAIR, SE_P2_DEFAULT, SE_TYPE_RSA_PAIR_CRT, n.n * 8, parts,
                  ARRAY_LEN(parts));
}

err_t se_rsa_write_public(struct se_chip *chip, uint32_t id, struct slice n, struct slice e)
{
    const struct component parts[] = { { SE_TAG_10, without_zeros(n) }, { SE_TAG_8, without_zeros(e) } };

    if (parts[0].value.n == 0 || parts[1].value.n == 0)
        return se_fail(ERR_INVALID, "object %08x: an RSA public key needs n and e", id);
    return import(chip, id, SE_P1_PUBLIC, SE_P2_RAW, SE_TYPE_RSA_PUBLIC, parts[0].value.n * 8, parts,
                  ARRAY_LEN(parts));
}

err_t se_rsa_generate(struct se_chip *chip, uint32_t id, size_t bits)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    bool fresh = false;
    err_t e;

    e = begin_key(chip, id, SE_TYPE_RSA_PAIR_CRT, bits, &held, &fresh);
    if (e)
        return e;
    se_command_init(&c, SE_INS_WRITE, SE_P1_PAIR | SE_P1_RSA, SE_P2_DEFAULT, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    if (fresh)
        tlv_put_be16(&c.w, SE_TAG_2, (uint16_t)bits);
    return se_command_status(chip, &c, se_key_what(what, id, "generating the RSA key"));
}

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
    e = se_command_run(chip, &c, se_key_what(what, id, "reading the RSA public key"), &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &value))
        return se_command_malformed(what);
    value = without_zeros(value);
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

static err_t crypt(struct se_chip *chip, uint32_t id, uint8_t p2, uint8_t algorithm, struct slice in,
                   const char *doing, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer, value = { 0 };
    bool raw = algorithm == SE_RSA_NO_PAD;
    err_t e;

    if (in.n == 0 || in.n > SE_RSA_BYTES_MAX)
        return se_fail(ERR_INVALID, "object %08x: %s: %zu bytes are no RSA block", id, doing, in.n);
    se_command_init(&c, SE_INS_CRYPTO, SE_P1_RSA, p2, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    tlv_put_u8(&c.w, SE_TAG_2, algorithm);
    tlv_put(&c.w, SE_TAG_3, in);
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, se_key_what(what, id, doing), &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &value) || value.n > in.n || (raw && value.n != in.n))
        return se_command_malformed(doing);
    return buf_add(out, value);
}

err_t se_rsa_private_raw(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out)
{
    return crypt(chip, id, SE_P2_DECRYPT_ONESHOT, SE_RSA_NO_PAD, in, "RSA private operation", out);
}

err_t se_rsa_public_raw(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out)
{
    return crypt(chip, id, SE_P2_ENCRYPT_ONESHOT, SE_RSA_NO_PAD, in, "RSA public operation", out);
}

err_t se_rsa_decrypt_pkcs1(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out)
{
    return crypt(chip, id, SE_P2_DECRYPT_ONESHOT, SE_RSA_PKCS1, in, "RSA decryption", out);
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
