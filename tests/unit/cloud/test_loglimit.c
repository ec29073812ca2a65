/* So many lines in a window, and the rest is told in a number. */
#include "../cm.h"

#include "cloud/loglimit.h"
#include "cloud/metrics.h"

static void the_rest_is_counted_and_told(void **state)
{
    struct loglimit l = { 0 };
    char note[LOGLIMIT_NOTE_MAX] = "untouched";
    uint64_t before = metric_value(METRIC_LOG_SUPPRESSED);
    int64_t now_ms = 1000;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(loglimit_pass(&l, 3, now_ms, note));
        assert_string_equal(note, "");
    }
    for (int i = 0; i < 5; i++)
        assert_false(loglimit_pass(&l, 3, now_ms + LOGLIMIT_WINDOW_MS - 1, note));
    assert_true(loglimit_pass(&l, 3, now_ms + LOGLIMIT_WINDOW_MS, note));
    assert_string_equal(note, " (5 lines like this one were left out before it)");
    assert_true(loglimit_pass(&l, 3, now_ms + LOGLIMIT_WINDOW_MS, note));
    assert_string_equal(note, "");
    assert_int_equal(metric_value(METRIC_LOG_SUPPRESSED) - before, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_rest_is_counted_and_told) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
