#include "se/attest.h"

#include "se/attest_check.h"
#include "se/command.h"
#include "se/detail.h"
#include "se/i2cm.h"
#include "se/key.h"

/* One attested command under way. */
struct work {
    struct se_chip *chip;
    const char *what;
    uint32_t key;
    struct se_crypt *crypt;
    struct se_command c;
    uint8_t random[SE_ATTEST_RANDOM_LEN];
    struct buf apdu, point;
    struct se_attested said; /* dies with the chip's next answer */
};

static void work_done(struct work *w)
{
    se_command_done(&w->c);
    buf_done(&w->apdu);
    buf_done(&w->point);
    se_crypt_free(w->crypt);
}
#define auto_work __attribute__((cleanup(work_done))) struct work

static err_t start(struct work *w, const struct se_attest *by)
{
    err_t e;

    w->apdu = BUF_INIT(SE_APDU_MAX);
    w->point = BUF_INIT(SE_EC_PUBLIC_MAX);
    w->key = by && by->key != SE_ID_NONE ? by->key : SE_ID_ATTESTATION_KEY;
    w->crypt = se_crypt_new();
    if (!w->crypt)
        return ERR_NOMEM;
    e = by && by->point.n ? buf_add(&w->point, by->point) : se_ec_public(w->chip, w->key, &w->point);
    if (!e && w->point.n != SE_P256_POINT)
        e = se_fail(ERR_UNSUPPORTED, "%s: the attestation key %08x is not on P-256", w->what, w->key);
    return e ? e : se_crypt_random(w->crypt, w->random, sizeof(w->random));
}

/* The three TLVs that ask for attestation close a command. */
static void put_request(struct work *w, uint8_t key_tag, uint8_t algorithm_tag)
{
    tlv_put_be32(&w->c.w, key_tag, w->key);
    tlv_put_u8(&w->c.w, algorithm_tag, SE_ECDSA_SHA256);
    tlv_put(&w->c.w, SE_TAG_7, SLICE_ARRAY(w->random));
}

static err_t verify(struct work *w, struct slice answer)
{
    err_t e = se_attest_check_sent(w->crypt, se_is_7x(w->chip), answer, buf_slice(&w->apdu),
                                   SLICE_ARRAY(w->random), buf_slice(&w->point), &w->said);

    if (e == ERR_AUTH)
        return se_fail(e, "%s: the signature is not that of the attestation key %08x", w->what, w->key);
    if (e == ERR_PROTO)
        return se_command_malformed(w->what);
    return e ? se_fail(e, "%s: checking the attestation: %s", w->what, err_str(e)) : ERR_OK;
}

/* `uid` was read before: the next command would end the life of the answer. */
static err_t run(struct work *w)
{
    uint8_t uid[SE_UNIQUE_ID_LEN];
    struct slice answer;
    err_t e = se_chip_uid(w->chip, uid);

    if (!e)
        e = se_command_encode(&w->c, &w->apdu);
    if (e)
        return e;
    e = se_chip_command(w->chip, buf_slice(&w->apdu), &answer);
    if (e)
        return se_fail_at(e, "%s: ", w->what);
    e = verify(w, answer);
    if (!e && !slice_eq(w->said.chip_id, SLICE_ARRAY(uid)))
        e = se_fail(ERR_AUTH, "%s: the attestation is another chip's", w->what);
    return e;
}

/* ---- objects ---- */

static err_t take_proof(const struct work *w, uint32_t id, struct se_proof *ret)
{
    struct se_proof p;

    if (se_attributes_decode(w->said.attributes, &p.attributes) || p.attributes.id != id)
        return se_command_malformed(w->what);
    memcpy(p.chip_id, w->said.chip_id.p, sizeof(p.chip_id));
    memcpy(p.timestamp, w->said.timestamp.p, sizeof(p.timestamp));
    *ret = p;
    return ERR_OK;
}

/* What it says about an object must be all it says: a value only where one was asked for. */
static err_t about_object(struct work *w, uint32_t id, uint8_t p2, const struct se_attest *by,
                          struct buf *out, struct se_proof *ret)
{
    struct se_proof p = { 0 };
    err_t e = start(w, by);

    if (e)
        return e;
    se_command_init(&w->c, SE_INS_READ | SE_INS_ATTEST, SE_P1_DEFAULT, p2, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&w->c.w, SE_TAG_1, id);
    put_request(w, SE_TAG_5, SE_TAG_6);
    e = run(w);
    if (!e && (w->said.data.n != 0) != (out != NULL))
        e = se_command_malformed(w->what);
    if (!e)
        e = take_proof(w, id, &p);
    if (!e && out)
        e = buf_add(out, w->said.data);
    if (!e)
        *ret = p;
    return e;
}

err_t se_attest_attributes(struct se_chip *chip, uint32_t id, const struct se_attest *by,
                           struct se_proof *ret)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_work w = { .chip = chip, .what = se_what(what, id, "reading the attributes, attested") };
    err_t e = se_hold(chip, &held);

    return e ? e : about_object(&w, id, SE_P2_ATTRIBUTES, by, NULL, ret);
}

err_t se_attest_read(struct se_chip *chip, uint32_t id, const struct se_attest *by, struct buf *out,
                     struct se_proof *ret)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_work w = { .chip = chip, .what = se_what(what, id, "reading, attested") };
    err_t e = se_hold(chip, &held);

    return e ? e : about_object(&w, id, SE_P2_DEFAULT, by, out, ret);
}

bool se_proof_generated_inside(const struct se_proof *proof)
{
    return proof->attributes.origin == SE_ORIGIN_INTERNAL;
}

/* ---- the others: data and no object ---- */

err_t se_attest_i2cm(struct se_chip *chip, struct slice list, const struct se_attest *by, struct buf *out)
{
    auto_hold *held = NULL;
    auto_work w = { .chip = chip, .what = "working on the chip's own I2C bus, attested" };
    err_t e = se_hold(chip, &held);

    if (!e)
        e = start(&w, by);
    if (e)
        return e;
    se_command_init(&w.c, SE_INS_CRYPTO | SE_INS_ATTEST, SE_P1_DEFAULT, SE_P2_I2CM, SE_COMMAND_EXT_ANSWER);
    tlv_put(&w.c.w, SE_TAG_1, list);
    put_request(&w, SE_TAG_2, SE_TAG_3);
    e = run(&w);
    if (!e && (w.said.attributes.n || se_i2cm_check(list, w.said.data)))
        e = se_command_malformed(w.what);
    return e ? e : buf_add(out, w.said.data);
}

err_t se_attest_self_test(struct se_chip *chip, uint16_t test, const struct se_attest *by, bool *ret_passed)
{
    auto_hold *held = NULL;
    auto_work w = { .chip = chip, .what = "running a self-test, attested" };
    err_t e = se_need_7x(chip, w.what);

    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = start(&w, by);
    if (e)
        return e;
    se_command_init(&w.c, SE_INS_MGMT | SE_INS_ATTEST, SE_P1_DEFAULT, SE_P2_SELF_TEST, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&w.c.w, SE_TAG_1, test);
    put_request(&w, SE_TAG_5, SE_TAG_6);
    e = run(&w);
    if (!e && (w.said.attributes.n || se_result(w.said.data, ret_passed)))
        e = se_command_malformed(w.what);
    return e;
}
