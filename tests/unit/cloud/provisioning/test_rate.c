/* How many certificates may be admitted: a burst, then so many a second (docs/spec/provisioning.md PV-37). */
#include "../../cm.h"
#include "cloud/provisioning/rate.h"

static int64_t taken(struct rate *r, int64_t now_ms, int64_t tries)
{
    int64_t n = 0;

    while (tries-- > 0)
        n += rate_take(r, now_ms);
    return n;
}

static void a_burst_then_the_rate(void **state)
{
    struct rate r = rate_of(100, 1000, 50);

    (void)state;
    assert_int_equal(taken(&r, 50, 5000), 1000);
    assert_int_equal(taken(&r, 59, 10), 0);
    assert_int_equal(taken(&r, 60, 10), 1);
    assert_int_equal(taken(&r, 1060, 5000), 100);
    assert_int_equal(taken(&r, 1060 + 3600000, 5000),
                     1000); /* no more than a burst, however long nobody came */
}

static void time_that_goes_backwards_brings_nothing(void **state)
{
    struct rate r = rate_of(100, 1, 1000);

    (void)state;
    assert_true(rate_take(&r, 1000));
    assert_false(rate_take(&r, 0));
    assert_false(rate_take(&r, 1009));
    assert_true(rate_take(&r, 1010));
    assert_true(rate_take(&r, INT64_MAX));
    assert_false(rate_take(&r, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(time_that_goes_backwards_brings_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
