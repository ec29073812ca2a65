#include "world.h"

static void receive_denied_is_silent(void **state)
{
    struct world *w = *state;
    struct broker_stats st;
    JOIN(w, 0, "c");
    JOIN(w, 1, "s");
    send(w, 1, SUB1("t"));
    see(w, 1, SUBACK1);
    w->verdict[BROKER_RECEIVE] = BROKER_DENY;
    send(w, 0, PUB1("t", "\x01", "x") PUB0("t", "y"));
    see(w, 0, PUBACK("\x01"));
    see(w, 1, "");
    see_open(w, 1);
    broker_stats(w->b, &st);
    assert_int_equal(st.queued, 0);
    assert_int_equal(st.dropped, 2);
    w->verdict[BROKER_RECEIVE] = BROKER_LATER; /* not allowed there: counts as deny */
    send(w, 0, PUB0("t", "z"));
    see(w, 1, "");
    w->verdict[BROKER_RECEIVE] = BROKER_ALLOW;
    send(w, 0, PUB0("t", "!"));
    see(w, 1, PUB0("t", "!"));
}

static void lower_qos_wins_and_one_copy_each(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    JOIN(w, 1, "s");
    send(w, 1, "\x82\x0e\x00\x01\x00\x01#\x00\x00\x01+\x01\x00\x01t\x00");
    see(w, 1, "\x90\x05\x00\x01\x00\x01\x00");
    send(w, 0, PUB0("t", "a"));
    see(w, 1, PUB0("t", "a"));
    send(w, 0, PUB1("t", "\x01", "b"));
    see(w, 1, PUB1("t", "\x01", "b")); /* [MQTT-3.3.5-1] the highest of the three */
}

static void hash_does_not_match_the_parent(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, "\x82\x08\x00\x01\x00\x03t/#\x00");
    see(w, 0, SUBACK0);
    send(w, 0, PUB0("t", "x"));
    see(w, 0, "");
    CONFIGURE(w, broker_config_standard(cf));
    JOIN(w, 0, "c");
    send(w, 0, "\x82\x08\x00\x01\x00\x03t/#\x00");
    see(w, 0, SUBACK0);
    send(w, 0, PUB0("t", "x"));
    see(w, 0, PUB0("t", "x"));
}

static void window_to_the_client(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, cf->max_inflight_out = 2);
    JOIN(w, 0, "c");
    send(w, 0, SUB1("t"));
    see(w, 0, SUBACK1);
    JOIN(w, 1, "p");
    send(w, 1, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b") PUB1("t", "\x03", "c") PUB1("t", "\x04", "d"));
    see(w, 0, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b"));
    send(w, 0, PUBACK("\x09")); /* unknown: nothing happens */
    see(w, 0, "");
    send(w, 0, PUBACK("\x02"));
    see(w, 0, PUB1("t", "\x03", "c"));
    send(w, 0, PUBACK("\x01") PUBACK("\x03"));
    see(w, 0, PUB1("t", "\x04", "d"));
}

static void clients_receive_maximum(void **state)
{
    struct world *w = *state;
    join(w, 0,
         SLICE_LIT("\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x03\x21\x00\x01\x00\x01"
                   "c"));
    send(w, 0, "\x82\x07\x00\x01\x00\x00\x01t\x01");
    see(w, 0, "\x90\x04\x00\x01\x00\x01");
    JOIN(w, 1, "p");
    send(w, 1, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b"));
    see(w, 0,
        "\x32\x07\x00\x01t\x00\x01\x00"
        "a");
    send(w, 0, PUBACK("\x01"));
    see(w, 0,
        "\x32\x07\x00\x01t\x00\x02\x00"
        "b");
}

static void clients_maximum_packet_size(void **state)
{
    struct world *w = *state;
    join(w, 0,
         SLICE_LIT("\x10\x13\x00\x04MQTT\x05\x02\x00\x3c\x05\x27\x00\x00\x00\x1a\x00\x01"
                   "c")); /* 26 bytes: CONNACK fits */
    send(w, 0, "\x82\x07\x00\x01\x00\x00\x01t\x01");
    see(w, 0, "\x90\x04\x00\x01\x00\x01");
    JOIN(w, 1, "p");
    send(w, 1,
         "\x30\x17\x00\x01tabcdefghijklmnopqrst"
         "\x30\x18\x00\x01tabcdefghijklmnopqrstu"
         "\x32\x18\x00\x01t\x00\x01"
         "abcdefghijklmnopqrs" PUB0("t", "!"));
    see(w, 0,
        "\x30\x18\x00\x01t\x00"
        "abcdefghijklmnopqrst"
        "\x30\x05\x00\x01t\x00!"); /* 26 bytes go, 27 do not */
}

static void messages_expire(void **state)
{
    struct world *w = *state;
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    see(w, 0, SUBACK1);
    cut(w, 0);
    JOIN5(w, 1, "p");
    send(w, 1,
         "\x32\x0c\x00\x01t\x00\x01\x05\x02\x00\x00\x00\x0a"
         "a"
         "\x32\x0c\x00\x01t\x00\x02\x05\x02\x00\x00\x00\x3c"
         "b");
    see(w, 1, PUBACK("\x01") PUBACK("\x02"));
    pass(w, 20000);
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0,
         "\x10\x13\x00\x04MQTT\x05\x00\x00\x3c\x05\x11\x00\x00\x0e\x10\x00\x01"
         "k");
    turn(w);
    buf_drop(&w->c[0].in, w->c[0].in.n - 14);
    see(w, 0,
        "\x32\x0c\x00\x01t\x00\x02\x05\x02\x00\x00\x00\x28"
        "b"); /* 60 - 20 seconds left */
}

static void stored_messages_leave_slowly(void **state)
{
    struct world *w = *state;
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    see(w, 0, SUBACK1);
    cut(w, 0);
    JOIN(w, 1, "p");
    for (unsigned i = 0; i < 25; i++)
        send(w, 1, PUB1("t", "\x01", "x"));
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    /* join() cleared what came with CONNACK: ten messages */
    pass(w, 1000);
    assert_int_equal(w->c[0].in.n, 10 * 8);
    pass(w, 1000);
    assert_int_equal(w->c[0].in.n, 15 * 8);
}

static void queue_limits(void **state)
{
    struct world *w = *state;
    struct broker_stats st;
    CONFIGURE(w, cf->max_queued = 2);
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    cut(w, 0);
    JOIN(w, 1, "p");
    send(w, 1, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b") PUB1("t", "\x03", "c"));
    see(w, 1, PUBACK("\x01") PUBACK("\x02") PUBACK("\x03"));
    broker_stats(w->b, &st);
    assert_int_equal(st.queued, 2);
    assert_int_equal(st.dropped, 1);
}

static void shared_by_turns_and_only_whom_it_reaches(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 2; i++) {
        join(w, i, i ? SLICE_LIT(CONNECT("b")) : SLICE_LIT(CONNECT("a")));
        send(w, i, "\x82\x0f\x00\x01\x00\x0a$share/g/t\x00");
        see(w, i, SUBACK0);
    }
    JOIN(w, 2, "p");
    send(w, 2, PUB0("t", "1") PUB0("t", "2") PUB0("t", "3") PUB0("t", "4"));
    turn(w);
    assert_int_equal(w->c[0].in.n, 12);
    assert_int_equal(w->c[1].in.n, 12);
    buf_clear(&w->c[1].in);
    cut(w, 0);
    send(w, 2, PUB0("t", "5"));
    see(w, 1, PUB0("t", "5"));
}

/* ---- slow readers ---- */

static void flood(struct world *w, unsigned i, unsigned packets)
{
    static uint8_t p[60000 + 7] = "\x30\xe3\xd4\x03\x00\x01t"; /* 3 + 60000 */
    for (unsigned n = 0; n < packets; n++)
        send_slice(w, i, SLICE_ARRAY(p));
}

static void slow_reader_loses_then_goes(void **state)
{
    struct world *w = *state;
    struct broker_stats st;
    CONFIGURE(w, cf->bytes_per_s = 0);
    JOIN(w, 0, "s");
    send(w, 0, SUB0("t"));
    see(w, 0, SUBACK0);
    net_stream_pause(w->c[0].s);
    JOIN(w, 1, "p");
    flood(w, 1, 10); /* 256 KiB is the soft limit */
    broker_stats(w->b, &st);
    assert_int_equal(st.delivered, 5);
    assert_int_equal(st.dropped, 5);
    see_open(w, 1);
    /* Meanwhile what it says is not read: PINGREQ gets no answer into a full queue. */
    pass(w, 1);
    pass(w, 30000);
    assert_string_equal(w->event[w->n_events - 1], "+p");
    pass(w, 2);
    assert_event(w, "-s THROTTLED");
}

static void drained_reader_is_heard_again(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, cf->bytes_per_s = 0);
    JOIN(w, 0, "s");
    send(w, 0, SUB1("t"));
    see(w, 0, SUBACK1);
    net_stream_pause(w->c[0].s);
    JOIN(w, 1, "p");
    flood(w, 1, 10);
    send(w, 1, PUB1("t", "\x01", "q"));
    see(w, 1, PUBACK("\x01"));
    send(w, 0, "\xc0\x00");
    net_stream_resume(w->c[0].s);
    for (unsigned i = 0; i < 50; i++)
        turn(w);
    assert_true(w->c[0].in.n > 300000);
    buf_drop(&w->c[0].in, 5 * 60007);
    see(w, 0, PUB1("t", "\x01", "q") "\xd0\x00");
}

/* ---- callbacks that call back ---- */

static void publish_from_receive(struct world *w, const struct broker_question *q)
{
    if (slice_eq(q->topic, SLICE_LIT("t")))
        assert_int_equal(broker_publish(w->b, &(struct broker_message){ .topic = SLICE_LIT("u"),
                                                                        .payload = SLICE_LIT("+"),
                                                                        .qos = 1 }),
                         ERR_OK);
}

static void authority_that_publishes(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, "\x82\x06\x00\x01\x00\x01#\x01");
    see(w, 0, SUBACK1);
    w->on_receive = publish_from_receive;
    send(w, 0, PUB1("t", "\x01", "x"));
    see(w, 0, PUB1("t", "\x01", "x") PUB1("u", "\x02", "+") PUBACK("\x01"));
}

static void cut_from_receive(struct world *w, const struct broker_question *q)
{
    (void)broker_disconnect_client(w->b, q->client_id, BROKER_WHY_API, 0, false);
    (void)broker_disconnect_client(w->b, SLICE_LIT("p"), BROKER_WHY_API, 0, false);
}

static void authority_that_disconnects(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, SUB1("t"));
    JOIN(w, 1, "p");
    w->on_receive = cut_from_receive;
    send(w, 1, PUB1("t", "\x01", "x"));
    see_closed(w, 0);
    see_closed(w, 1);
    assert_int_equal(w->peers_freed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(receive_denied_is_silent),
        T(lower_qos_wins_and_one_copy_each),
        T(hash_does_not_match_the_parent),
        T(window_to_the_client),
        T(clients_receive_maximum),
        T(clients_maximum_packet_size),
        T(messages_expire),
        T(stored_messages_leave_slowly),
        T(queue_limits),
        T(shared_by_turns_and_only_whom_it_reaches),
        T(slow_reader_loses_then_goes),
        T(drained_reader_is_heard_again),
        T(authority_that_publishes),
        T(authority_that_disconnects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
