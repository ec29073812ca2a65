#include "../cm.h"
#include "base/clock.h"
#include "base/mem.h"

static const struct {
    int64_t ms;
    const char *full, *trimmed;
} cases[] = {
    { 0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z" },
    { 1611855827220, "2021-01-28T17:43:47.220Z", "2021-01-28T17:43:47.22Z" },
    { 1611855827200, "2021-01-28T17:43:47.200Z", "2021-01-28T17:43:47.2Z" },
    { 1611855827003, "2021-01-28T17:43:47.003Z", "2021-01-28T17:43:47.003Z" },
    { 951782400000, "2000-02-29T00:00:00.000Z", "2000-02-29T00:00:00Z" },
    { -1, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z" },
};

static void formats(void **state)
{
    char out[CLOCK_ISO_MAX];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        clock_iso(out, cases[i].ms);
        assert_string_equal(out, cases[i].full);
        clock_iso_trimmed(out, cases[i].ms);
        assert_string_equal(out, cases[i].trimmed);
    }
}

static void monotonic_does_not_go_back(void **state)
{
    int64_t a = clock_mono_us();
    assert_true(clock_mono_us() >= a);
    assert_true(clock_wall_ms() > 1600000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(formats),
                                        cmocka_unit_test(monotonic_does_not_go_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
