/* Attested reads of 3.x from a part that signs with a key of this test: what it says is believed only when
 * all of it is right (reference 3.5). The layout is written out here; OpenSSL signs. */
#include "../cm.h"
#include "base/mem.h"
#include "base/tlv.h"
#include "fake_part.h"
#include "se/attest.h"
#include "se/detail.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

#define UID "uid-of-eighteen-by"
#define TIME "0123456789ab"
#define INSIDE "\x20\x18\x10\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02"
#define OUTSIDE "\x20\x18\x10\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define OTHER "\x20\x18\x10\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02"

static EVP_PKEY *attestor, *stranger;

/* What the part does with the next attested command. */
static struct {
    struct slice data, attributes, uid;
    bool stale, bad_signature, twice;
    EVP_PKEY *key;
} part;

static struct slice point_of(EVP_PKEY *key, uint8_t room[65])
{
    size_t n = 0;

    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", room, 65, &n), 1);
    return slice_of(room, n);
}

static void sign(struct slice message, struct buf *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[80];
    size_t n = sizeof(der);

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, part.key), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &n, message.p, message.n), 1);
    if (part.bad_signature)
        der[n - 1] ^= 1;
    assert_int_equal(buf_add_mem(signature, der, n), ERR_OK);
    EVP_MD_CTX_free(ctx);
}

/* T1 data, T2 attributes, T3 timestamp, T4 random, T5 chip id, T6 signature over the values. */
static void attest(struct slice random, struct buf *answer)
{
    const struct slice values[] = { part.data, part.attributes, SLICE_LIT(TIME), random, part.uid };
    autobuf message = BUF_INIT(1000), signature = BUF_INIT(100);
    struct writer w = writer_of(answer);

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_int_equal(buf_add(&message, values[i]), ERR_OK);
        if (values[i].n)
            tlv_put(&w, (uint8_t)(SE_TAG_1 + i), values[i]);
    }
    sign(buf_slice(&message), &signature);
    tlv_put(&w, SE_TAG_6, buf_slice(&signature));
    if (part.twice)
        tlv_put(&w, SE_TAG_6, buf_slice(&signature));
    writer_be16(&w, SE_SW_OK);
}

static void handler(struct slice apdu, struct buf *answer)
{
    static const uint8_t old[16];
    uint8_t point[65];
    struct writer w = writer_of(answer);

    if (apdu.p[1] == (SE_INS_READ | SE_INS_ATTEST)) {
        attest(part.stale ? SLICE_ARRAY(old) : slice_of(apdu.p + apdu.n - 2 - 16, 16), answer);
        return;
    }
    if (apdu.p[3] == SE_P2_TYPE) {
        tlv_put_u8(&w, SE_TAG_1, SE_TYPE_EC_PAIR);
        tlv_put_u8(&w, SE_TAG_2, SE_PERSISTENT);
    } else if (slice_starts(slice_skip(apdu, 9), SLICE_LIT("\x7f\xff\x02\x06"))) {
        tlv_put(&w, SE_TAG_1, SLICE_LIT(UID));
    } else {
        tlv_put(&w, SE_TAG_1, point_of(attestor, point));
    }
    writer_be16(&w, SE_SW_OK);
}

static struct se_chip *begin(void)
{
    struct se_chip *chip = NULL;

    memset(&part, 0, sizeof(part));
    part.attributes = SLICE_LIT(INSIDE);
    part.uid = SLICE_LIT(UID);
    part.key = attestor;
    assert_int_equal(fake_part_open(handler, &chip), ERR_OK);
    return chip;
}

static void believed_when_all_is_right(void **state)
{
    struct se_chip *chip = begin();
    autobuf out = BUF_INIT(100);
    uint8_t room[65];
    const struct se_attest by = { .point = point_of(attestor, room) };
    struct se_proof p;

    assert_int_equal(se_attest_attributes(chip, 0x20181001, NULL, &p), ERR_OK);
    assert_true(se_proof_generated_inside(&p));
    assert_memory_equal(p.chip_id, UID, sizeof(p.chip_id));
    assert_memory_equal(p.timestamp, TIME, sizeof(p.timestamp));
    assert_int_equal(se_attest_attributes(chip, 0x20181001, &by, &p), ERR_OK);
    part.attributes = SLICE_LIT(OUTSIDE);
    assert_int_equal(se_attest_attributes(chip, 0x20181001, NULL, &p), ERR_OK);
    assert_false(se_proof_generated_inside(&p));
    part.data = SLICE_LIT("value");
    assert_int_equal(se_attest_read(chip, 0x20181001, NULL, &out, &p), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("value")));
    se_chip_close(chip);
}

static void spoil_signature(void)
{
    part.bad_signature = true;
}
static void spoil_key(void)
{
    part.key = stranger;
}
static void spoil_uid(void)
{
    part.uid = SLICE_LIT("uid-of-another-one");
}
static void spoil_uid_length(void)
{
    part.uid = SLICE_LIT("short");
}
static void spoil_freshness(void)
{
    part.stale = true;
}
static void spoil_object(void)
{
    part.attributes = SLICE_LIT(OTHER);
}
static void spoil_attributes(void)
{
    part.attributes = SLICE_LIT("nonsense");
}
static void spoil_absence(void)
{
    part.attributes = (struct slice){ 0 };
}
static void spoil_end(void)
{
    part.twice = true;
}
static void spoil_data(void)
{
    part.data = SLICE_LIT("nobody asked");
}

static const struct {
    const char *what;
    void (*spoil)(void);
    err_t want;
} lies[] = {
    { "a bit of the signature", spoil_signature, ERR_AUTH },
    { "another key", spoil_key, ERR_AUTH },
    { "another chip", spoil_uid, ERR_AUTH },
    { "no unique id", spoil_uid_length, ERR_PROTO },
    { "an answer of yesterday", spoil_freshness, ERR_PROTO },
    { "another object's attributes", spoil_object, ERR_PROTO },
    { "attributes that are none", spoil_attributes, ERR_PROTO },
    { "no attributes", spoil_absence, ERR_PROTO },
    { "something behind the signature", spoil_end, ERR_PROTO },
    { "a value that nobody asked for", spoil_data, ERR_PROTO },
};

static void not_believed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct se_chip *chip = begin();
        struct se_proof p = { .attributes.id = 77 };

        print_message("  %s\n", lies[i].what);
        lies[i].spoil();
        assert_int_equal(se_attest_attributes(chip, 0x20181001, NULL, &p), lies[i].want);
        assert_int_equal(p.attributes.id, 77);
        assert_true(strlen(se_detail()) > 0);
        se_chip_close(chip);
    }
}

/* The chip's own word for its key is not taken where the caller knows better. */
static void a_key_from_elsewhere(void **state)
{
    struct se_chip *chip = begin();
    uint8_t room[65];
    const struct se_attest by = { .point = point_of(stranger, room) };
    struct se_proof p;

    assert_int_equal(se_attest_attributes(chip, 0x20181001, &by, &p), ERR_AUTH);
    se_chip_close(chip);
}

static int make_keys(void **state)
{
    attestor = EVP_EC_gen("P-256");
    stranger = EVP_EC_gen("P-256");
    return attestor && stranger ? 0 : -1;
}

static int free_keys(void **state)
{
    EVP_PKEY_free(attestor);
    EVP_PKEY_free(stranger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(believed_when_all_is_right),
        cmocka_unit_test(not_believed),
        cmocka_unit_test(a_key_from_elsewhere),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
