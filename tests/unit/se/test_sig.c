/* ECDSA signatures: DER and r||s (RFC 3279 2.2.3, PKCS#11 v2.40 2.3.1). */
#include "../cm.h"
#include "base/mem.h"
#include "se/sig.h"

static const struct {
    const char *what;
    struct slice der;
    size_t len;
    err_t want;
    struct slice raw;
} cases[] = {
    { "small numbers are padded", SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x06"), 2, ERR_OK,
      SLICE_LIT("\x00\x05\x00\x06") },
    { "sign byte is dropped", SLICE_LIT("\x30\x07\x02\x02\x00\xff\x02\x01\x06"), 1, ERR_OK,
      SLICE_LIT("\xff\x06") },
    { "sign byte missing", SLICE_LIT("\x30\x06\x02\x01\xff\x02\x01\x06"), 1, ERR_OK, SLICE_LIT("\xff\x06") },
    { "superfluous zeros", SLICE_LIT("\x30\x08\x02\x03\x00\x00\x05\x02\x01\x06"), 1, ERR_OK,
      SLICE_LIT("\x05\x06") },
    { "r longer than the order", SLICE_LIT("\x30\x07\x02\x02\x01\x05\x02\x01\x06"), 1, ERR_PROTO,
      SLICE_LIT("") },
    { "r is zero", SLICE_LIT("\x30\x06\x02\x01\x00\x02\x01\x06"), 1, ERR_PROTO, SLICE_LIT("") },
    { "r is empty", SLICE_LIT("\x30\x05\x02\x00\x02\x01\x06"), 1, ERR_PROTO, SLICE_LIT("") },
    { "three numbers", SLICE_LIT("\x30\x09\x02\x01\x05\x02\x01\x06\x02\x01\x07"), 1, ERR_PROTO,
      SLICE_LIT("") },
    { "one number", SLICE_LIT("\x30\x03\x02\x01\x05"), 1, ERR_PROTO, SLICE_LIT("") },
    { "bytes behind", SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x06\x00"), 1, ERR_PROTO, SLICE_LIT("") },
    { "a set", SLICE_LIT("\x31\x06\x02\x01\x05\x02\x01\x06"), 1, ERR_PROTO, SLICE_LIT("") },
    { "not a number", SLICE_LIT("\x30\x06\x04\x01\x05\x02\x01\x06"), 1, ERR_PROTO, SLICE_LIT("") },
    { "nothing", SLICE_LIT(""), 1, ERR_PROTO, SLICE_LIT("") },
    { "length no curve has", SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x06"), 67, ERR_INVALID, SLICE_LIT("") },
};

static void der_to_raw(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf out = BUF_INIT(200);

        print_message("  %s\n", cases[i].what);
        assert_int_equal(buf_add_str(&out, "x"), ERR_OK);
        assert_int_equal(se_sig_der_to_raw(cases[i].der, cases[i].len, &out), cases[i].want);
        assert_true(slice_eq(slice_skip(buf_slice(&out), 1), cases[i].raw));
    }
}

static void every_prefix_is_refused(void **state)
{
    struct slice whole = SLICE_LIT("\x30\x07\x02\x02\x00\xff\x02\x01\x06");

    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        autobuf out = BUF_INIT(200);

        assert_int_equal(se_sig_der_to_raw(slice_of(copy, n), 1, &out), ERR_PROTO);
        assert_int_equal(out.n, 0);
    }
}

static void cap_is_kept(void **state)
{
    autobuf out = BUF_INIT(3);

    assert_int_equal(se_sig_der_to_raw(SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x06"), 2, &out), ERR_TOO_BIG);
    assert_int_equal(out.n, 0);
}

static const struct {
    struct slice raw;
    err_t want;
    struct slice der;
} back[] = {
    { SLICE_LIT("\x00\x05\x00\x06"), ERR_OK, SLICE_LIT("\x30\x06\x02\x01\x05\x02\x01\x06") },
    { SLICE_LIT("\xff\x06"), ERR_OK, SLICE_LIT("\x30\x07\x02\x02\x00\xff\x02\x01\x06") },
    { SLICE_LIT("\x00\x06"), ERR_OK, SLICE_LIT("\x30\x06\x02\x01\x00\x02\x01\x06") },
    { SLICE_LIT("\x01\x02\x03"), ERR_INVALID, SLICE_LIT("") },
    { SLICE_LIT(""), ERR_INVALID, SLICE_LIT("") },
};

static void raw_to_der(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(back); i++) {
        autobuf out = BUF_INIT(200);

        assert_int_equal(se_sig_raw_to_der(back[i].raw, &out), back[i].want);
        assert_true(slice_eq(buf_slice(&out), back[i].der));
    }
}

static void largest(void **state)
{
    uint8_t raw[134];
    autobuf der = BUF_INIT(200);
    autobuf again = BUF_INIT(200);

    memset(raw, 0xff, sizeof(raw));
    assert_int_equal(se_sig_raw_to_der(slice_of(raw, 132), &der), ERR_OK);
    assert_int_equal(der.n, 141); /* 30 81 8a, twice 02 43 00 and 66 bytes */
    assert_int_equal(se_sig_der_to_raw(buf_slice(&der), 66, &again), ERR_OK);
    assert_memory_equal(again.p, raw, 132);
    assert_int_equal(se_sig_raw_to_der(slice_of(raw, 134), &der), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_to_raw),  cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(cap_is_kept), cmocka_unit_test(raw_to_der),
        cmocka_unit_test(largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
