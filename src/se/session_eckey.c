/* ECKey sessions (reference 4.5): the host signs an ephemeral key with its long-term one, both sides agree on
 * keys with the applet's own key 7FFF0201, which the chip attests. */
#include "base/tlv.h"
#include "se/apdu.h"
#include "se/attest_check.h"
#include "se/chip_impl.h"
#include "se/detail.h"
#include "se/session_impl.h"

enum {
    TAG_RANDOM = 0x85,
    TAG_RECEIPT = 0x86,
    RANDOM_LEN = 16,
    RECEIPT_LEN = 16,
    VERSION_7X = 6, /* from this major version on answers are those of 7.x */
};

/* From A6 up to the ephemeral point, and behind that. */
#define CONTROL "\xa6\x1d\x4f\x10" SE_APPLET_AID "\x90\x03\xab\x01\x33\x80\x01\x88\x81\x01\x10"
#define POINT_HEAD "\x7f\x49\x46\xb0\x41"
#define POINT_TAIL "\xf0\x01\x03"
#define SIGNATURE_TAG "\x5f\x37"
/* Scheme parameters in the key derivation: configuration, security level, AES, 16 bytes. */
#define KDF_TAIL "\x01\x33\x88\x10"

static err_t malformed(const struct se_session *s, const char *what)
{
    return se_fail(ERR_PROTO, "session of %08x: %s is malformed", s->auth_id, what);
}

/* ---- the chip's key ---- */

static err_t ask(struct se_session *s, const struct se_command *c, struct buf *ret_apdu, struct buf *ret_data)
{
    struct slice data;
    uint16_t sw;
    err_t e = se_command_encode(c, ret_apdu);

    if (!e)
        e = se_chip_exchange(s->chip, buf_slice(ret_apdu), ret_data);
    if (!e)
        e = se_answer_split(buf_slice(ret_data), &data, &sw);
    if (e)
        return e;
    if (sw != SE_SW_OK)
        return se_fail(se_err_from_sw(sw), "SW %04x (%s)", sw, se_sw_text(sw));
    buf_cut(ret_data, data.n);
    return ERR_OK;
}

/* The attestation key's public point, as the chip tells it. */
static err_t attestor(struct se_session *s, uint8_t ret[SE_P256_POINT])
{
    autobuf apdu = BUF_INIT(SE_APDU_MAX), data = BUF_INIT(SE_ANSWER_MAX);
    auto_command c = { 0 };
    struct slice point;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, SE_ID_ATTESTATION_KEY);
    e = ask(s, &c, &apdu, &data);
    if (e)
        return se_fail_at(e, "session of %08x: reading the attestation key %08x: ", s->auth_id,
                          SE_ID_ATTESTATION_KEY);
    if (se_answer_only(buf_slice(&data), SE_TAG_1, &point) || point.n != SE_P256_POINT)
        return malformed(s, "the attestation key");
    memcpy(ret, point.p, point.n);
    return ERR_OK;
}

static void put_attested_read(struct se_command *c, struct slice random)
{
    se_command_init(c, SE_INS_READ | SE_INS_ATTEST, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c->w, SE_TAG_1, SE_ID_ECKEY_USER);
    tlv_put_be32(&c->w, SE_TAG_5, SE_ID_ATTESTATION_KEY);
    tlv_put_u8(&c->w, SE_TAG_6, SE_ECDSA_SHA256);
    tlv_put(&c->w, SE_TAG_7, random);
}

static err_t chip_key(struct se_session *s, uint8_t ret_point[SE_P256_POINT])
{
    autobuf apdu = BUF_INIT(SE_APDU_MAX), answer = BUF_INIT(SE_ANSWER_MAX);
    uint8_t random[SE_ATTEST_RANDOM_LEN], point[SE_P256_POINT];
    struct se_attested a = { 0 };
    auto_command c = { 0 };
    err_t e = attestor(s, point);

    if (!e)
        e = se_crypt_random(s->crypt, random, sizeof(random));
    if (e)
        return e;
    put_attested_read(&c, SLICE_ARRAY(random));
    e = ask(s, &c, &apdu, &answer);
    if (e)
        return se_fail_at(e, "session of %08x: reading the chip's key %08x, attested: ", s->auth_id,
                          SE_ID_ECKEY_USER);
    e = se_attest_check_sent(s->crypt, s->chip->path->state.version.major >= VERSION_7X, buf_slice(&answer),
                             buf_slice(&apdu), SLICE_ARRAY(random), SLICE_ARRAY(point), &a);
    if (e == ERR_AUTH)
        return se_fail(e, "session of %08x: the attestation of the chip's key %08x does not verify",
                       s->auth_id, SE_ID_ECKEY_USER);
    if (e || a.data.n != SE_P256_POINT)
        return malformed(s, "the attested answer");
    memcpy(ret_point, a.data.p, SE_P256_POINT);
    return ERR_OK;
}

/* ---- the agreement ---- */

/* What the host says; *ret_signed is how much of it is under the signature. */
static err_t proof(struct se_session *s, struct se_crypt_key *host, const uint8_t point[SE_P256_POINT],
                   struct buf *out, size_t *ret_signed)
{
    struct writer w = writer_of(out);
    autobuf sig = BUF_INIT(128);
    uint8_t digest[SE_SHA256];
    struct slice said;
    err_t e;

    writer_bytes(&w, SLICE_LIT(CONTROL));
    writer_bytes(&w, SLICE_LIT(POINT_HEAD));
    writer_bytes(&w, slice_of(point, SE_P256_POINT));
    writer_bytes(&w, SLICE_LIT(POINT_TAIL));
    e = writer_done(&w);
    if (e)
        return e;
    *ret_signed = out->n;
    said = buf_slice(out);
    e = se_crypt_sha256(s->crypt, &said, 1, digest);
    if (!e)
        e = se_crypt_p256_sign(s->crypt, host, digest, &sig);
    if (e)
        return e;
    writer_bytes(&w, SLICE_LIT(SIGNATURE_TAG));
    writer_u8(&w, (uint8_t)sig.n);
    writer_bytes(&w, buf_slice(&sig));
    return writer_done(&w);
}

static err_t internal_authenticate(struct se_session *s, struct slice data, struct buf *answer)
{
    autobuf inner = BUF_INIT(SE_APDU_MAX);
    struct writer w = writer_of(&inner);
    uint16_t sw = 0;
    err_t e;

    writer_u8(&w, SE_CLA_SECURED);
    writer_u8(&w, SE_INS_INTERNAL_AUTHENTICATE);
    writer_be16(&w, 0);
    writer_u8(&w, (uint8_t)data.n);
    writer_bytes(&w, data);
    e = writer_done(&w);
    if (!e)
        e = se_session_say(s, buf_slice(&inner), answer, &sw);
    return e ? e : se_session_judged(s, sw);
}

/* Master = first half of SHA-256([00000001 from 3.5 on] Z DR.SE parameters). */
static err_t derive_keys(struct se_session *s, struct slice z, struct slice random)
{
    static const uint8_t one[] = { 0, 0, 0, 1 };
    const struct se_version *v = &s->chip->path->state.version;
    bool counter = v->major > 3 || (v->major == 3 && v->minor >= 5);
    struct slice pieces[] = { slice_head(SLICE_ARRAY(one), counter ? sizeof(one) : 0), z, random,
                              SLICE_LIT(KDF_TAIL) };
    uint8_t master[SE_SHA256];
    err_t e = se_crypt_sha256(s->crypt, pieces, ARRAY_LEN(pieces), master);

    if (!e)
        e = se_scp_open_master(&s->scp, master);
    mem_wipe(master, sizeof(master));
    return e;
}

static err_t take_answer(struct slice in, struct slice *ret_random, struct slice *ret_receipt)
{
    err_t e = se_answer_take(&in, TAG_RANDOM, ret_random);

    if (!e)
        e = se_answer_only(in, TAG_RECEIPT, ret_receipt);
    return !e && (ret_random->n != RANDOM_LEN || ret_receipt->n != RECEIPT_LEN) ? ERR_PROTO : e;
}

/* The receipt's form is not published. Where it is the one we know, the chip has proven that it has the keys.
 * Where it is not, the next command has to show it: its answer carries a MAC. */
static err_t confirm(struct se_session *s, struct slice said, struct slice random, struct slice receipt)
{
    struct slice pieces[] = { said, random };
    uint8_t want[SE_AES_BLOCK];
    err_t e = se_scp_receipt(&s->scp, pieces, ARRAY_LEN(pieces), want);

    if (e || mem_eq_ct(want, receipt.p, RECEIPT_LEN))
        return e;
    if (!se_session_is_dead(s, SE_SW_CONDITIONS))
        return ERR_OK;
    return se_fail(ERR_AUTH, "session of %08x: the chip does not have the keys it agreed on", s->auth_id);
}

static err_t agree(struct se_session *s, struct se_crypt_key *host, const uint8_t chip_point[SE_P256_POINT])
{
    autobuf said = BUF_INIT(SE_APDU_MAX), answer = BUF_INIT(SE_ANSWER_MAX);
    uint8_t point[SE_P256_POINT], z[SE_P256_SCALAR];
    auto_crypt_key *ephemeral = NULL;
    struct slice random, receipt;
    size_t signed_n = 0;
    err_t e = se_crypt_p256_generate(s->crypt, &ephemeral, point);

    if (!e)
        e = proof(s, host, point, &said, &signed_n);
    if (!e)
        e = internal_authenticate(s, buf_slice(&said), &answer);
    if (e)
        return e;
    if (take_answer(buf_slice(&answer), &random, &receipt))
        return malformed(s, "the answer to the agreement");
    e = se_crypt_p256_shared(s->crypt, ephemeral, slice_of(chip_point, SE_P256_POINT), z);
    if (!e)
        e = derive_keys(s, SLICE_ARRAY(z), random);
    mem_wipe(z, sizeof(z));
    return e ? e : confirm(s, slice_head(buf_slice(&said), signed_n), random, receipt);
}

err_t se_session_prove_eckey(struct se_session *s, struct slice scalar)
{
    uint8_t chip_point[SE_P256_POINT];
    auto_crypt_key *host = NULL;
    err_t e = se_crypt_p256_private(s->crypt, scalar, &host);

    if (e)
        return se_fail(e, "session of %08x: the credential is no P-256 private key", s->auth_id);
    e = chip_key(s, chip_point);
    return e ? e : agree(s, host, chip_point);
}
