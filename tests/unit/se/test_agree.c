/* Signing, verifying and agreeing with keys in the chip: bytes as the reference has them (3.6 to 3.8). */
#include "../cm.h"
#include "exchange.h"
#include "se/agree.h"
#include "se/key.h"

#define ID "\x20\x18\x10\x01"
#define EXISTS "\x80\x04\x00\x27\x06\x41\x04" ID
#define NO "\x41\x01\x02\x90\x00"
#define OK "\x90\x00"
#define GOOD "\x41\x01\x01\x90\x00"
#define WRONG "\x41\x01\x02\x90\x00"
#define UP "abcdefghijklmnopqrstuvwxyz012345"
#define DOWN "543210zyxwvutsrqponmlkjihgfedcba"
#define UP56 UP "ABCDEFGHIJKLMNOPQRSTUVWX"
#define DOWN56 "XWVUTSRQPONMLKJIHGFEDCBA" DOWN

static void ed25519(void **state)
{
    uint8_t signature[64], before[64];
    bool good = false;
    BEGIN(X("\x80\x03\x0c\x09\x0e\x41\x04" ID "\x42\x01\xa3\x43\x03"
            "abc",
            "\x41\x40" UP DOWN "\x90\x00"),
          X("\x80\x03\x0c\x09\x09\x41\x04" ID "\x42\x01\xa3", "\x41\x40" UP DOWN "\x90\x00"),
          X("\x80\x03\x0c\x09\x09\x41\x04" ID "\x42\x01\xa3", "\x41\x3f" UP "43210zyxwvutsrqponmlkjihgfedcba"
                                                              "\x90\x00"),
          X("\x80\x03\x0c\x0a\x50\x41\x04" ID "\x42\x01\xa3\x43\x03"
            "abc\x45\x40" UP DOWN,
            GOOD),
          X("\x80\x03\x0c\x0a\x50\x41\x04" ID "\x42\x01\xa3\x43\x03"
            "abc\x45\x40" UP DOWN,
            WRONG),
          X("\x80\x03\x0c\x0a\x50\x41\x04" ID "\x42\x01\xa3\x43\x03"
            "abc\x45\x40" UP DOWN,
            "\x41\x01\x00\x90\x00"));

    assert_int_equal(se_ed_sign(chip, 0x20181001, SLICE_LIT("abc"), signature), ERR_OK);
    assert_memory_equal(signature, DOWN UP, 64); /* each half turned by itself */
    assert_int_equal(se_ed_sign(chip, 0x20181001, SLICE_LIT(""), signature), ERR_OK);
    memcpy(before, signature, 64);
    assert_int_equal(se_ed_sign(chip, 0x20181001, SLICE_LIT(""), signature), ERR_PROTO);
    assert_memory_equal(signature, before, 64);
    assert_int_equal(se_ed_verify(chip, 0x20181001, SLICE_LIT("abc"), signature, &good), ERR_OK);
    assert_true(good);
    assert_int_equal(se_ed_verify(chip, 0x20181001, SLICE_LIT("abc"), signature, &good), ERR_OK);
    assert_false(good);
    assert_int_equal(se_ed_verify(chip, 0x20181001, SLICE_LIT("abc"), signature, &good), ERR_PROTO);
    FINISH();
}

/* No curve is created; the seed goes as it is, the public key reversed; Montgomery values both reversed. */
static void bare_keys(void **state)
{
    autobuf out = BUF_INIT(100);
    BEGIN(X(EXISTS, NO), X("\x80\x01\x61\x00\x4d\x41\x04" ID "\x42\x01\x40\x43\x20" UP "\x44\x20" DOWN, OK),
          X(EXISTS, NO), X("\x80\x01\x61\x00\x4d\x41\x04" ID "\x42\x01\x41\x43\x20" DOWN "\x44\x20" UP, OK),
          X(EXISTS, NO),
          X("\x80\x01\x61\x00\x7d\x41\x04" ID "\x42\x01\x43\x43\x38" DOWN56 "\x44\x38" UP56, OK),
          X("\x80\x02\x00\x00\x06\x41\x04" ID, "\x41\x20" DOWN "\x90\x00"),
          X("\x80\x02\x00\x00\x06\x41\x04" ID, "\x41\x38" DOWN56 "\x90\x00"));

    assert_int_equal(se_ec_write_pair(chip, 0x20181001, SE_CURVE_ED25519, SLICE_LIT(UP), SLICE_LIT(UP), NULL),
                     ERR_OK);
    assert_int_equal(
        se_ec_write_pair(chip, 0x20181001, SE_CURVE_X25519, SLICE_LIT(UP), SLICE_LIT(DOWN), NULL), ERR_OK);
    assert_int_equal(
        se_ec_write_pair(chip, 0x20181001, SE_CURVE_X448, SLICE_LIT(UP56), SLICE_LIT(DOWN56), NULL), ERR_OK);
    assert_int_equal(se_ec_public(chip, 0x20181001, &out), ERR_OK);
    assert_int_equal(se_ec_public(chip, 0x20181001, &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT(UP UP56)));
    FINISH();
}

#define POINT "\x04" UP DOWN

static void ecdh(void **state)
{
    autobuf out = BUF_SECRET(200);
    BEGIN(X("\x80\x03\x01\x0f\x00\x00\x49\x41\x04" ID "\x42\x41" POINT "\x00\x00", "\x41\x20" UP "\x90\x00"),
          X("\x80\x03\x01\x0f\x00\x00\x4c\x41\x04" ID "\x42\x41" POINT "\x44\x01\x01\x00\x00",
            "\x41\x14"
            "abcdefghijklmnopqrst\x90\x00"),
          X("\x80\x03\x01\x0f\x00\x00\x28\x41\x04" ID "\x42\x20" UP "\x00\x00", "\x41\x20" UP "\x90\x00"),
          X("\x80\x03\x01\x0f\x00\x00\x28\x41\x04" ID "\x42\x20" UP "\x00\x00",
            "\x41\x1f"
            "abcdefghijklmnopqrstuvwxyz01234\x90\x00"),
          X("\x80\x03\x01\x0f\x00\x00\x28\x41\x04" ID "\x42\x20" UP "\x00\x00", "\x69\x86"));

    assert_int_equal(se_ec_agree(chip, 0x20181001, SE_CURVE_P256, SLICE_LIT(POINT), SE_AGREE_X, &out),
                     ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT(UP)));
    assert_int_equal(se_ec_agree(chip, 0x20181001, SE_CURVE_P256, SLICE_LIT(POINT), SE_AGREE_X_SHA1, &out),
                     ERR_OK);
    assert_int_equal(out.n, 52);
    buf_clear(&out);
    assert_int_equal(se_ec_agree(chip, 0x20181001, SE_CURVE_X25519, SLICE_LIT(DOWN), SE_AGREE_X, &out),
                     ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT(DOWN)));
    assert_int_equal(se_ec_agree(chip, 0x20181001, SE_CURVE_X25519, SLICE_LIT(DOWN), SE_AGREE_X, &out),
                     ERR_PROTO);
    assert_int_equal(se_ec_agree(chip, 0x20181001, SE_CURVE_X25519, SLICE_LIT(DOWN), SE_AGREE_X, &out),
                     ERR_DENIED);
    assert_int_equal(out.n, 32);
    assert_int_equal(se_ec_agree(chip, 1, SE_CURVE_P256, SLICE_LIT(DOWN), SE_AGREE_X, &out), ERR_INVALID);
    assert_int_equal(se_ec_agree(chip, 1, SE_CURVE_ED25519, SLICE_LIT(DOWN), SE_AGREE_X, &out),
                     ERR_UNSUPPORTED);
    assert_int_equal(se_ec_agree_into(chip, 1, SE_CURVE_P256, SLICE_LIT(POINT), 2),
                     ERR_UNSUPPORTED); /* 3.x */
    FINISH();
}

static void multiply_and_ecdaa(void **state)
{
    const struct se_multiply by_id = { .point_id = 0x77, .algorithm = SE_ECPM_PLAIN_XY };
    const struct se_multiply into = { .point = SLICE_LIT(POINT),
                                      .target = 0x88,
                                      .algorithm = SE_ECPM_PACE_GM };
    const struct se_multiply neither = { .algorithm = SE_ECPM_PLAIN_XY };
    autobuf out = BUF_INIT(200);
    BEGIN(X("\x80\x03\x01\x62\x00\x00\x0f\x41\x04" ID "\x43\x04\x00\x00\x00\x77\x44\x01\x06\x00\x00",
            "\x41\x40" UP DOWN "\x90\x00"),
          X("\x80\x03\x01\x62\x00\x00\x52\x41\x04" ID "\x42\x41" POINT
            "\x44\x01\x05\x47\x04\x00\x00\x00\x88\x00\x00",
            OK),
          X("\x80\x03\x0c\x35\x4d\x41\x04" ID "\x42\x01\xf4\x43\x20" UP "\x44\x20" DOWN, "\x41\x03"
                                                                                         "sig\x90\x00"));

    assert_int_equal(se_ec_multiply(chip, 0x20181001, &by_id, &out), ERR_OK);
    assert_int_equal(out.n, 64);
    assert_int_equal(se_ec_multiply(chip, 0x20181001, &into, &out), ERR_OK);
    assert_int_equal(se_ec_multiply(chip, 0x20181001, &neither, &out), ERR_INVALID);
    assert_int_equal(se_ec_sign_ecdaa(chip, 0x20181001, SLICE_LIT(UP), SLICE_LIT(DOWN), &out), ERR_OK);
    assert_int_equal(se_ec_sign_ecdaa(chip, 1, SLICE_LIT("short"), SLICE_LIT(DOWN), &out), ERR_INVALID);
    assert_int_equal(out.n, 67);
    FINISH();
}

static void ecdsa_verify(void **state)
{
    bool good = false;
    BEGIN(X("\x80\x03\x0c\x0a\x35\x41\x04" ID "\x42\x01\x21\x43\x20" UP
            "\x45\x08\x30\x06\x02\x01\x05\x02\x01\x07",
            GOOD),
          X("\x80\x03\x0c\x0a\x18\x41\x04" ID "\x42\x01\x09\x43\x03"
            "abc\x45\x08\x30\x06\x02\x01\x05\x02\x01\x07",
            WRONG));

    assert_int_equal(
        se_ec_verify(chip, 0x20181001, SLICE_LIT(UP), SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x07"), &good),
        ERR_OK);
    assert_true(good);
    assert_int_equal(se_ec_verify(chip, 0x20181001, SLICE_LIT("abc"),
                                  SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x07"), &good),
                     ERR_OK);
    assert_false(good);
    assert_int_equal(se_ec_verify(chip, 1, SLICE_LIT("abc"), SLICE_LIT(""), &good), ERR_INVALID);
    assert_int_equal(se_ec_verify(chip, 1, SLICE_LIT(""), SLICE_LIT("x"), &good), ERR_INVALID);
    FINISH();
}

static void rsa_by_the_chip(void **state)
{
    autobuf out = BUF_INIT(600);
    bool good = false;
    BEGIN(
        X("\x80\x03\x0c\x09\x00\x00\x0e\x41\x04" ID "\x42\x01\x2c\x43\x03"
          "abc\x00\x00",
          "\x41\x20" UP "\x90\x00"),
        X("\x80\x03\x0c\x0a\x00\x00\x30\x41\x04" ID "\x42\x01\x28\x43\x03"
          "abc\x45\x20" UP "\x00\x00",
          GOOD),
        X("\x80\x03\x02\x37\x00\x00\x0e\x41\x04" ID "\x42\x01\x0f\x43\x03"
          "abc\x00\x00",
          "\x41\x20" UP "\x90\x00"),
        X("\x80\x03\x02\x38\x00\x00\x2b\x41\x04" ID "\x42\x01\x0f\x43\x20" UP "\x00\x00", "\x41\x00\x90\x00"),
        X("\x80\x03\x02\x38\x00\x00\x0e\x41\x04" ID "\x42\x01\x0a\x43\x03"
          "abc\x00\x00",
          "\x41\x04"
          "abcd\x90\x00"));

    assert_int_equal(se_rsa_sign(chip, 0x20181001, SE_RSA_PSS_SHA256, SLICE_LIT("abc"), &out), ERR_OK);
    assert_int_equal(
        se_rsa_verify(chip, 0x20181001, SE_RSA_PKCS1_SHA256, SLICE_LIT("abc"), SLICE_LIT(UP), &good), ERR_OK);
    assert_true(good);
    assert_int_equal(se_rsa_encrypt(chip, 0x20181001, SE_RSA_OAEP_SHA1, SLICE_LIT("abc"), &out), ERR_OK);
    assert_int_equal(se_rsa_decrypt(chip, 0x20181001, SE_RSA_OAEP_SHA1, SLICE_LIT(UP), &out),
                     ERR_OK); /* empty */
    assert_int_equal(se_rsa_decrypt(chip, 0x20181001, SE_RSA_PKCS1, SLICE_LIT("abc"), &out),
                     ERR_PROTO); /* grew */
    assert_int_equal(out.n, 64);
    FINISH();
}

/* Plain pairs go as n, e, d; private halves alone too; CRT ones without n and e. */
static void rsa_forms(void **state)
{
    static const uint8_t zeros[64] = { 0x80 };
    const struct se_rsa_pair plain = { .n = SLICE_ARRAY(zeros), .e = SLICE_LIT("\x03"), .d = SLICE_LIT("d") };
    const struct se_rsa_pair crt = { .p = slice_of(zeros, 32),
                                     .q = SLICE_LIT("q"),
                                     .dp = SLICE_LIT("a"),
                                     .dq = SLICE_LIT("b"),
                                     .qinv = SLICE_LIT("c") };
    static const struct exchange tail[] = {
        X("\x80\x01\x02\x4f\x09\x41\x04" ID "\x48\x01\x03", OK),
        X("\x80\x01\x02\x4f\x09\x41\x04" ID "\x49\x01"
          "d",
          OK),
        X("\x80\x01\x02\x00\x09\x41\x04" ID "\x44\x01"
          "q",
          OK),
        X("\x80\x01\x02\x00\x09\x41\x04" ID "\x45\x01"
          "a",
          OK),
        X("\x80\x01\x02\x00\x09\x41\x04" ID "\x46\x01"
          "b",
          OK),
        X("\x80\x01\x02\x00\x09\x41\x04" ID "\x47\x01"
          "c",
          OK),
    };
    autobuf first_plain = BUF_INIT(200), first_private = BUF_INIT(200), first_crt = BUF_INIT(200);
    struct exchange steps[14] = { X(EXISTS, NO), { { 0 }, SLICE_LIT(OK) },
                                  tail[0],       tail[1],
                                  X(EXISTS, NO), { { 0 }, SLICE_LIT(OK) },
                                  tail[0],       tail[1],
                                  X(EXISTS, NO), { { 0 }, SLICE_LIT(OK) },
                                  tail[2],       tail[3],
                                  tail[4],       tail[5] };
    struct se_chip *chip;

    (void)buf_add(&first_plain, SLICE_LIT("\x80\x01\x62\x4f\x4c\x41\x04" ID "\x42\x02\x02\x00\x4a\x40"));
    (void)buf_add(&first_plain, SLICE_ARRAY(zeros));
    (void)buf_add(&first_private, SLICE_LIT("\x80\x01\x42\x4f\x4c\x41\x04" ID "\x42\x02\x02\x00\x4a\x40"));
    (void)buf_add(&first_private, SLICE_ARRAY(zeros));
    (void)buf_add(&first_crt, SLICE_LIT("\x80\x01\x42\x00\x2c\x41\x04" ID "\x42\x02\x02\x00\x43\x20"));
    (void)buf_add(&first_crt, slice_of(zeros, 32));
    steps[1].command = buf_slice(&first_plain);
    steps[5].command = buf_slice(&first_private);
    steps[9].command = buf_slice(&first_crt);
    chip = chip_with(steps, ARRAY_LEN(steps));
    assert_int_equal(se_rsa_write_pair(chip, 0x20181001, &plain, NULL), ERR_OK);
    assert_int_equal(se_rsa_write_private(chip, 0x20181001, &plain, NULL), ERR_OK);
    assert_int_equal(se_rsa_write_private(chip, 0x20181001, &crt, NULL), ERR_OK);
    FINISH();
}

static void curves(void **state)
{
    bool set[SE_CURVE_WEIERSTRASS_COUNT + 1] = { false };
    BEGIN(X("\x80\x02\x0b\x25\x00",
            "\x41\x11\x01\x01\x02\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x90\x00"),
          X("\x80\x02\x0b\x25\x00",
            "\x41\x11\x01\x01\x02\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x00\x90\x00"),
          X("\x80\x02\x0b\x25\x00",
            "\x41\x10\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x90\x00"),
          X("\x80\x04\x0b\x28\x03\x41\x01\x03", OK));

    assert_int_equal(se_curve_list(chip, set), ERR_OK);
    assert_true(set[SE_CURVE_P256]);
    assert_false(set[SE_CURVE_P224]);
    assert_int_equal(se_curve_list(chip, set), ERR_PROTO);
    assert_int_equal(se_curve_list(chip, set), ERR_PROTO);
    assert_false(set[SE_CURVE_P192]);
    assert_int_equal(se_curve_delete(chip, SE_CURVE_P256), ERR_OK);
    assert_int_equal(se_curve_ensure(chip, SE_CURVE_X448), ERR_OK); /* always there */
    FINISH();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519),      cmocka_unit_test(bare_keys),
        cmocka_unit_test(ecdh),         cmocka_unit_test(multiply_and_ecdaa),
        cmocka_unit_test(ecdsa_verify), cmocka_unit_test(rsa_by_the_chip),
        cmocka_unit_test(rsa_forms),    cmocka_unit_test(curves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
