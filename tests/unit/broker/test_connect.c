#include "world.h"

/* Refusals: what goes in, what comes back, why. V4 with the AWS profile is silent on authorization
 * (iot-core.md 3.6). */
static const struct {
    const char *what;
    struct slice in, out;
    enum broker_verdict verdict;
    const char *event;
} refusals[] = {
    { "3.1.1 denied", SLICE_LIT(CONNECT("c")), SLICE_LIT(""), BROKER_DENY, "- AUTH_ERROR" },
    { "5 denied", SLICE_LIT(CONNECT5("c")), SLICE_LIT("\x20\x03\x00\x87\x00"), BROKER_DENY, "- AUTH_ERROR" },
    { "3.1.1 denied and closed", SLICE_LIT(CONNECT("c")), SLICE_LIT(""), BROKER_DENY_CLOSE, "- AUTH_ERROR" },
    { "level 6",
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x06\x02\x00\x3c\x00\x01"
                "c"),
      SLICE_LIT("\x20\x02\x00\x01"), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "empty id, session to keep", SLICE_LIT("\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00"),
      SLICE_LIT("\x20\x02\x00\x02"), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "id with $", SLICE_LIT(CONNECT("$")), SLICE_LIT("\x20\x02\x00\x02"), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "5: id with $", SLICE_LIT(CONNECT5("$")), SLICE_LIT("\x20\x03\x00\x85\x00"), BROKER_ALLOW,
      "- CLIENT_ERROR" },
    { "5: enhanced authentication",
      SLICE_LIT("\x10\x12\x00\x04MQTT\x05\x02\x00\x3c\x04\x15\x00\x01x\x00\x01"
                "c"),
      SLICE_LIT("\x20\x03\x00\x8c\x00"), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "5: will with QoS 2",
      SLICE_LIT("\x10\x15\x00\x04MQTT\x05\x16\x00\x3c\x00\x00\x01"
                "c\x00\x00\x01t\x00\x01m"),
      SLICE_LIT("\x20\x03\x00\x9b\x00"), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "5: will on a reserved topic",
      SLICE_LIT("\x10\x19\x00\x04MQTT\x05\x06\x00\x3c\x00\x00\x01"
                "c\x00\x00\x05$aws/\x00\x01m"),
      SLICE_LIT("\x20\x03\x00\x90\x00"), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "malformed",
      SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01"
                "c"),
      SLICE_LIT(""), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "another packet first", SLICE_LIT("\xc0\x00"), SLICE_LIT(""), BROKER_ALLOW, "- CLIENT_ERROR" },
    { "no MQTT at all", SLICE_LIT("G"), SLICE_LIT(""), BROKER_ALLOW, "- CLIENT_ERROR" },
};

static void refused(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        print_message("  %s\n", refusals[i].what);
        w->verdict[BROKER_CONNECT] = refusals[i].verdict;
        assert_int_equal(dial(w, 0), ERR_OK);
        send_slice(w, 0, refusals[i].in);
        see_slice(w, 0, refusals[i].out, __FILE__, __LINE__);
        see_closed(w, 0);
        assert_event(w, refusals[i].event);
        assert_int_equal(w->peers_freed, i + 1);
    }
}

static void standard_profile_says_5(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, broker_config_standard(cf));
    w->verdict[BROKER_CONNECT] = BROKER_DENY;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT("c"));
    see(w, 0, "\x20\x02\x00\x05");
    see_closed(w, 0);
}

static void every_prefix_waits(void **state)
{
    struct world *w = *state;
    struct slice whole = SLICE_LIT(CONNECT("c"));
    assert_int_equal(dial(w, 0), ERR_OK);
    for (size_t i = 0; i < whole.n; i++) {
        see(w, 0, "");
        send_slice(w, 0, slice_of(whole.p + i, 1));
    }
    see(w, 0, CONNACK);
    assert_event(w, "+c");
}

static void version_5_is_told_the_limits(void **state)
{
    struct world *w = *state;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT5("c"));
    see(w, 0, CONNACK5);
    /* keep-alive 0 becomes the maximum, a session of a day becomes an hour: both are told */
    assert_int_equal(dial(w, 1), ERR_OK);
    send(w, 1,
         "\x10\x13\x00\x04MQTT\x05\x02\x00\x00\x05\x11\x00\x01\x51\x80\x00\x01"
         "d");
    see(w, 1, "\x20\x20\x00\x00\x1d\x11\x00\x00\x0e\x10\x13\x04\xb0" CONNACK5_PROPS);
}

static void second_connect_ends_it(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, CONNECT("c"));
    see(w, 0, "");
    see_closed(w, 0);
    assert_event(w, "-c CLIENT_ERROR");
}

static void new_connection_wins(void **state)
{
    struct world *w = *state;
    JOIN5(w, 0, "c");
    JOIN(w, 1, "c");
    see(w, 0, "\xe0\x01\x8e");
    see_closed(w, 0);
    send(w, 1, "\xc0\x00");
    see(w, 1, "\xd0\x00");
    assert_string_equal(w->event[1], "-c DUPLICATE_CLIENTID");
    assert_string_equal(w->event[2], "+c");
}

/* Revoked or allowed only after a while: nothing is read meanwhile, nothing is lost. */
static void answer_comes_later(void **state)
{
    struct world *w = *state;
    w->verdict[BROKER_CONNECT] = BROKER_LATER;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT("c") "\xc0\x00");
    see(w, 0, "");
    broker_answer(w->b, w->ticket + 1, BROKER_DENY); /* another's */
    see(w, 0, "");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, CONNACK "\xd0\x00");
    broker_answer(w->b, w->ticket, BROKER_DENY); /* too late */
    see_open(w, 0);
    assert_int_equal(w->n_asked, 1);
}

static void answer_for_nobody(void **state)
{
    struct world *w = *state;
    w->verdict[BROKER_CONNECT] = BROKER_LATER;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT("c"));
    pass(w, 30001); /* answer_timeout_s; a paused stream does not see its peer go */
    see_closed(w, 0);
    assert_event(w, "- SERVER_ERROR");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    turn(w);
    assert_event(w, "- SERVER_ERROR");
}

static void will_topic_is_asked_for(void **state)
{
    struct world *w = *state;
    w->verdict[BROKER_PUBLISH] = BROKER_DENY;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0,
         "\x10\x13\x00\x04MQTT\x04\x26\x00\x3c\x00\x01"
         "c\x00\x01t\x00\x01m");
    see_closed(w, 0);
    assert_asked(w, 0, "CONNECT c");
    assert_asked(w, 1, "PUBLISH t retain");
}

static void two_late_answers_for_one_connect(void **state)
{
    struct world *w = *state;
    w->verdict[BROKER_CONNECT] = w->verdict[BROKER_PUBLISH] = BROKER_LATER;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0,
         "\x10\x13\x00\x04MQTT\x04\x06\x00\x3c\x00\x01"
         "c\x00\x01t\x00\x01m");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, "");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, CONNACK);
    assert_int_equal(w->n_asked, 2); /* each once */
}

static void limits_on_connections_and_sessions(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, (cf->max_connections = 2, cf->max_sessions = 1));
    JOIN(w, 0, "a");
    assert_int_equal(dial(w, 1), ERR_OK);
    assert_int_equal(dial(w, 2), ERR_BUSY);
    assert_int_equal(w->peers_freed, 1);
    send(w, 1, CONNECT("b"));
    see(w, 1, "\x20\x02\x00\x03");
    see_closed(w, 1);
}

static void client_id_at_its_limit(void **state)
{
    struct world *w = *state;
    for (size_t n = 128; n <= 129; n++) {
        autobuf p = BUF_INIT(300);
        assert_int_equal(buf_add(&p, SLICE_LIT("\x10\x8c\x01\x00\x04MQTT\x04\x02\x00\x3c\x00")), ERR_OK);
        p.p[1] = (uint8_t)(0x80 | ((12 + n) & 0x7f));
        assert_int_equal(buf_add_u8(&p, (uint8_t)n), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf_add_u8(&p, 'x'), ERR_OK);
        assert_int_equal(dial(w, 0), ERR_OK);
        send_slice(w, 0, buf_slice(&p));
        see_slice(w, 0, n == 128 ? SLICE_LIT(CONNACK) : SLICE_LIT("\x20\x02\x00\x02"), __FILE__, __LINE__);
    }
}

static void empty_id_gets_one(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    assert_int_equal(dial(w, 1), ERR_OK);
    send(w, 1, "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00");
    see(w, 1, CONNACK);
    assert_memory_equal(w->event[w->n_events - 1], "+auto-", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(refused),
        T(standard_profile_says_5),
        T(every_prefix_waits),
        T(version_5_is_told_the_limits),
        T(second_connect_ends_it),
        T(new_connection_wins),
        T(answer_comes_later),
        T(answer_for_nobody),
        T(will_topic_is_asked_for),
        T(two_late_answers_for_one_connect),
        T(limits_on_connections_and_sessions),
        T(client_id_at_its_limit),
        T(empty_id_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
