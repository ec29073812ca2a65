/* What `sedge-chip dump` says of an object: everything but its value. */
#include "../cm.h"
#include "vse/applet.h"
#include "vse/dump.h"

static void lines(void **state)
{
    auto_object *o = vse_object_new(0x20181001, SE_TYPE_RSA_PAIR);
    autobuf out = BUF_INIT(1000);
    (void)state;

    o->size = 2048;
    assert_int_equal(vse_object_set(o, VSE_RSA_D, SLICE_LIT("topsecret")), ERR_OK);
    assert_int_equal(buf_add(&o->policy, SLICE_LIT("\x08\x00\x00\x00\x00\x10\x00\x00\x00")), ERR_OK);
    assert_int_equal(vse_dump_object(o, &out), ERR_OK);
    assert_string_equal(
        buf_str(&out),
        "0x20181001  RSA key pair, 2048 bits, persistent, imported, policy 080000000010000000\n");
    buf_clear(&out);
    o->type = 0x77; /* of a later version */
    o->origin = 0;
    o->transient = o->auth = true;
    buf_clear(&o->policy);
    assert_int_equal(vse_dump_object(o, &out), ERR_OK);
    assert_string_equal(buf_str(&out),
                        "0x20181001  unknown, 2048 bytes, transient, unknown, authentication\n");
    buf_clear(&out);
    assert_int_equal(vse_dump_curve(SE_CURVE_P256, VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL, &out), ERR_OK);
    assert_int_equal(vse_dump_curve(SE_CURVE_P384, VSE_CURVE_CREATED, &out), ERR_OK);
    assert_int_equal(vse_dump_curve(SE_CURVE_BN256, VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL, &out), ERR_OK);
    assert_string_equal(buf_str(&out), "curve 0x03  prime256v1\ncurve 0x04  secp384r1, incomplete\n"
                                       "curve 0x11  TPM_ECC_BN_P256\n");
}

/* No type is unknown, none shows a byte of its value, and what limits an object is said. */
static void every_type(void **state)
{
    static const struct {
        uint8_t type;
        uint16_t size;
        const char *line;
    } cases[] = {
        { SE_TYPE_AES, 16, "0x00000001  AES key, 16 bytes, persistent, imported\n" },
        { SE_TYPE_DES, 24, "0x00000001  DES key, 24 bytes, persistent, imported\n" },
        { SE_TYPE_HMAC, 256, "0x00000001  HMAC key, 256 bytes, persistent, imported\n" },
        { SE_TYPE_USERID, 4, "0x00000001  UserID, 4 bytes, persistent, imported\n" },
        { SE_TYPE_COUNTER, 1, "0x00000001  counter, 1 byte, persistent, imported\n" },
        { SE_TYPE_PCR, 32, "0x00000001  PCR, 32 bytes, persistent, imported\n" },
        { SE_TYPE_BINARY, 0, "0x00000001  binary, not made yet, persistent, imported\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        auto_object *o = vse_object_new(1, cases[i].type);
        autobuf out = BUF_INIT(1000);
        o->size = cases[i].size;
        assert_int_equal(vse_object_set(o, VSE_DATA, SLICE_LIT("imported")), ERR_OK);
        assert_int_equal(vse_dump_object(o, &out), ERR_OK);
        assert_string_equal(buf_str(&out), cases[i].line);
    }
}

static void limits(void **state)
{
    auto_object *o = vse_object_new(0x7da00001, SE_TYPE_USERID);
    autobuf out = BUF_INIT(1000);

    (void)state;
    o->size = 5;
    o->auth = true;
    o->max_attempts = 10;
    o->attempts = 3;
    o->owner = 0x11;
    o->version = 2;
    assert_int_equal(vse_dump_object(o, &out), ERR_OK);
    assert_string_equal(buf_str(&out),
                        "0x7DA00001  UserID, 5 bytes, persistent, imported, authentication (3 of 10 "
                        "attempts failed), owner 0x00000011, version 2\n");
}

/* Every kind of crypto object that can be made has a name. */
static void crypto_objects(void **state)
{
    autobuf out = BUF_INIT(100);
    size_t known = 0;
    (void)state;

    for (unsigned kind = 0; kind < 0x10000; kind++) {
        uint8_t value[VSE_CRYPTO_OBJECT_STORED] = { (uint8_t)(kind >> 8), (uint8_t)kind };
        bool exists = vse_crypto_object_kind_valid(VSE_ON_7X, value[0], value[1]);
        buf_clear(&out);
        assert_int_equal(vse_dump_crypto_object(0x31, SLICE_ARRAY(value), &out), ERR_OK);
        assert_int_equal(strstr(buf_str(&out), "unknown") == NULL, exists);
        known += exists;
    }
    assert_int_equal(known, 37);
    buf_clear(&out);
    assert_int_equal(vse_dump_crypto_object(0x31, SLICE_LIT("\x02\x17"), &out), ERR_OK);
    assert_string_equal(buf_str(&out), "crypto object 0x0031  cipher, AES-CBC with ISO 9797-1 M2\n");
    assert_int_equal(vse_dump_crypto_object(0x31, SLICE_LIT("\x02"), &out), ERR_CORRUPT);
}

static void settings(void **state)
{
    static const struct {
        uint32_t which;
        struct slice value;
        const char *line;
    } cases[] = {
        { VSE_SETTING_LOCK, SLICE_LIT("\x01"), "setting  locked\n" },
        { VSE_SETTING_LOCK, SLICE_LIT("\x00"), "setting  not locked\n" },
        { VSE_SETTING_SCP_REQUEST, SLICE_LIT("\x01"), "setting  platform SCP required\n" },
        { VSE_SETTING_SCP_REQUEST, SLICE_LIT("\x00"), "setting  platform SCP not required\n" },
        { VSE_SETTING_RESTRICT, SLICE_LIT("\x00"), "setting  objects can be made and changed\n" },
        { VSE_SETTING_RESTRICT, SLICE_LIT("\x01"), "setting  no objects can be made\n" },
        { VSE_SETTING_RESTRICT, SLICE_LIT("\x02"), "setting  objects can be neither made nor changed\n" },
        { VSE_SETTING_FEATURES, SLICE_LIT("\x37\xf0"), "setting  features 0x37F0\n" },
        { VSE_SETTING_SCP_KEYS, SLICE_LIT("ENCENCENCENCENCEMACMACMACMACMACMDEKDEKDEKDEKDEKD"),
          "setting  platform keys changed\n" },
    };
    autobuf out = BUF_INIT(100);
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_clear(&out);
        assert_int_equal(vse_dump_setting(cases[i].which, cases[i].value, &out), ERR_OK);
        assert_string_equal(buf_str(&out), cases[i].line);
    }
    assert_int_equal(vse_dump_setting(VSE_SETTING_LOCK, SLICE_LIT("12"), &out), ERR_CORRUPT);
    assert_int_equal(vse_dump_setting(99, SLICE_LIT("1"), &out), ERR_CORRUPT);
}

static void certificates(void **state)
{
    autobuf out = BUF_INIT(1000);

    (void)state;
    assert_int_equal(vse_dump_certificate(SLICE_LIT("junk"), &out), ERR_CORRUPT);
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),          cmocka_unit_test(every_type), cmocka_unit_test(limits),
        cmocka_unit_test(crypto_objects), cmocka_unit_test(settings),   cmocka_unit_test(certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
