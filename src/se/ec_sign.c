/* ECDSA, EdDSA, ECDAA: sign and verify with a key in the chip (reference 3.7). */
#include "se/command.h"
#include "se/detail.h"
#include "se/ec_order.h"
#include "se/key.h"
#include "se/sig.h"

enum { DIGEST_MAX = 64, ED_HALF = 32, ECDAA_LEN = 32 };

/* Despite their names these do not hash: they say how long the digest is (reference 3.7). */
static uint8_t sign_algorithm(size_t digest_len)
{
    static const struct {
        uint8_t len, algorithm;
    } by_length[] = {
        { 20, SE_ECDSA_SHA1 },   { 28, SE_ECDSA_SHA224 }, { 32, SE_ECDSA_SHA256 },
        { 48, SE_ECDSA_SHA384 }, { 64, SE_ECDSA_SHA512 },
    };

    for (size_t i = 0; i < ARRAY_LEN(by_length); i++)
        if (by_length[i].len == digest_len)
            return by_length[i].algorithm;
    return SE_ECDSA_PLAIN;
}

static err_t add_checked_signature(struct slice der, struct buf *out, const char *what)
{
    autobuf raw = BUF_INIT(2 * SE_EC_PRIVATE_MAX);

    if (der.n > SE_EC_SIGNATURE_MAX || se_sig_der_to_raw(der, SE_EC_PRIVATE_MAX, &raw))
        return se_command_malformed(what);
    return buf_add(out, der);
}

static err_t check_digest(uint32_t id, struct slice digest)
{
    if (digest.n && digest.n <= DIGEST_MAX)
        return ERR_OK;
    return se_fail(ERR_INVALID, "object %08x: a digest of %zu bytes cannot be signed (1..%d)", id, digest.n,
                   DIGEST_MAX);
}

/* T1=key, T2=algorithm, [T3=input], [T5=signature] */
static void begin(struct se_command *c, uint8_t p2, uint32_t id, uint8_t algorithm, struct slice input,
                  struct slice signature)
{
    se_command_init(c, SE_INS_CRYPTO, SE_P1_SIGNATURE, p2, SE_COMMAND_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, id);
    tlv_put_u8(&c->w, SE_TAG_2, algorithm);
    se_put_bytes(c, SE_TAG_3, input); /* an empty message is sent as none */
    se_put_bytes(c, SE_TAG_5, signature);
}

err_t se_ec_sign(struct se_chip *chip, uint32_t id, struct slice digest, struct buf *out_der)
{
    autobuf der = BUF_INIT(SE_EC_SIGNATURE_MAX);
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = check_digest(id, digest);

    if (e)
        return e;
    begin(&c, SE_P2_SIGN, id, sign_algorithm(digest.n), digest, (struct slice){ 0 });
    e = se_call_bytes(chip, &c, se_what(what, id, "signing"), 1, SE_EC_SIGNATURE_MAX, &der);
    return e ? e : add_checked_signature(buf_slice(&der), out_der, what);
}

err_t se_ec_verify(struct se_chip *chip, uint32_t id, struct slice digest, struct slice der, bool *ret_good)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e = check_digest(id, digest);

    if (!e && (der.n == 0 || der.n > SE_EC_SIGNATURE_MAX))
        e = se_fail(ERR_INVALID, "object %08x: %zu bytes are no ECDSA signature", id, der.n);
    if (e)
        return e;
    begin(&c, SE_P2_VERIFY, id, sign_algorithm(digest.n), digest, der);
    return se_call_result(chip, &c, se_what(what, id, "verifying"), ret_good);
}

/* r and s, each little endian in RFC 8032, travel reversed, each by itself. */
static void turn_halves(const uint8_t in[SE_ED_SIGNATURE_LEN], uint8_t out[SE_ED_SIGNATURE_LEN])
{
    (void)se_ec_reversed(slice_of(in, ED_HALF), out);
    (void)se_ec_reversed(slice_of(in + ED_HALF, ED_HALF), out + ED_HALF);
}

err_t se_ed_sign(struct se_chip *chip, uint32_t id, struct slice message, uint8_t ret[SE_ED_SIGNATURE_LEN])
{
    uint8_t signature[SE_ED_SIGNATURE_LEN];
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };
    err_t e;

    begin(&c, SE_P2_SIGN, id, SE_EDDSA_PURE, message, (struct slice){ 0 });
    e = se_call_fixed(chip, &c, se_what(what, id, "signing"), signature, sizeof(signature));
    if (!e)
        turn_halves(signature, ret);
    return e;
}

err_t se_ed_verify(struct se_chip *chip, uint32_t id, struct slice message,
                   const uint8_t signature[SE_ED_SIGNATURE_LEN], bool *ret_good)
{
    uint8_t turned[SE_ED_SIGNATURE_LEN];
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    turn_halves(signature, turned);
    begin(&c, SE_P2_VERIFY, id, SE_EDDSA_PURE, message, SLICE_ARRAY(turned));
    return se_call_result(chip, &c, se_what(what, id, "verifying"), ret_good);
}

err_t se_ec_sign_ecdaa(struct se_chip *chip, uint32_t id, struct slice digest, struct slice random,
                       struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    if (digest.n != ECDAA_LEN || random.n != ECDAA_LEN)
        return se_fail(ERR_INVALID, "object %08x: ECDAA takes a digest and a random value of %d bytes each",
                       id, ECDAA_LEN);
    begin(&c, SE_P2_SIGN_ECDAA, id, SE_ECDAA, digest, (struct slice){ 0 });
    tlv_put(&c.w, SE_TAG_4, random);
    return se_call_bytes(chip, &c, se_what(what, id, "ECDAA"), 1, SE_EC_SIGNATURE_MAX, out);
}
