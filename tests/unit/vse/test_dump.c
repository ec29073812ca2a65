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
    assert_string_equal(buf_str(&out), "curve 0x03  prime256v1\ncurve 0x04  secp384r1, incomplete\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
