/* One spelling of a command, docs/spec/keyd.md section 4. */
#include "../cm.h"
#include "base/mem.h"
#include "keyd/apdu.h"

#define LONG_128                                                                                           \
    "\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01" \
    "\x02\x03\x04\x05\x06\x07\x08"
#define VALUE_128 LONG_128 LONG_128 LONG_128 LONG_128

static const struct {
    const char *what;
    struct slice in;
    enum keyd_apdu_form form;
    err_t want;
    unsigned count;
    size_t stem;
} cases[] = {
    { "header alone", SLICE_LIT("\x80\x04\x00\x20"), KEYD_APDU_OUTER, ERR_OK, 0, 4 },
    { "Le", SLICE_LIT("\x80\x04\x00\x20\x00"), KEYD_APDU_OUTER, ERR_OK, 0, 4 },
    { "extended Le", SLICE_LIT("\x80\x04\x00\x20\x00\x00\x00"), KEYD_APDU_OUTER, ERR_OK, 0, 4 },
    { "short", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x01\x02\x03\x04"), KEYD_APDU_OUTER, ERR_OK, 1, 11 },
    { "short with Le", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x01\x02\x03\x04\x00"), KEYD_APDU_OUTER, ERR_OK,
      1, 11 },
    { "extended", SLICE_LIT("\x80\x04\x00\x27\x00\x00\x06\x41\x04\x01\x02\x03\x04"), KEYD_APDU_OUTER, ERR_OK,
      1, 13 },
    { "extended with Le", SLICE_LIT("\x80\x02\x00\x25\x00\x00\x07\x41\x02\x00\x00\x42\x01\xff\x00\x00"),
      KEYD_APDU_OUTER, ERR_OK, 2, 14 },
    { "length in two bytes", SLICE_LIT("\x80\x04\x00\x27\x83\x41\x81\x80" VALUE_128), KEYD_APDU_OUTER, ERR_OK,
      1, 136 },
    { "an empty value", SLICE_LIT("\x80\x04\x00\x27\x02\x41\x00"), KEYD_APDU_OUTER, ERR_OK, 1, 7 },
    { "inner", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x01\x02\x03\x04"), KEYD_APDU_INNER, ERR_OK, 1, 11 },
    { "inner header", SLICE_LIT("\x80\x04\x00\x1c"), KEYD_APDU_INNER, ERR_OK, 0, 4 },

    { "nothing", SLICE_LIT(""), KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "half a header", SLICE_LIT("\x80\x04\x00"), KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "another class", SLICE_LIT("\x84\x04\x00\x20"), KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "ISO's class", SLICE_LIT("\x00\x04\x00\x20"), KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "two Le bytes", SLICE_LIT("\x80\x04\x00\x20\x00\x00"), KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "Le of 1", SLICE_LIT("\x80\x04\x00\x20\x01"), KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "Le of 5 behind data", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x01\x02\x03\x04\x05"), KEYD_APDU_OUTER,
      ERR_PROTO, 0, 0 },
    { "short Le behind extended", SLICE_LIT("\x80\x04\x00\x27\x00\x00\x06\x41\x04\x01\x02\x03\x04\x00"),
      KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "extended Le behind short", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x01\x02\x03\x04\x00\x00"),
      KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "extended Lc of 0 and more", SLICE_LIT("\x80\x04\x00\x27\x00\x00\x00\x00"), KEYD_APDU_OUTER, ERR_PROTO,
      0, 0 },
    { "Lc over the bytes", SLICE_LIT("\x80\x04\x00\x27\x07\x41\x04\x01\x02\x03\x04"), KEYD_APDU_OUTER,
      ERR_PROTO, 0, 0 },
    { "TLV over Lc", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x05\x01\x02\x03\x04"), KEYD_APDU_OUTER, ERR_PROTO, 0,
      0 },
    { "a padded length", SLICE_LIT("\x80\x04\x00\x27\x07\x41\x81\x04\x01\x02\x03\x04"), KEYD_APDU_OUTER,
      ERR_PROTO, 0, 0 },
    { "a length padded more", SLICE_LIT("\x80\x04\x00\x27\x84\x41\x82\x00\x80" VALUE_128), KEYD_APDU_OUTER,
      ERR_PROTO, 0, 0 },
    { "a tag twice", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x01\x01\x41\x01\x02"), KEYD_APDU_OUTER, ERR_PROTO, 0,
      0 },
    { "falling tags", SLICE_LIT("\x80\x04\x00\x27\x06\x42\x01\x01\x41\x01\x02"), KEYD_APDU_OUTER, ERR_PROTO,
      0, 0 },
    { "thirteen fields",
      SLICE_LIT("\x80\x04\x00\x27\x1a\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00\x07\x00\x08\x00\x09\x00"
                "\x0a\x00\x0b"
                "\x00\x0c\x00\x0d\x00"),
      KEYD_APDU_OUTER, ERR_PROTO, 0, 0 },
    { "inner with Le", SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x01\x02\x03\x04\x00"), KEYD_APDU_INNER,
      ERR_PROTO, 0, 0 },
    { "inner Le alone", SLICE_LIT("\x80\x04\x00\x20\x00"), KEYD_APDU_INNER, ERR_PROTO, 0, 0 },
    { "inner extended Le alone", SLICE_LIT("\x80\x04\x00\x20\x00\x00\x00"), KEYD_APDU_INNER, ERR_PROTO, 0,
      0 },
};

static void each_case(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct keyd_apdu a = { .count = 99 };

        print_message("  %s\n", cases[i].what);
        assert_int_equal(keyd_apdu_parse(cases[i].in, cases[i].form, &a), cases[i].want);
        assert_int_equal(a.count, cases[i].want ? 99 : cases[i].count);
        if (!cases[i].want)
            assert_int_equal(a.stem.n, cases[i].stem);
    }
}

/* No strict prefix has another reading with data than the whole: at most the one without data. */
static void prefixes(void **state)
{
    struct slice whole = SLICE_LIT("\x80\x03\x0c\x09\x0b\x41\x04\xef\x00\x00\x01\x42\x01\x21\x43\x00");

    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct keyd_apdu a;

        assert_int_equal(keyd_apdu_parse(slice_of(copy, n), KEYD_APDU_OUTER, &a),
                         n == 4 ? ERR_OK : ERR_PROTO);
    }
}

static void fields(void **state)
{
    struct slice in = SLICE_LIT("\x80\x03\x0c\x09\x0b\x41\x04\xef\x00\x00\x01\x42\x01\x21\x43\x00");
    struct keyd_apdu a;

    assert_int_equal(keyd_apdu_parse(in, KEYD_APDU_OUTER, &a), ERR_OK);
    assert_true(slice_eq(keyd_apdu_field(&a, 0x41), SLICE_LIT("\xef\x00\x00\x01")));
    assert_true(keyd_apdu_has(&a, 0x43) && keyd_apdu_field(&a, 0x43).n == 0);
    assert_false(keyd_apdu_has(&a, 0x44));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(prefixes),
                                        cmocka_unit_test(fields) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
