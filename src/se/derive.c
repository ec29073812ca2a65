#include "se/derive.h"

#include "se/command.h"
#include "se/detail.h"

/* The result comes back, or stays in the chip. */
static err_t run(struct se_chip *chip, const struct se_command *c, const char *what, uint32_t target,
                 size_t length, struct buf *out)
{
    return target != SE_ID_NONE ? se_call_status(chip, c, what)
                                : se_call_bytes(chip, c, what, length, length, out);
}

static err_t need_7x(struct se_chip *chip, const char *what, bool wanted)
{
    return wanted ? se_need_7x(chip, what) : ERR_OK;
}

err_t se_hkdf(struct se_chip *chip, uint32_t key, const struct se_hkdf *h, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e;

    se_what(what, key, "HKDF");
    if (h->salt.n > SE_HKDF_SALT_MAX || h->info.n > SE_HKDF_INFO_MAX || h->length == 0)
        return se_fail(ERR_INVALID, "%s: salt, info or length are out of range", what);
    e = need_7x(chip, what, h->salt_id != SE_ID_NONE || h->target != SE_ID_NONE);
    if (e)
        return e;
    se_command_init(&c, SE_INS_CRYPTO, SE_P1_DEFAULT, h->expand_only ? SE_P2_HKDF_EXPAND : SE_P2_HKDF,
                    h->target != SE_ID_NONE ? SE_COMMAND_STATUS : SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, key);
    tlv_put_u8(&c.w, SE_TAG_2, h->digest);
    se_put_bytes(&c, SE_TAG_3, h->salt);
    se_put_bytes(&c, SE_TAG_4, h->info);
    tlv_put_be16(&c.w, SE_TAG_5, h->length);
    se_put_id(&c, SE_TAG_6, h->salt_id);
    se_put_id(&c, SE_TAG_7, h->target);
    return run(chip, &c, what, h->target, h->length, out);
}

err_t se_pbkdf2(struct se_chip *chip, uint32_t key, const struct se_pbkdf2 *p, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e;

    se_what(what, key, "PBKDF2");
    if (p->iterations == 0 || p->length == 0 || p->length > SE_PBKDF2_MAX)
        return se_fail(ERR_INVALID, "%s: iterations or length are out of range", what);
    e = need_7x(chip, what, p->salt_id != SE_ID_NONE || p->target != SE_ID_NONE || p->algorithm);
    if (e)
        return e;
    se_command_init(&c, SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_PBKDF2,
                    p->target != SE_ID_NONE ? SE_COMMAND_STATUS : SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, key);
    se_put_bytes(&c, SE_TAG_2, p->salt);
    tlv_put_be16(&c.w, SE_TAG_3, p->iterations);
    tlv_put_be16(&c.w, SE_TAG_4, p->length);
    se_put_u8(&c, SE_TAG_5, p->algorithm);
    se_put_id(&c, SE_TAG_6, p->salt_id);
    se_put_id(&c, SE_TAG_7, p->target);
    return run(chip, &c, what, p->target, p->length, out);
}

/* ---- TLS 1.2 ---- */

err_t se_tls_random(struct se_chip *chip, uint8_t ret[SE_TLS_RANDOM_LEN])
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_TLS, SE_P2_RANDOM, SE_COMMAND_ANSWER);
    return se_call_fixed(chip, &c, "making a TLS random", ret, SE_TLS_RANDOM_LEN);
}

err_t se_tls_pre_master(struct se_chip *chip, const struct se_tls_pre_master *p)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_CRYPTO, SE_P1_TLS, SE_P2_TLS_PMS, SE_COMMAND_STATUS);
    se_put_id(&c, SE_TAG_1, p->psk);
    se_put_id(&c, SE_TAG_2, p->pair);
    tlv_put_be32(&c.w, SE_TAG_3, p->target);
    se_put_bytes(&c, SE_TAG_4, p->input);
    se_put_be16(&c, SE_TAG_6, p->client_version);
    return se_call_status(chip, &c, se_what(what, p->target, "computing a TLS pre-master secret"));
}

err_t se_tls_prf(struct se_chip *chip, uint32_t key, const struct se_tls_prf *p, struct buf *out)
{
    size_t randoms = p->kind == SE_TLS_PRF_BOTH ? 2 : 1;
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    if (p->random.n != randoms * SE_TLS_RANDOM_LEN || p->length == 0)
        return se_fail(ERR_INVALID, "object %08x: the TLS PRF needs %zu random bytes and a length", key,
                       randoms * SE_TLS_RANDOM_LEN);
    se_command_init(&c, SE_INS_CRYPTO, SE_P1_TLS, (uint8_t)p->kind, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, key);
    tlv_put_u8(&c.w, SE_TAG_2, p->digest);
    tlv_put(&c.w, SE_TAG_3, p->label);
    tlv_put(&c.w, SE_TAG_4, p->random);
    tlv_put_be16(&c.w, SE_TAG_5, p->length);
    return se_call_bytes(chip, &c, se_what(what, key, "TLS PRF"), p->length, p->length, out);
}
