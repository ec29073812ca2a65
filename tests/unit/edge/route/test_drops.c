/* Every drop is counted; the log holds the first ones of each second and the number of the others. */
#include "../../cm.h"
#include "edge/route/drops.h"
#include "log.h"

static void each_reason_has_a_sentence(void **state)
{
    (void)state;
    for (int i = 0; i < DROPS; i++)
        assert_true(strlen(drop_str(i)) > 10);
    assert_string_equal(drop_str(DROP_NO_ROUTE), "Failed to get routes. Discarding message."); /* V1's */
}

static void a_flood_of_one_reason(void **state)
{
    struct drops d = { 0 };
    struct log_room l;
    (void)state;

    log_begin(&l, ELOG_INFO);
    for (int i = 0; i < 1000; i++)
        drops_note(&d, DROP_NO_FUNCTION, "a", "t", "f", 5000);
    drops_note(&d, DROP_QUEUE_FULL, "a", "t", "g", 5000); /* another reason is not left out */
    assert_int_equal(log_count(&l, drop_str(DROP_NO_FUNCTION)), DROPS_LINES);
    assert_int_equal(log_count(&l, "\"target\": \"g\""), 1);
    assert_int_equal(drops_tell(&d, 5400), DROPS_WINDOW_MS - 400);
    assert_int_equal(drops_tell(&d, 5000 + DROPS_WINDOW_MS), -1);
    assert_int_equal(log_count(&l, "{\"more\": 995, \"total\": 1000}"), 1);
    assert_int_equal(drops_tell(&d, 9000), -1);
    drops_note(&d, DROP_NO_FUNCTION, "a", "t", "f", 9000);
    assert_int_equal(log_count(&l, drop_str(DROP_NO_FUNCTION)), DROPS_LINES + 2);
    assert_int_equal(d.of[DROP_NO_FUNCTION].total, 1001);
    assert_int_equal(d.of[DROP_QUEUE_FULL].total, 1);
    log_end(&l);
}

static void a_message_nobody_wants_is_for_debug(void **state)
{
    struct drops d = { 0 };
    struct log_room l;
    (void)state;

    log_begin(&l, ELOG_INFO);
    drops_note(&d, DROP_NO_ROUTE, "a", "t", NULL, 5000);
    assert_int_equal(log_count(&l, "Failed to get routes"), 0);
    elog_configure(ELOG_DEBUG, 1024);
    drops_note(&d, DROP_NO_ROUTE, "a", "t", NULL, 5000);
    assert_int_equal(log_count(&l, "[DEBUG]-Failed to get routes. Discarding message."), 1);
    assert_int_equal(d.of[DROP_NO_ROUTE].total, 2);
    log_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_a_sentence),
        cmocka_unit_test(a_flood_of_one_reason),
        cmocka_unit_test(a_message_nobody_wants_is_for_debug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
