#include "../cm.h"
#include "keys.h"
#include "pkcs11/attr.h"

#define ID 0x20181001u

static struct p11_key *rsa, *ec;

static int make_keys(void **state)
{
    EVP_PKEY *pair = test_rsa(2048);
    rsa = test_rsa_key(pair, ID);
    EVP_PKEY_free(pair);
    pair = test_ec();
    ec = test_ec_key(pair, 0xef000001u);
    EVP_PKEY_free(pair);
    return 0;
}

static int drop_keys(void **state)
{
    p11_key_unref(rsa);
    p11_key_unref(ec);
    return 0;
}

enum which { RSA_PRV, RSA_PUB, EC_PRV, EC_PUB };

static struct p11_object *object(enum which w)
{
    struct p11_object *o = p11_object_of_key(w <= RSA_PUB ? rsa : ec,
                                             w == RSA_PRV || w == EC_PRV ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY);
    assert_non_null(o);
    return o;
}

/* consumers §5: always answered, at no cost; this is also the list of the walk's programs (§3). */
static const CK_ATTRIBUTE_TYPE on_every_key[] = {
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_LABEL,
    CKA_ID,
    CKA_KEY_TYPE,
    CKA_LOCAL,
    CKA_KEY_GEN_MECHANISM,
    CKA_SUBJECT,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_DERIVE,
    4 /* CKA_UNIQUE_ID */,
};
static const CK_ATTRIBUTE_TYPE on_private[] = {
    CKA_SENSITIVE,
    CKA_ALWAYS_SENSITIVE,
    CKA_EXTRACTABLE,
    CKA_NEVER_EXTRACTABLE,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_UNWRAP,
    CKA_DECRYPT,
};
static const CK_ATTRIBUTE_TYPE on_public[] = {
    CKA_TRUSTED, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKA_ENCRYPT,
};

static void answers_all(enum which w, const CK_ATTRIBUTE_TYPE *types, size_t n)
{
    auto_p11_object struct p11_object *o = object(w);

    for (size_t i = 0; i < n; i++) {
        uint8_t value[64];
        CK_ATTRIBUTE length = { types[i], NULL, 0 }, whole = { types[i], value, sizeof(value) };
        assert_int_equal(p11_attr_get_all(o, &length, 1), CKR_OK);
        assert_int_equal(p11_attr_get_all(o, &whole, 1), CKR_OK);
        assert_int_equal(whole.ulValueLen, length.ulValueLen);
        assert_true(p11_attr_match(o, &whole, 1)); /* what was read is found */
    }
}

static void what_everybody_reads_is_there(void **state)
{
    for (int w = RSA_PRV; w <= EC_PUB; w++)
        answers_all((enum which)w, on_every_key, ARRAY_LEN(on_every_key));
    answers_all(RSA_PRV, on_private, ARRAY_LEN(on_private));
    answers_all(EC_PRV, on_private, ARRAY_LEN(on_private));
    answers_all(RSA_PUB, on_public, ARRAY_LEN(on_public));
    answers_all(EC_PUB, on_public, ARRAY_LEN(on_public));
}

static const struct {
    const char *what;
    enum which on;
    CK_ATTRIBUTE_TYPE type;
    CK_RV want;
    size_t n; /* length of the value when CKR_OK */
} answers[] = {
    { "label", RSA_PRV, CKA_LABEL, CKR_OK, 12 },
    { "id is never empty", EC_PUB, CKA_ID, CKR_OK, 4 },
    { "modulus on the private key, for libp11", RSA_PRV, CKA_MODULUS, CKR_OK, 256 },
    { "exponent on the private key", RSA_PRV, CKA_PUBLIC_EXPONENT, CKR_OK, 3 },
    { "modulus bits", RSA_PUB, CKA_MODULUS_BITS, CKR_OK, sizeof(CK_ULONG) },
    { "P-256 point in an OCTET STRING", EC_PUB, CKA_EC_POINT, CKR_OK, 67 },
    { "point on the private key, for libp11", EC_PRV, CKA_EC_POINT, CKR_OK, 67 },
    { "curve OID", EC_PRV, CKA_EC_PARAMS, CKR_OK, 10 },
    { "empty subject", RSA_PUB, CKA_SUBJECT, CKR_OK, 0 },
    { "private exponent", RSA_PRV, CKA_PRIVATE_EXPONENT, CKR_ATTRIBUTE_SENSITIVE, 0 },
    { "prime", RSA_PRV, CKA_PRIME_1, CKR_ATTRIBUTE_SENSITIVE, 0 },
    { "scalar", EC_PRV, CKA_VALUE, CKR_ATTRIBUTE_SENSITIVE, 0 },
    { "no scalar on the public key", EC_PUB, CKA_VALUE, CKR_ATTRIBUTE_TYPE_INVALID, 0 },
    { "no private exponent on the public key", RSA_PUB, CKA_PRIVATE_EXPONENT, CKR_ATTRIBUTE_TYPE_INVALID, 0 },
    { "no modulus on EC", EC_PRV, CKA_MODULUS, CKR_ATTRIBUTE_TYPE_INVALID, 0 },
    { "no point on RSA", RSA_PUB, CKA_EC_POINT, CKR_ATTRIBUTE_TYPE_INVALID, 0 },
    { "no VERIFY on a private key", RSA_PRV, CKA_VERIFY, CKR_ATTRIBUTE_TYPE_INVALID, 0 },
    { "an empty list would mean none allowed", RSA_PRV, CKA_ALLOWED_MECHANISMS, CKR_ATTRIBUTE_TYPE_INVALID,
      0 },
    { "unknown", RSA_PUB, 0x80001234, CKR_ATTRIBUTE_TYPE_INVALID, 0 },
};

static void each_answer(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        auto_p11_object struct p11_object *o = object(answers[i].on);
        CK_ATTRIBUTE a = { answers[i].type, NULL, 0 };
        print_message("  %s\n", answers[i].what);
        assert_int_equal(p11_attr_get_all(o, &a, 1), answers[i].want);
        assert_int_equal(a.ulValueLen, answers[i].want ? CK_UNAVAILABLE_INFORMATION : answers[i].n);
    }
}

/* §5.7: everything that can be filled is, whatever the return value. */
static void one_refusal_does_not_stop_the_others(void **state)
{
    auto_p11_object struct p11_object *o = object(RSA_PRV);
    uint8_t label[12], tight[3];
    CK_ULONG type = 99;
    CK_ATTRIBUTE a[] = {
        { CKA_PRIME_1, label, sizeof(label) },
        { CKA_LABEL, label, sizeof(label) },
        { CKA_ID, tight, sizeof(tight) },
        { CKA_KEY_TYPE, &type, sizeof(type) },
    };

    assert_int_equal(p11_attr_get_all(o, a, ARRAY_LEN(a)), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(a[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(a[1].ulValueLen, 12);
    assert_memory_equal(label, "sss:20181001", 12);
    assert_int_equal(a[2].ulValueLen, CK_UNAVAILABLE_INFORMATION); /* one byte too short */
    assert_int_equal(type, CKK_RSA);
    assert_int_equal(p11_attr_get_all(o, &a[2], 0), CKR_OK);
    a[2].ulValueLen = sizeof(tight);
    assert_int_equal(p11_attr_get_all(o, &a[2], 1), CKR_BUFFER_TOO_SMALL);
}

static const struct {
    const char *what;
    CK_ATTRIBUTE_TYPE type;
    const char *value;
    size_t n;
    bool want;
} matches[] = {
    { "the label as it is enumerated", CKA_LABEL, "sss:20181001", 12, true },
    { "with 0x", CKA_LABEL, "sss:0x20181001", 14, true },
    { "capitals", CKA_LABEL, "SSS:0X20181001", 14, true },
    { "another id", CKA_LABEL, "sss:20181002", 12, false },
    { "bytes swapped, as before 4.4", CKA_LABEL, "sss:01101820", 12, false },
    { "a NUL at the end is another label", CKA_LABEL, "sss:20181001\0", 13, false },
    { "empty", CKA_LABEL, "", 0, false },
    { "id", CKA_ID, "\x20\x18\x10\x01", 4, true },
    { "id swapped", CKA_ID, "\x01\x10\x18\x20", 4, false },
    { "id cut", CKA_ID, "\x20\x18\x10", 3, false },
    { "CKA_SIGN, as ssh asks", CKA_SIGN, "\x01", 1, true },
    { "no attribute of it", CKA_EC_POINT, "\x04", 1, false },
    { "never by a secret", CKA_PRIME_1, "", 0, false },
};

static void each_match(void **state)
{
    auto_p11_object struct p11_object *o = object(RSA_PRV);

    for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
        uint8_t copy[16]; /* templates are not const */
        memcpy(copy, matches[i].value, matches[i].n);
        CK_ATTRIBUTE a = { matches[i].type, copy, matches[i].n };
        print_message("  %s\n", matches[i].what);
        assert_int_equal(p11_attr_match(o, &a, 1), matches[i].want);
    }
    assert_true(p11_attr_match(o, NULL, 0)); /* an empty template finds all */
}

static void templates_are_judged_before_use(void **state)
{
    CK_ULONG n = 7, got = 0;
    uint8_t raw[1 + sizeof(n)];
    CK_ATTRIBUTE good = { CKA_CLASS, &n, sizeof(n) }, null = { CKA_CLASS, NULL, 8 },
                 unavailable = { CKA_CLASS, &n, CK_UNAVAILABLE_INFORMATION };

    assert_int_equal(p11_attr_check_template(NULL, 0), CKR_OK);
    assert_int_equal(p11_attr_check_template(&good, 1), CKR_OK);
    assert_int_equal(p11_attr_check_template(NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11_attr_check_template(&null, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11_attr_check_template(&unavailable, 1), CKR_ATTRIBUTE_VALUE_INVALID);

    memcpy(raw + 1, &n, sizeof(n)); /* not aligned: the caller's business, not a fault of ours */
    CK_ATTRIBUTE odd = { CKA_CLASS, raw + 1, sizeof(n) }, half = { CKA_CLASS, raw + 1, 4 };
    assert_true(p11_attr_ulong(&odd, 1, CKA_CLASS, &got));
    assert_int_equal(got, 7);
    assert_false(p11_attr_ulong(&half, 1, CKA_CLASS, &got));
    assert_false(p11_attr_ulong(&odd, 1, CKA_ID, &got));
    assert_int_equal(got, 7);
}

/* Deleting the public view would delete the pair: it says so. */
static void public_half_cannot_be_destroyed(void **state)
{
    for (int w = RSA_PRV; w <= EC_PUB; w++) {
        auto_p11_object struct p11_object *o = object((enum which)w);
        CK_BBOOL flag = 9;
        CK_ATTRIBUTE a = { CKA_DESTROYABLE, &flag, 1 };
        assert_int_equal(p11_attr_get_all(o, &a, 1), CKR_OK);
        assert_int_equal(flag, o->class == CKO_PRIVATE_KEY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_everybody_reads_is_there),
        cmocka_unit_test(each_answer),
        cmocka_unit_test(one_refusal_does_not_stop_the_others),
        cmocka_unit_test(each_match),
        cmocka_unit_test(templates_are_judged_before_use),
        cmocka_unit_test(public_half_cannot_be_destroyed),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
