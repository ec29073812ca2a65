/* What keys.h promises about errors; results are checked by foreign code in tests/integration. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/keys.h"

static struct vse_object *ec_pair(uint8_t curve)
{
    struct vse_object *o = vse_object_new(1, SE_TYPE_EC_PAIR);

    o->curve = curve;
    assert_int_equal(vse_ec_generate(o), ERR_OK);
    return o;
}

/* Every curve: generate, check, sign, verify. */
static void all_curves(void **state)
{
    uint8_t digest[20] = { 1, 2, 3 }; /* SHA-1's length is not above any order but that of 160 bits */
    (void)state;
    for (uint8_t id = SE_CURVE_P192; id <= SE_CURVE_K256; id++) {
        auto_object *o = ec_pair(id);
        autobuf sig = BUF_INIT(200);
        bool good = false;
        assert_int_equal(vse_ec_check(o), ERR_OK);
        assert_int_equal(vse_ec_sign(o, SE_ECDSA_SHA1, SLICE_ARRAY(digest), &sig), ERR_OK);
        assert_int_equal(vse_ec_verify(o, SE_ECDSA_SHA1, SLICE_ARRAY(digest), buf_slice(&sig), &good),
                         ERR_OK);
        assert_true(good);
        digest[5] ^= 1;
        assert_int_equal(vse_ec_verify(o, SE_ECDSA_SHA1, SLICE_ARRAY(digest), buf_slice(&sig), &good),
                         ERR_OK);
        assert_false(good);
    }
}

static void digest_lengths(void **state)
{
    static const struct {
        uint8_t algorithm;
        size_t n;
        err_t want;
    } cases[] = {
        { SE_ECDSA_SHA1, 20, ERR_OK },        { SE_ECDSA_SHA1, 19, ERR_INVALID },
        { SE_ECDSA_SHA1, 21, ERR_INVALID },   { SE_ECDSA_SHA224, 28, ERR_OK },
        { SE_ECDSA_SHA256, 32, ERR_OK },      { SE_ECDSA_SHA256, 0, ERR_INVALID },
        { SE_ECDSA_SHA384, 48, ERR_OK },      { SE_ECDSA_SHA512, 64, ERR_OK },
        { SE_ECDSA_SHA512, 65, ERR_INVALID }, { SE_ECDSA_PLAIN, 1, ERR_OK },
        { SE_ECDSA_PLAIN, 32, ERR_OK },       { SE_ECDSA_PLAIN, 33, ERR_INVALID },
        { SE_ECDSA_PLAIN, 0, ERR_INVALID },   { 0x77, 32, ERR_UNSUPPORTED },
    };
    auto_object *o = ec_pair(SE_CURVE_P256);
    uint8_t digest[80] = { 0 };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf sig = BUF_INIT(200);
        assert_int_equal(vse_ec_sign(o, cases[i].algorithm, slice_of(digest, cases[i].n), &sig),
                         cases[i].want);
        assert_int_equal(sig.n != 0, cases[i].want == ERR_OK);
    }
}

static void signatures_that_are_none(void **state)
{
    static const struct slice sigs[] = {
        SLICE_LIT(""),
        SLICE_LIT("\x30"),
        SLICE_LIT("\x30\x00"),
        SLICE_LIT("\x30\x03\x02\x01\x01"),
        SLICE_LIT("\x30\x06\x02\x01\x00\x02\x01\x00"),
        SLICE_LIT("\x30\x06\x02\x01\x01\x02\x01\x01x"),
        SLICE_LIT("\x31\x06\x02\x01\x01\x02\x01\x01"),
        SLICE_LIT("\x30\x82\x00\x06\x02\x01\x01\x02\x01\x01"),
        SLICE_LIT("\x30\x04\x02\x00\x02\x00"),
    };
    auto_object *o = ec_pair(SE_CURVE_P256);
    uint8_t digest[32] = { 0 };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
        bool good = true;
        assert_int_equal(vse_ec_verify(o, SE_ECDSA_SHA256, SLICE_ARRAY(digest), sigs[i], &good), ERR_OK);
        assert_false(good);
    }
}

static void components_that_are_missing_or_wrong(void **state)
{
    auto_object *rsa = vse_object_new(2, SE_TYPE_RSA_PAIR_CRT), *ec = vse_object_new(1, SE_TYPE_EC_PAIR);
    autobuf out = BUF_INIT(600);
    uint8_t data[64] = { 0 };
    bool good = true;
    (void)state;

    rsa->size = 512;
    ec->curve = SE_CURVE_P256;
    assert_int_equal(vse_ec_sign(ec, SE_ECDSA_SHA256, slice_of(data, 32), &out), ERR_WRONG_STATE);
    assert_int_equal(vse_rsa_sign(rsa, SE_RSA_PKCS1_SHA1, SLICE_LIT("m"), &out), ERR_WRONG_STATE);
    assert_int_equal(vse_rsa_verify(rsa, SE_RSA_PKCS1_SHA1, SLICE_LIT("m"), SLICE_LIT("s"), &good),
                     ERR_WRONG_STATE);
    assert_int_equal(vse_rsa_sign(rsa, 0x77, SLICE_LIT("m"), &out), ERR_UNSUPPORTED);
    assert_int_equal(vse_rsa_generate(rsa), ERR_OK);
    assert_int_equal(vse_rsa_decrypt(rsa, SE_RSA_NO_PAD, slice_of(data, 63), &out), ERR_INVALID);
    assert_int_equal(vse_rsa_decrypt(rsa, SE_RSA_NO_PAD, SLICE_ARRAY(data), &out), ERR_OK);
    assert_int_equal(vse_rsa_decrypt(rsa, 0x77, SLICE_ARRAY(data), &out), ERR_UNSUPPORTED);
    assert_int_equal(vse_object_set(rsa, VSE_RSA_P, SLICE_LIT("\x00")), ERR_OK); /* no prime at all */
    assert_int_equal(vse_rsa_decrypt(rsa, SE_RSA_NO_PAD, SLICE_ARRAY(data), &out), ERR_CRYPTO);
    assert_true(good); /* untouched on failure */
}

/* The key is kept for the next use, but no longer than its numbers. */
static void a_key_that_is_replaced_signs_no_more(void **state)
{
    auto_object *o = vse_object_new(1, SE_TYPE_RSA_PAIR), *other = vse_object_new(2, SE_TYPE_RSA_PAIR);
    autobuf old = BUF_INIT(64), new = BUF_INIT(64), box = BUF_INIT(64), plain = BUF_INIT(64);
    bool good;
    (void)state;

    o->size = other->size = 512;
    assert_int_equal(vse_rsa_generate(o), ERR_OK);
    assert_int_equal(vse_rsa_generate(other), ERR_OK);
    assert_int_equal(vse_rsa_sign(o, SE_RSA_PKCS1_SHA1, SLICE_LIT("m"), &old), ERR_OK);
    assert_non_null(o->prepared->key);
    for (unsigned i = 0; i < VSE_PARTS; i++)
        assert_int_equal(vse_object_set(o, i, vse_object_part(other, i)), ERR_OK);
    assert_null(o->prepared->key);
    assert_int_equal(vse_rsa_sign(o, SE_RSA_PKCS1_SHA1, SLICE_LIT("m"), &new), ERR_OK);
    assert_int_equal(vse_rsa_verify(other, SE_RSA_PKCS1_SHA1, SLICE_LIT("m"), buf_slice(&new), &good),
                     ERR_OK);
    assert_true(good);
    assert_int_equal(vse_rsa_verify(other, SE_RSA_PKCS1_SHA1, SLICE_LIT("m"), buf_slice(&old), &good),
                     ERR_OK);
    assert_false(good);
    assert_int_equal(vse_rsa_encrypt(other, SE_RSA_PKCS1, SLICE_LIT("m"), &box), ERR_OK);
    assert_int_equal(vse_rsa_decrypt(o, SE_RSA_PKCS1, buf_slice(&box), &plain), ERR_OK);
    assert_true(slice_eq(buf_slice(&plain), SLICE_LIT("m")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_curves),
        cmocka_unit_test(digest_lengths),
        cmocka_unit_test(signatures_that_are_none),
        cmocka_unit_test(components_that_are_missing_or_wrong),
        cmocka_unit_test(a_key_that_is_replaced_signs_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
