#include "../cm.h"

#include "base/mem.h"
#include "sigv4/canonical.h"

static const struct {
    const char *text;
    int64_t ms;
} good[] = {
    { "19700101T000000Z", 0 },
    { "20150830T123600Z", 1440938160000 },
    { "20240229T235959Z", 1709251199000 },
    { "99991231T235959Z", 253402300799000 },
};

static void both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char text[17];
        int64_t ms = -1;
        assert_int_equal(sigv4_date_parse(good[i].text, &ms), ERR_OK);
        assert_true(ms == good[i].ms);
        sigv4_date_format(ms + 999, text); /* fractions are dropped */
        assert_string_equal(text, good[i].text);
    }
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "20150830",
        "20150830T123600",
        "20150830T123600ZZ",
        "20150830t123600Z",
        "20150830T123600z",
        "2015-8-30T123600",
        "20150230T000000Z",
        "20151301T000000Z",
        "20150830T240000Z",
        "20150830T126000Z",
        "20150830T123660Z",
        "+0150830T123600Z",
        "2015083 T123600Z",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = -7;
        print_message("  %s\n", bad[i]);
        assert_int_equal(sigv4_date_parse(bad[i], &ms), ERR_INVALID);
        assert_true(ms == -7);
    }
}

static void no_such_year(void **state)
{
    char text[17];

    (void)state;
    sigv4_date_format(253402300800000, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(both_ways), cmocka_unit_test(refused),
                                        cmocka_unit_test(no_such_year) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
