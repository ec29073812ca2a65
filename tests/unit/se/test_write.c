/* Policies, attributes, secret keys, UserIDs, files in part: bytes as the reference has them
 * (3.3, 3.5, 3.16). */
#include "../cm.h"
#include "exchange.h"
#include "se/attribute.h"
#include "se/key.h"
#include "se/object.h"
#include "se/symmetric.h"

#define ID "\x20\x18\x10\x01"
#define EXISTS "\x80\x04\x00\x27\x06\x41\x04" ID
#define YES "\x41\x01\x01\x90\x00"
#define NO "\x41\x01\x02\x90\x00"
#define TYPE "\x80\x02\x00\x26\x06\x41\x04" ID
#define SIZE "\x80\x02\x00\x07\x06\x41\x04" ID
#define OK "\x90\x00"
#define KEY16 "0123456789abcdef"
#define VALUE32 "................................"

/* ---- policies ---- */

#define ONLY_DELETE "\x08\x00\x00\x00\x00\x00\x04\x00\x00"
#define SIGN_WITH_PIN "\x08\x7d\xa0\x00\x01\x10\x00\x00\x00"
#define WHILE_PCR "\x2c\x00\x00\x00\x00\x00\x21\x00\x00\x00\x00\x00\x99" VALUE32

static void policies_encode(void **state)
{
    struct se_policy p = { 0 };
    autobuf out = BUF_INIT(600);

    assert_int_equal(se_policy_encode(&p, &out), ERR_OK);
    assert_int_equal(out.n, 0);
    assert_int_equal(se_policy_add(&p, SE_ID_NONE, SE_POLICY_DELETE), ERR_OK);
    assert_int_equal(se_policy_add(&p, 0x7da00001, SE_POLICY_SIGN), ERR_OK);
    assert_int_equal(se_policy_add(&p, SE_ID_NONE, SE_POLICY_READ | SE_POLICY_REQUIRE_PCR), ERR_OK);
    p.rules[2].pcr = 0x99;
    memset(p.rules[2].pcr_value, '.', SE_PCR_LEN);
    assert_int_equal(se_policy_encode(&p, &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT(ONLY_DELETE SIGN_WITH_PIN WHILE_PCR)));

    memset(&p, 0, sizeof(p));
    for (size_t i = 0; i < SE_POLICY_RULES_MAX; i++)
        assert_int_equal(se_policy_add(&p, 1, SE_POLICY_SIGN), ERR_OK);
    assert_int_equal(se_policy_add(&p, 1, SE_POLICY_SIGN), ERR_TOO_BIG);
    assert_int_equal(se_policy_encode(&p, &out), ERR_OK); /* 252 bytes */
    p.rules[0].rights |= SE_POLICY_REQUIRE_PCR;
    buf_clear(&out);
    assert_int_equal(se_policy_encode(&p, &out), ERR_TOO_BIG); /* 288 */
    assert_int_equal(out.n, 0);
}

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    size_t n;
} sets[] = {
    { "empty", SLICE_LIT(""), ERR_OK, 0 },
    { "one", SLICE_LIT(ONLY_DELETE), ERR_OK, 1 },
    { "three", SLICE_LIT(ONLY_DELETE SIGN_WITH_PIN WHILE_PCR), ERR_OK, 3 },
    { "length 0", SLICE_LIT("\x00"), ERR_PROTO, 0 },
    { "length 7", SLICE_LIT("\x07\x00\x00\x00\x00\x00\x04\x00"), ERR_PROTO, 0 },
    { "length 9", SLICE_LIT("\x09\x00\x00\x00\x00\x00\x04\x00\x00\x00"), ERR_PROTO, 0 },
    { "longer than there is", SLICE_LIT("\x0c\x00\x00\x00\x00\x00\x04\x00\x00"), ERR_PROTO, 0 },
    { "PCR without a value", SLICE_LIT("\x0c\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01"), ERR_PROTO,
      0 },
    { "an id we do not know", SLICE_LIT("\x0c\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x01"), ERR_OK, 1 },
    { "derived from", SLICE_LIT("\x0c\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x07"), ERR_OK, 1 },
};

static void policies_decode(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        autofree uint8_t *copy = mem_dup(sets[i].in.p, sets[i].in.n);
        struct se_policy p = { .n = 77 };

        print_message("  %s\n", sets[i].what);
        assert_int_equal(se_policy_decode(slice_of(copy, sets[i].in.n), &p), sets[i].want);
        assert_int_equal(p.n, sets[i].want ? 77 : sets[i].n);
    }
}

static void what_a_policy_says(void **state)
{
    struct se_policy p;

    assert_int_equal(se_policy_decode(SLICE_LIT(ONLY_DELETE SIGN_WITH_PIN WHILE_PCR), &p), ERR_OK);
    assert_int_equal(p.rules[1].auth, 0x7da00001);
    assert_int_equal(p.rules[2].pcr, 0x99);
    assert_int_equal(p.rules[2].pcr_value[31], '.');
    assert_true(se_policy_names(&p, SE_ID_NONE, SE_POLICY_DELETE));
    assert_false(se_policy_names(&p, SE_ID_NONE, SE_POLICY_SIGN));
    assert_true(se_policy_names(&p, 0x7da00001, SE_POLICY_SIGN));
    assert_true(se_policy_names(&p, 0x7da00001, SE_POLICY_DELETE));
    assert_int_equal(se_policy_decode(SLICE_LIT("\x0c\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x07"), &p),
                     ERR_OK);
    assert_int_equal(p.rules[0].derived_from, 7);
}

/* ---- attributes ---- */

#define GET "\x80\x02\x00\x3b\x06\x41\x04" ID
#define PLAIN_3X ID "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00" ONLY_DELETE "\x02"
#define AUTH_3X ID "\x0c\x02\x00\x03\x7d\xa0\x00\x01\x00\x0a\x03"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
} attributes[] = {
    { "plain", SLICE_LIT(PLAIN_3X), ERR_OK },
    { "authentication object", SLICE_LIT(AUTH_3X), ERR_OK },
    { "with a version", SLICE_LIT(PLAIN_3X "\x00\x00\x00\x05"), ERR_OK },
    { "half a version", SLICE_LIT(PLAIN_3X "\x00\x00"), ERR_PROTO },
    { "more than a version", SLICE_LIT(PLAIN_3X "\x00\x00\x00\x05\x00"), ERR_PROTO },
    { "origin 0", SLICE_LIT(ID "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ERR_PROTO },
    { "origin 4", SLICE_LIT(ID "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04"), ERR_PROTO },
    { "authentication 0", SLICE_LIT(ID "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"), ERR_PROTO },
    { "a policy cut short", SLICE_LIT(ID "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00"), ERR_PROTO },
};

static void attributes_decode(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        struct se_attributes a = { .id = 77 };

        print_message("  %s\n", attributes[i].what);
        assert_int_equal(se_attributes_decode(attributes[i].in, &a), attributes[i].want);
        assert_int_equal(a.id, attributes[i].want ? 77 : 0x20181001);
    }
    for (size_t n = 0; n < sizeof(AUTH_3X) - 1; n++) { /* every prefix */
        autofree uint8_t *copy = mem_dup(AUTH_3X, n);
        struct se_attributes a;

        assert_int_equal(se_attributes_decode(slice_of(copy, n), &a), ERR_PROTO);
    }
}

static void attributes_are_read(void **state)
{
    struct se_attributes a = { 0 };
    BEGIN(X(GET, "\x42\x18" PLAIN_3X "\x90\x00"), X(GET, "\x42\x0f" AUTH_3X "\x90\x00"), X(GET, "\x69\x85"),
          X(GET, "\x43\x18" PLAIN_3X "\x90\x00"), X(GET, "\x42\x18" PLAIN_3X "\x41\x00\x90\x00"),
          X("\x80\x02\x00\x3b\x06\x41\x04\x00\x00\x00\x01", "\x42\x18" PLAIN_3X "\x90\x00"));

    assert_int_equal(se_object_attributes(chip, 0x20181001, &a), ERR_OK);
    assert_int_equal(a.origin, SE_ORIGIN_INTERNAL);
    assert_int_equal(a.policy.n, 1);
    assert_false(a.auth);
    assert_int_equal(se_object_attributes(chip, 0x20181001, &a), ERR_OK);
    assert_true(a.auth);
    assert_int_equal(a.attempts, 3);
    assert_int_equal(a.max_attempts, 10);
    assert_int_equal(a.owner, 0x7da00001);
    assert_int_equal(a.origin, SE_ORIGIN_PROVISIONED);
    assert_int_equal(se_object_attributes(chip, 0x20181001, &a), ERR_NOT_FOUND);
    assert_int_equal(se_object_attributes(chip, 0x20181001, &a), ERR_PROTO); /* 7.x's tag */
    assert_int_equal(se_object_attributes(chip, 0x20181001, &a), ERR_PROTO); /* a TLV too many */
    assert_int_equal(se_object_attributes(chip, 1, &a), ERR_PROTO);          /* of another object */
    assert_int_equal(a.id, 0x20181001);
    FINISH();
}

/* ---- writing ---- */

static struct se_policy only_delete = { .n = 1, .rules = { { .rights = SE_POLICY_DELETE } } };

static void secret_keys(void **state)
{
    const struct se_symmetric aes = { .type = SE_TYPE_AES, .value = SLICE_LIT(KEY16) };
    const struct se_symmetric hmac = { .type = SE_TYPE_HMAC, .value = SLICE_LIT("abc"), .min_output = 16 };
    const struct se_symmetric wrapped = {
        .type = SE_TYPE_AES, .value = SLICE_LIT("01234567" KEY16), .kek = 0x77, .min_tag = 12
    };
    const struct se_symmetric bad = { .type = SE_TYPE_AES, .value = SLICE_LIT("short") };
    const struct se_write auth = { .auth = true, .max_attempts = 5, .policy = &only_delete };
    const struct se_write gone = { .transient = true, .version = 9 };
    BEGIN(X(EXISTS, NO), X("\x80\x01\x03\x00\x18\x41\x04" ID "\x43\x10" KEY16, OK), X(EXISTS, NO),
          X("\x80\x41\x03\x00\x27\x11\x09" ONLY_DELETE "\x12\x02\x00\x05\x41\x04" ID "\x43\x10" KEY16, OK),
          X(EXISTS, NO),
          X("\x80\x81\x05\x00\x15\x41\x04" ID "\x43\x03"
            "abc"
            "\x45\x02\x00\x10\x4b\x04\x00\x00\x00\x09",
            OK),
          X(EXISTS, NO),
          X("\x80\x01\x03\x00\x2a\x41\x04" ID "\x42\x04\x00\x00\x00\x77\x43\x18"
            "01234567" KEY16 "\x44\x02\x00\x0c",
            OK),
          /* there already: the value is replaced, a policy is refused */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x09\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x10\x90\x00"),
          X("\x80\x01\x03\x00\x18\x41\x04" ID "\x43\x10" KEY16, OK), X(EXISTS, YES), X(EXISTS, YES),
          X(TYPE, "\x41\x01\x11\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x10\x90\x00"));

    assert_int_equal(se_symmetric_write(chip, 0x20181001, &aes, NULL), ERR_OK);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &aes, &auth), ERR_OK);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &hmac, &gone), ERR_OK);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &wrapped, NULL), ERR_OK);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &aes, NULL), ERR_OK);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &aes, &auth), ERR_EXISTS);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &aes, NULL), ERR_EXISTS);
    assert_int_equal(se_symmetric_write(chip, 0x20181001, &bad, NULL), ERR_INVALID);
    FINISH();
}

/* A generated key is what the chip's generator gave. */
static void generated_keys(void **state)
{
    BEGIN(X("\x80\x04\x00\x49\x00\x00\x04\x41\x02\x00\x10\x00\x00", "\x41\x10" KEY16 "\x90\x00"),
          X(EXISTS, NO), X("\x80\x01\x03\x00\x18\x41\x04" ID "\x43\x10" KEY16, OK));

    assert_int_equal(se_symmetric_generate(chip, 0x20181001, SE_TYPE_AES, 16, NULL), ERR_OK);
    assert_int_equal(se_symmetric_generate(chip, 1, SE_TYPE_AES, 17, NULL), ERR_INVALID);
    assert_int_equal(se_symmetric_generate(chip, 1, SE_TYPE_HMAC, 257, NULL), ERR_INVALID);
    FINISH();
}

static void user_ids(void **state)
{
    const struct se_write ten = { .max_attempts = 10 };
    BEGIN(X(EXISTS, NO),
          X("\x80\x41\x07\x00\x10\x12\x02\x00\x0a\x41\x04" ID "\x42\x04"
            "1234",
            OK),
          X(EXISTS, YES), X(EXISTS, NO),
          X("\x80\x41\x07\x00\x0c\x41\x04" ID "\x42\x04"
            "1234",
            "\x69\x86"));

    assert_int_equal(se_userid_write(chip, 0x20181001, SLICE_LIT("1234"), &ten), ERR_OK);
    assert_int_equal(se_userid_write(chip, 0x20181001, SLICE_LIT("1234"), &ten), ERR_EXISTS);
    assert_int_equal(se_userid_write(chip, 0x20181001, SLICE_LIT("1234"), NULL), ERR_DENIED);
    assert_int_equal(se_userid_write(chip, 1, SLICE_LIT("123"), NULL), ERR_INVALID);
    assert_int_equal(se_userid_write(chip, 1, SLICE_LIT("0123456789abcdefg"), NULL), ERR_INVALID);
    FINISH();
}

#define CURVES_ALL "\x41\x11\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x90\x00"
#define CURVES "\x80\x02\x0b\x25\x00"

static void keys_with_policies(void **state)
{
    const struct se_write how = { .policy = &only_delete };
    const struct se_write auth = { .auth = true, .max_attempts = 3 };
    uint8_t point[65] = { 4 };
    static const uint8_t zeros[64];
    struct exchange steps[] = {
        X(EXISTS, NO),
        X(CURVES, CURVES_ALL),
        X("\x80\x01\x61\x00\x14\x11\x09" ONLY_DELETE "\x41\x04" ID "\x42\x01\x03", OK),
        X(EXISTS, NO),
        X("\x80\x01\x62\x00\x15\x11\x09" ONLY_DELETE "\x41\x04" ID "\x42\x02\x08\x00", OK),
        X(EXISTS, NO),
        X(CURVES, CURVES_ALL),
        { { 0 }, SLICE_LIT(OK) },
    };
    autobuf write = BUF_INIT(200);
    struct se_chip *chip;

    assert_int_equal(buf_add(&write, SLICE_LIT("\x80\x41\x21\x00\x50\x12\x02\x00\x03\x41\x04" ID
                                               "\x42\x01\x03\x44\x41\x04")),
                     ERR_OK);
    assert_int_equal(buf_add(&write, SLICE_ARRAY(zeros)), ERR_OK);
    steps[ARRAY_LEN(steps) - 1].command = buf_slice(&write);
    chip = chip_with(steps, ARRAY_LEN(steps));
    assert_int_equal(se_ec_generate(chip, 0x20181001, SE_CURVE_P256, &how), ERR_OK);
    assert_int_equal(se_rsa_generate(chip, 0x20181001, 2048, &how), ERR_OK);
    assert_int_equal(se_ec_write_public(chip, 0x20181001, SE_CURVE_P256, SLICE_ARRAY(point), &auth), ERR_OK);
    FINISH();
}

static void files_in_part(void **state)
{
    const struct se_write how = { .policy = &only_delete };
    autobuf out = BUF_INIT(10);
    BEGIN(X(EXISTS, NO), X("\x80\x01\x06\x00\x15\x11\x09" ONLY_DELETE "\x41\x04" ID "\x43\x02\x01\x00", OK),
          X("\x80\x01\x06\x00\x0f\x41\x04" ID "\x42\x02\x00\x20\x44\x03"
            "abc",
            OK),
          X("\x80\x02\x00\x00\x00\x00\x0e\x41\x04" ID "\x42\x02\x00\x20\x43\x02\x00\x03\x00\x00",
            "\x41\x03"
            "abc\x90\x00"),
          X("\x80\x02\x00\x00\x00\x00\x0e\x41\x04" ID "\x42\x02\x00\x20\x43\x02\x00\x03\x00\x00",
            "\x41\x02"
            "ab\x90\x00"),
          /* a policy needs a new file, even of the same size */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x03\x90\x00"),
          X("\x80\x04\x00\x28\x06\x41\x04" ID, OK),
          X("\x80\x01\x06\x00\x1a\x11\x09" ONLY_DELETE "\x41\x04" ID "\x43\x02\x00\x03\x44\x03"
            "abc",
            OK));

    assert_int_equal(se_object_create_binary(chip, 0x20181001, 256, &how), ERR_OK);
    assert_int_equal(se_object_update_binary(chip, 0x20181001, 0x20, SLICE_LIT("abc")), ERR_OK);
    assert_int_equal(se_object_read_at(chip, 0x20181001, 0x20, 3, &out), ERR_OK);
    assert_int_equal(se_object_read_at(chip, 0x20181001, 0x20, 3, &out), ERR_PROTO);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("abc")));
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT("abc"), &how), ERR_OK);
    assert_int_equal(se_object_update_binary(chip, 1, SE_BINARY_MAX, SLICE_LIT("a")), ERR_TOO_BIG);
    assert_int_equal(se_object_read_at(chip, 1, SE_BINARY_MAX, 1, &out), ERR_INVALID);
    assert_int_equal(se_object_create_binary(chip, 1, 0, NULL), ERR_INVALID);
    FINISH();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_encode),     cmocka_unit_test(policies_decode),
        cmocka_unit_test(what_a_policy_says),  cmocka_unit_test(attributes_decode),
        cmocka_unit_test(attributes_are_read), cmocka_unit_test(secret_keys),
        cmocka_unit_test(generated_keys),      cmocka_unit_test(user_ids),
        cmocka_unit_test(keys_with_policies),  cmocka_unit_test(files_in_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
