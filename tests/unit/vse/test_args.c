/* TLV arguments: which tags, how often, how wide. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/args.h"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
} cases[] = {
    { "none", SLICE_LIT(""), ERR_OK },
    { "all there are", SLICE_LIT("\x10\x00\x11\x00\x12\x00\x13\x00\x14\x00\x15\x00\x41\x00\x4b\x00"),
      ERR_OK },
    { "longer length forms", SLICE_LIT("\x41\x81\x01x\x42\x82\x00\x01y"), ERR_OK },
    { "below the first tag", SLICE_LIT("\x0f\x00"), ERR_PROTO },
    { "between", SLICE_LIT("\x16\x00"), ERR_PROTO },
    { "just below T1", SLICE_LIT("\x40\x00"), ERR_PROTO },
    { "past T11", SLICE_LIT("\x4c\x00"), ERR_PROTO },
    { "twice", SLICE_LIT("\x41\x00\x41\x00"), ERR_PROTO },
    { "cut in the value", SLICE_LIT("\x41\x02x"), ERR_PROTO },
    { "cut in the length", SLICE_LIT("\x41\x82\x00"), ERR_PROTO },
    { "four length bytes", SLICE_LIT("\x41\x84\x00\x00\x00\x00"), ERR_PROTO },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vse_args a = { .present = 0xeeeeeeee };
        print_message("  %s\n", cases[i].what);
        assert_int_equal(vse_args_decode(cases[i].in, &a), cases[i].want);
        assert_int_equal(a.present == 0xeeeeeeee, cases[i].want != ERR_OK);
    }
}

static void widths(void **state)
{
    struct vse_args a;
    (void)state;

    assert_int_equal(
        vse_args_decode(SLICE_LIT("\x41\x04\x01\x02\x03\x04\x42\x01\x05\x43\x02\x01\x02\x44\x00"), &a),
        ERR_OK);
    assert_int_equal(vse_arg_u32(&a, SE_TAG_1, 9), 0x01020304);
    assert_int_equal(vse_arg_u8(&a, SE_TAG_2, 9), 5);
    assert_int_equal(vse_arg_u16(&a, SE_TAG_3, 9), 0x0102);
    assert_int_equal(vse_arg_u16(&a, SE_TAG_5, 9), 9);
    assert_true(vse_arg_has(&a, SE_TAG_4) && !vse_arg_has(&a, SE_TAG_5));
    assert_int_equal(vse_arg_bytes(&a, SE_TAG_5).n, 0);
    assert_false(a.bad);
    assert_int_equal(vse_arg_u8(&a, SE_TAG_1, 9), 9); /* there, but not of that width */
    assert_true(a.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(widths) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
