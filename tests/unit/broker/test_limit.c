#include "broker/rate.h"
#include "world.h"

/* Rates: iot-core.md 1.5. What is over one waits for the next second. */

#define RETAIN0(t, m) "\x31\x04\x00\x01" t m
#define RETAIN0_EMPTY(t) "\x31\x03\x00\x01" t

static uint64_t throttled(const struct world *w, enum broker_limit l)
{
    struct broker_stats s;

    broker_stats(w->b, &s);
    return s.throttled[l];
}

static void rate_of_names(void **state)
{
    struct broker_rate r = { 0 };
    char name[16];

    assert_true(broker_rate_take(&r, SLICE_LIT("a"), 2));
    assert_true(broker_rate_take(&r, SLICE_LIT("a"), 2));
    assert_false(broker_rate_take(&r, SLICE_LIT("a"), 2));
    assert_true(broker_rate_take(&r, SLICE_LIT("b"), 2));
    assert_true(broker_rate_take(&r, SLICE_LIT("a"), 0)); /* no limit */
    broker_rate_clear(&r);
    assert_true(broker_rate_take(&r, SLICE_LIT("a"), 1));
    for (unsigned i = 1; i < RATE_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        assert_true(broker_rate_take(&r, slice_str(name), 1));
    }
    assert_false(broker_rate_take(&r, SLICE_LIT("one more"), 1)); /* memory is bounded */
    assert_int_equal(r.n, RATE_NAMES_MAX);
    broker_rate_clear(&r);
    assert_true(broker_rate_take(&r, SLICE_LIT("one more"), 1));
    broker_rate_clear(&r);
}

static void connects_of_a_client(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, cf->connects_per_client_s = 1);
    JOIN(w, 0, "a");
    JOIN(w, 1, "b"); /* each has its own */
    assert_int_equal(dial(w, 2), ERR_OK);
    send(w, 2, CONNECT("a"));
    assert_int_equal(dial(w, 3), ERR_OK);
    send(w, 3, CONNECT("a"));
    see(w, 2, "");
    see_open(w, 0);
    assert_event(w, "~ connects_per_client_s");
    assert_int_equal(throttled(w, BROKER_LIMIT_CLIENT_CONNECTS), 2);
    pass(w, 1000); /* in the order of their coming */
    see(w, 2, CONNACK);
    see_closed(w, 0);
    see(w, 3, "");
    pass(w, 1000);
    see(w, 3, CONNACK);
    see_closed(w, 2);
    see_open(w, 1);
}

static void connects_that_wait_are_forgotten(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, cf->connects_per_client_s = 1);
    JOIN(w, 0, "a");
    assert_int_equal(dial(w, 1), ERR_OK);
    send(w, 1, CONNECT("a"));
    cut(w, 1);
    pass(w, 1000);
    see_open(w, 0);
    w->verdict[0] = BROKER_LATER; /* counted once, though handled twice */
    assert_int_equal(dial(w, 2), ERR_OK);
    send(w, 2, CONNECT("c"));
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 2, CONNACK);
}

static void retained_of_a_topic(void **state)
{
    struct world *w = *state;
    struct broker_retained r;

    CONFIGURE(w, cf->retained_per_topic_s = 1);
    JOIN(w, 0, "a");
    send(w, 0, RETAIN0("t", "1") RETAIN0("u", "1") RETAIN0("t", "2") "\xc0\x00");
    see(w, 0, ""); /* PINGREQ stands behind what waits */
    assert_int_equal(broker_retained_find(w->b, SLICE_LIT("t"), &r), ERR_OK);
    assert_true(slice_eq(r.payload, SLICE_LIT("1")));
    assert_event(w, "~a retained_per_topic_s");
    assert_int_equal(throttled(w, BROKER_LIMIT_RETAINED), 1);
    pass(w, 1000);
    see(w, 0, "\xd0\x00");
    assert_int_equal(broker_retained_find(w->b, SLICE_LIT("t"), &r), ERR_OK);
    assert_true(slice_eq(r.payload, SLICE_LIT("2")));
    send(w, 0, RETAIN0_EMPTY("t") PUB0("t", "3") "\xc0\x00"); /* deleting, and without RETAIN */
    see(w, 0, "\xd0\x00");
    assert_int_equal(broker_retained_find(w->b, SLICE_LIT("t"), &r), ERR_NOT_FOUND);
}

static void publishes_of_all(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, cf->publishes_all_per_s = 3);
    JOIN(w, 0, "a");
    JOIN(w, 1, "b");
    JOIN(w, 2, "s");
    send(w, 2, SUB0("t"));
    see(w, 2, SUBACK0);
    send(w, 0, PUB0("t", "1") PUB0("t", "2"));
    send(w, 1, PUB0("t", "3") PUB0("t", "4"));
    see(w, 2, PUB0("t", "1") PUB0("t", "2") PUB0("t", "3"));
    assert_event(w, "~b publishes_all_per_s");
    assert_int_equal(
        broker_submit(w->b, &(struct broker_message){ .topic = SLICE_LIT("t"), .payload = SLICE_LIT("5") },
                      NULL, NULL),
        ERR_BUSY);
    assert_int_equal(throttled(w, BROKER_LIMIT_ALL_PUBLISHES), 2);
    pass(w, 1000);
    see(w, 2, PUB0("t", "4"));
}

static void deliveries_of_all(void **state)
{
    struct world *w = *state;
    struct broker_stats s;

    CONFIGURE(w, cf->deliveries_all_per_s = 2);
    JOIN(w, 0, "a");
    JOIN(w, 1, "s");
    JOIN(w, 2, "q");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    send(w, 2, SUB1("u"));
    see(w, 2, SUBACK1);
    send(w, 0, PUB0("t", "1") PUB0("t", "2") PUB0("t", "3") PUB1("u", "\x01", "4"));
    see(w, 1, PUB0("t", "1") PUB0("t", "2")); /* QoS 0 is left out */
    see(w, 2, "");                            /* QoS 1 waits */
    broker_stats(w->b, &s);
    assert_int_equal(s.drops[BROKER_DROP_RATE], 1);
    pass(w, 1000);
    see(w, 1, "");
    see(w, 2, PUB1("u", "\x01", "4"));
}

static void rates_of_a_connection_are_told(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, cf->publishes_per_s = 1; cf->bytes_per_s = 3);
    JOIN(w, 0, "a");
    send(w, 0, PUB0("t", "1") PUB0("t", "2"));
    assert_event(w, "~a publishes_per_s");
    assert_int_equal(throttled(w, BROKER_LIMIT_PUBLISHES), 1);
    JOIN(w, 1, "b");
    send(w, 1, "\x30\x06\x00\x01tabc" PUB0("t", "2"));
    assert_int_equal(throttled(w, BROKER_LIMIT_PUBLISHES), 2);
    CONFIGURE(w, cf->publishes_per_s = 0);
    JOIN(w, 1, "b");
    send(w, 1, "\x30\x06\x00\x01tabc" PUB0("t", "2"));
    assert_event(w, "~b bytes_per_s");
    assert_int_equal(throttled(w, BROKER_LIMIT_BYTES), 1);
    CONFIGURE(w, cf->connects_per_s = 1);
    JOIN(w, 0, "a");
    assert_int_equal(dial(w, 1), ERR_OK);
    send(w, 1, CONNECT("b"));
    assert_int_equal(throttled(w, BROKER_LIMIT_CONNECTS), 1);
}

static void standard_has_none(void **state)
{
    struct broker_config aws, standard;

    broker_config_aws(&aws);
    broker_config_standard(&standard);
    assert_int_equal(aws.connects_per_client_s, 1);
    assert_int_equal(aws.retained_per_topic_s, 1);
    assert_int_equal(aws.publishes_all_per_s, 20000);
    assert_int_equal(aws.deliveries_all_per_s, 20000);
    assert_int_equal(standard.connects_per_s + standard.connects_per_client_s + standard.publishes_per_s +
                         standard.bytes_per_s + standard.publishes_all_per_s + standard.deliveries_all_per_s +
                         standard.retained_per_topic_s,
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_of_names),
        T(connects_of_a_client),
        T(connects_that_wait_are_forgotten),
        T(retained_of_a_topic),
        T(publishes_of_all),
        T(deliveries_of_all),
        T(rates_of_a_connection_are_told),
        cmocka_unit_test(standard_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
