/* Command APDUs in every mix of lengths hosts send. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/apdu.h"

#define H "\x80\x04\x00\x49"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    size_t data;
} cases[] = {
    { "header only", SLICE_LIT(H), ERR_OK, 0 },
    { "short Le", SLICE_LIT(H "\x00"), ERR_OK, 0 },
    { "extended Le", SLICE_LIT(H "\x00\x00\x00"), ERR_OK, 0 },
    { "extended Le of 256", SLICE_LIT(H "\x00\x01\x00"), ERR_OK, 0 },
    { "short Lc", SLICE_LIT(H "\x02xy"), ERR_OK, 2 },
    { "short Lc, short Le", SLICE_LIT(H "\x02xy\x00"), ERR_OK, 2 },
    { "short Lc, extended Le", SLICE_LIT(H "\x02xy\x00\x00"), ERR_OK, 2 },
    { "extended Lc", SLICE_LIT(H "\x00\x00\x02xy"), ERR_OK, 2 },
    { "extended Lc and Le", SLICE_LIT(H "\x00\x00\x02xy\x00\x00"), ERR_OK, 2 },
    { "nothing", SLICE_LIT(""), ERR_PROTO, 0 },
    { "half a header", SLICE_LIT("\x80\x04\x00"), ERR_PROTO, 0 },
    { "two bytes of length", SLICE_LIT(H "\x00\x00"), ERR_PROTO, 0 },
    { "data missing", SLICE_LIT(H "\x03xy"), ERR_PROTO, 0 },
    { "data missing, extended", SLICE_LIT(H "\x00\x00\x03xy"), ERR_PROTO, 0 },
    { "too much behind", SLICE_LIT(H "\x02xy\x00\x00\x00\x00"), ERR_PROTO, 0 },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autofree uint8_t *copy = malloc(cases[i].in.n ? cases[i].in.n : 1);
        struct vse_apdu a = { .cla = 0xee };
        print_message("  %s\n", cases[i].what);
        if (cases[i].in.n)
            memcpy(copy, cases[i].in.p, cases[i].in.n);
        assert_int_equal(vse_apdu_decode(slice_of(copy, cases[i].in.n), &a), cases[i].want);
        assert_int_equal(a.cla, cases[i].want ? 0xee : 0x80); /* untouched on failure */
        if (cases[i].want)
            continue;
        assert_int_equal(a.ins << 16 | a.p1 << 8 | a.p2, 0x040049);
        assert_int_equal(a.data.n, cases[i].data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
