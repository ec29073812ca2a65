#include "../cm.h"
#include "base/mem.h"
#include "base/utf8.h"

static const struct {
    struct slice s;
    bool ok, no_nul;
} cases[] = {
    { SLICE_LIT(""), true, true },
    { SLICE_LIT("plain"), true, true },
    { SLICE_LIT("a\0b"), true, false },
    { SLICE_LIT("\xc3\xa9"), true, true },
    { SLICE_LIT("\xe2\x82\xac"), true, true },
    { SLICE_LIT("\xf0\x9f\x98\x80"), true, true },
    { SLICE_LIT("\xf4\x8f\xbf\xbf"), true, true },
    { SLICE_LIT("\xc0\x80"), false, false },         /* overlong NUL */
    { SLICE_LIT("\xe0\x9f\xbf"), false, false },     /* overlong */
    { SLICE_LIT("\xed\xa0\x80"), false, false },     /* surrogate */
    { SLICE_LIT("\xf4\x90\x80\x80"), false, false }, /* beyond U+10FFFF */
    { SLICE_LIT("\xf0\x8f\xbf\xbf"), false, false }, /* overlong */
    { SLICE_LIT("\xc3"), false, false },
    { SLICE_LIT("\xe2\x82"), false, false },
    { SLICE_LIT("\x80"), false, false },
    { SLICE_LIT("\xff"), false, false },
};

static void each_case(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(utf8_valid(cases[i].s), cases[i].ok);
        assert_int_equal(utf8_valid_no_nul(cases[i].s), cases[i].no_nul);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
