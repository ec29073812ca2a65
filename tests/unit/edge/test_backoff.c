/* Doubling, the cap, the jitter's range, the reset. */
#include "../cm.h"
#include "edge/backoff.h"

static void doubles_to_the_cap(void **state)
{
    static const int64_t whole[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000 };
    static const uint32_t randoms[] = { 0, 1u << 31, UINT32_MAX };

    (void)state;
    for (size_t r = 0; r < 3; r++) {
        struct backoff b = backoff_of(1000, 60000);
        for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
            int64_t w = backoff_next(&b, randoms[r]);
            assert_true(w >= whole[i] / 2);
            assert_true(w <= whole[i]);
            if (randoms[r] == 0)
                assert_int_equal(w, whole[i] / 2);
            if (randoms[r] == UINT32_MAX)
                assert_true(w >= whole[i] - 1);
        }
    }
}

static void reset_starts_again(void **state)
{
    struct backoff b = backoff_of(1000, 60000);

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_true(backoff_next(&b, 7) <= 60000);
    backoff_reset(&b);
    assert_true(backoff_next(&b, UINT32_MAX) <= 1000);
}

static void a_cap_below_the_base_is_the_base(void **state)
{
    struct backoff b = backoff_of(1000, 1);

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(backoff_next(&b, UINT32_MAX) <= 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_to_the_cap),
        cmocka_unit_test(reset_starts_again),
        cmocka_unit_test(a_cap_below_the_base_is_the_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
