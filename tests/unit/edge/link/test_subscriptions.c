/* What a connection asks for, and what it does not ask for again. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/link/subscriptions.h"

#include <string.h>

static void next_is(struct subscriptions *s, const char *want)
{
    const char *got = subscriptions_next(s);

    if (!want)
        assert_null(got);
    else
        assert_string_equal(got, want);
}

static void begin(struct subscriptions *s)
{
    static const char *const filters[] = { "a", "b", "c" };

    assert_int_equal(subscriptions_init(s, filters, ARRAY_LEN(filters)), ERR_OK);
    subscriptions_reset(s);
}

static void one_after_the_other(void **state)
{
    struct subscriptions s;
    (void)state;

    begin(&s);
    assert_null(subscriptions_ended(&s)); /* nothing was asked for */
    next_is(&s, "a");
    assert_string_equal(subscriptions_granted(&s), "a");
    next_is(&s, "b");
    assert_string_equal(subscriptions_refused(&s), "b");
    next_is(&s, "c");
    assert_string_equal(subscriptions_granted(&s), "c");
    next_is(&s, NULL);
    assert_true(subscriptions_any_refused(&s));
    assert_null(subscriptions_ended(&s)); /* all was answered: it ended over something else */
    subscriptions_retry(&s);
    next_is(&s, "b");
    assert_string_equal(subscriptions_granted(&s), "b");
    next_is(&s, NULL);
    assert_false(subscriptions_any_refused(&s));
    subscriptions_reset(&s);
    next_is(&s, "a");
    subscriptions_done(&s);
}

static void one_that_ends_connections(void **state)
{
    struct subscriptions s;
    (void)state;

    begin(&s);
    for (int i = 0; i < SUBSCRIPTIONS_CLOSES_MAX; i++) {
        next_is(&s, "a");
        assert_string_equal(subscriptions_ended(&s), "a");
        subscriptions_reset(&s);
    }
    next_is(&s, "b"); /* the others have their turn */
    (void)subscriptions_granted(&s);
    next_is(&s, "c");
    (void)subscriptions_granted(&s);
    next_is(&s, NULL);
    assert_true(subscriptions_any_refused(&s));
    subscriptions_retry(&s);
    next_is(&s, "a");
    (void)subscriptions_granted(&s); /* mended: it counts from the start */
    subscriptions_reset(&s);
    next_is(&s, "a");
    assert_string_equal(subscriptions_ended(&s), "a");
    subscriptions_reset(&s);
    next_is(&s, "a");
    subscriptions_done(&s);
}

static void without_any(void **state)
{
    struct subscriptions s;
    (void)state;

    assert_int_equal(subscriptions_init(&s, NULL, 0), ERR_OK);
    subscriptions_reset(&s);
    next_is(&s, NULL);
    assert_null(subscriptions_ended(&s));
    assert_false(subscriptions_any_refused(&s));
    subscriptions_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(one_that_ends_connections),
        cmocka_unit_test(without_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
