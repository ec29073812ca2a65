#include "../cm.h"
#include "broker/config.h"

static void limits_by_name(void **state)
{
    struct broker_config c;

    broker_config_aws(&c);
    assert_int_equal(broker_config_set(&c, NULL, NULL), ERR_OK);
    assert_int_equal(broker_config_set(&c, "max_payload=1000,keep_alive_max_s=65535,max_qos=0", NULL),
                     ERR_OK);
    assert_int_equal(c.max_payload, 1000);
    assert_int_equal(c.keep_alive_max_s, 65535);
    assert_int_equal(c.keep_alive_min_s, 30); /* its neighbour stays */
    assert_int_equal(c.max_qos, 0);
    assert_true(c.close_on_qos);
}

static void what_is_wrong_changes_nothing(void **state)
{
    static const char *const bad[] = { "",
                                       "max_payload",
                                       "max_payload=",
                                       "=1",
                                       "max_payload=-1",
                                       "max_payload=1x",
                                       "max_payload=99999999999999999999",
                                       "max_payload=2147483648",
                                       "max_inflight_in=65536",
                                       "max_inflight_in=0",
                                       "max_qos=3",
                                       "close_on_qos=1",
                                       "no_such=1",
                                       "max_topic=7," };
    struct broker_config c, before;
    struct slice told;

    broker_config_aws(&before);
    c = before;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(broker_config_set(&c, bad[i], &told), ERR_INVALID);
    assert_memory_equal(&c, &before, sizeof(c));
    assert_int_equal(broker_config_set(&c, "max_topic=9,max_tropic=8,max_slashes=1", &told), ERR_INVALID);
    assert_true(slice_eq(told, SLICE_LIT("max_tropic=8")));
    assert_memory_equal(&c, &before, sizeof(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_by_name),
        cmocka_unit_test(what_is_wrong_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
