#include "world.h"

/* ---- what survives ---- */

static void session_survives_a_restart(void **state)
{
    struct world *w = *state;
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    see(w, 0, SUBACK1);
    JOIN(w, 1, "p");
    send(w, 1, "\x33\x06\x00\x01r\x00\x01y");
    see(w, 1, PUBACK("\x01"));
    cut(w, 0);
    send(w, 1, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b"));
    see(w, 1, PUBACK("\x01") PUBACK("\x02"));
    restart(w);
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT_KEEP("k"));
    see(w, 0, CONNACK_PRESENT PUB1("t", "\x01", "a") PUB1("t", "\x02", "b"));
    send(w, 0, PUBACK("\x01") SUB1("r"));
    see(w, 0, SUBACK1 "\x33\x06\x00\x01r\x00\x03y");
    restart(w); /* while connected, with "b" and "y" not acknowledged */
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT_KEEP("k"));
    see(w, 0, CONNACK_PRESENT PUB1("t", "\x02", "b") "\x33\x06\x00\x01r\x00\x03y");
}

static void unacknowledged_is_sent_again(void **state)
{
    struct world *w = *state;
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    see(w, 0, SUBACK1);
    JOIN(w, 1, "p");
    send(w, 1, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b") PUB1("t", "\x03", "c"));
    see(w, 0, PUB1("t", "\x01", "a") PUB1("t", "\x02", "b") PUB1("t", "\x03", "c"));
    send(w, 0, PUBACK("\x02"));
    cut(w, 0);
    send(w, 1, PUB1("t", "\x04", "d"));
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, CONNECT_KEEP("k"));
    /* [MQTT-4.4.0-1]: DUP and the identifiers of before */
    see(w, 0,
        CONNACK_PRESENT "\x3a\x06\x00\x01t\x00\x01"
                        "a\x3a\x06\x00\x01t\x00\x03"
                        "c" PUB1("t", "\x04", "d"));
}

static void sessions_end(void **state)
{
    struct world *w = *state;
    struct broker_stats st;
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    cut(w, 0);
    pass(w, 3599 * 1000);
    broker_stats(w->b, &st);
    assert_int_equal(st.sessions, 1);
    pass(w, 1000);
    broker_stats(w->b, &st);
    assert_int_equal(st.sessions, 0);
    assert_int_equal(broker_memory_count(w->memory), 0);
    /* a clean CONNECT forgets, and a clean session leaves nothing */
    join(w, 0, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 0, SUB1("t"));
    JOIN(w, 1, "k");
    assert_int_equal(broker_memory_count(w->memory), 0);
    send(w, 1, DISCONNECT);
    see_closed(w, 1);
    broker_stats(w->b, &st);
    assert_int_equal(st.sessions + st.subscriptions + st.connections, 0);
}

static void version_5_ends_its_session_itself(void **state)
{
    struct world *w = *state;
    struct broker_stats st;
    join(w, 0,
         SLICE_LIT("\x10\x13\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x3c\x00\x01"
                   "c"));
    assert_int_equal(broker_memory_count(w->memory), 1);
    send(w, 0, "\xe0\x07\x00\x05\x11\x00\x00\x00\x00");
    broker_stats(w->b, &st);
    assert_int_equal(st.sessions, 0);
    assert_int_equal(broker_memory_count(w->memory), 0);
    JOIN5(w, 0, "c"); /* expiry 0: may not ask for more at the end (§3.14.2.2.2) */
    send(w, 0, "\xe0\x07\x00\x05\x11\x00\x00\x00\x3c");
    assert_event(w, "-c CLIENT_ERROR");
}

static void journal_that_cannot_be_read(void **state)
{
    struct world *w = *state;
    struct broker_journal j = broker_memory_journal(w->memory);
    struct broker *b = (struct broker *)w;
    const struct broker_record orphan = { .kind = BROKER_REC_SUBSCRIPTION,
                                          .client_id = SLICE_LIT("x"),
                                          .topic = SLICE_LIT("t") };
    assert_int_equal(j.write(j.ctx, &orphan, 1, 0), ERR_OK);
    assert_int_equal(broker_new(NULL, &w->o, &b), ERR_CORRUPT);
    assert_ptr_equal(b, w); /* untouched */
}

/* ---- deadlines ---- */

static void no_connect(void **state)
{
    struct world *w = *state;
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0, "\x10\x0d\x00"); /* begun, never ended */
    pass(w, 10000);
    see_open(w, 0);
    pass(w, 1);
    see_closed(w, 0);
    assert_event(w, "- CLIENT_ERROR");
}

static void keep_alive(void **state)
{
    struct world *w = *state;
    JOIN5(w, 0, "c"); /* 60 s */
    pass(w, 60000);
    send(w, 0, "\xc0\x00");
    pass(w, 90000);
    see(w, 0, "\xd0\x00");
    see_open(w, 0);
    pass(w, 1);
    see(w, 0, "\xe0\x01\x8d");
    see_closed(w, 0);
    assert_event(w, "-c MQTT_KEEP_ALIVE_TIMEOUT");
}

static void keep_alive_is_brought_into_range(void **state)
{
    static const struct {
        const char *what;
        struct slice connect;
        int64_t seconds;
    } t[] = {
        { "1 s becomes 30",
          SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x01\x00\x01"
                    "c"),
          45 },
        { "0 becomes 1200",
          SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01"
                    "c"),
          1800 },
        { "65535 becomes 1200",
          SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\xff\xff\x00\x01"
                    "c"),
          1800 },
        { "600 stays",
          SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x02\x58\x00\x01"
                    "c"),
          900 },
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        print_message("  %s\n", t[i].what);
        join(w, 0, t[i].connect);
        pass(w, t[i].seconds * 1000);
        see_open(w, 0);
        pass(w, 1);
        see_closed(w, 0);
    }
}

static void keep_alive_0_in_the_standard_profile(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, broker_config_standard(cf));
    join(w, 0,
         SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01"
                   "c"));
    pass(w, INT64_C(86400000));
    see_open(w, 0);
}

/* ---- Wills ---- */

#define WILL(id) "\x10\x13\x00\x04MQTT\x04\x06\x00\x3c\x00\x01" id "\x00\x01t\x00\x01m"

static void wills(void **state)
{
    static const struct {
        const char *what;
        struct slice last;
        bool cut, sent;
    } t[] = {
        { "lost", SLICE_LIT(""), true, true },
        { "goodbye", SLICE_LIT(DISCONNECT), false, false }, /* [MQTT-3.1.2-10] */
        { "protocol error", SLICE_LIT("\xf0\x00"), false, true },
    };
    struct world *w = *state;
    JOIN(w, 1, "s");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        print_message("  %s\n", t[i].what);
        join(w, 0, SLICE_LIT(WILL("c")));
        send_slice(w, 0, t[i].last);
        if (t[i].cut)
            cut(w, 0);
        see_slice(w, 1, t[i].sent ? SLICE_LIT(PUB0("t", "m")) : SLICE_LIT(""), __FILE__, __LINE__);
    }
    join(w, 0, SLICE_LIT(WILL("c")));
    join(w, 2, SLICE_LIT(WILL("c"))); /* takeover: the old one's Will */
    see(w, 1, PUB0("t", "m"));
    assert_int_equal(broker_disconnect_client(w->b, SLICE_LIT("c"), BROKER_WHY_API, 0x98, false), 1);
    see(w, 1, "");
    assert_event(w, "-c API_INITIATED_DISCONNECT");
    join(w, 0, SLICE_LIT(WILL("c")));
    assert_int_equal(broker_disconnect_client(w->b, SLICE_LIT("c"), BROKER_WHY_API, 0x98, true), 1);
    see(w, 1, PUB0("t", "m"));
}

#define WILL5(expiry, delay)                                                               \
    SLICE_LIT("\x10\x1f\x00\x04MQTT\x05\x04\x00\x3c\x05\x11\x00\x00\x00" expiry "\x00\x01" \
              "c\x05\x18\x00\x00\x00" delay "\x00\x01t\x00\x01m")

static void delayed_wills(void **state)
{
    struct world *w = *state;
    JOIN(w, 1, "s");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    join(w, 0, WILL5("\x3c", "\x0a"));
    send(w, 0, "\xe0\x01\x04"); /* DISCONNECT with Will Message */
    see(w, 1, "");
    pass(w, 9999);
    see(w, 1, "");
    pass(w, 1);
    see(w, 1, PUB0("t", "m"));
    join(w, 0, WILL5("\x3c", "\x0a"));
    cut(w, 0);
    join(w, 0, WILL5("\x3c", "\x0a")); /* back in time: none */
    pass(w, 20000);
    see(w, 1, "");
    cut(w, 0);
    JOIN5(w, 2, "c"); /* a clean start ends the session, and with it the delay (§3.1.3.2.2) */
    see(w, 1, PUB0("t", "m"));
    send(w, 2, "\xe0\x00");
    join(w, 0, WILL5("\x05", "\x0a")); /* the session ends first */
    cut(w, 0);
    pass(w, 5000);
    see(w, 1, PUB0("t", "m"));
}

/* ---- disconnecting from outside ---- */

static bool is_b(void *ctx, void *user, struct slice id)
{
    return slice_eq(id, SLICE_LIT("b"));
}

static void revoked(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "a");
    JOIN5(w, 1, "b");
    JOIN5(w, 2, "c");
    assert_int_equal(broker_disconnect_principal(w->b, SLICE_LIT("other"), BROKER_WHY_AUTH, 0x98), 0);
    assert_int_equal(broker_disconnect_if(w->b, is_b, NULL, BROKER_WHY_AUTH, 0x87), 1);
    see(w, 1, "\xe0\x01\x87");
    see_closed(w, 1);
    assert_true(broker_is_connected(w->b, SLICE_LIT("a")));
    assert_int_equal(broker_disconnect_principal(w->b, SLICE_LIT("cert"), BROKER_WHY_AUTH, 0x98), 2);
    see(w, 0, ""); /* 3.1.1 has no words for it */
    see(w, 2, "\xe0\x01\x98");
    see_closed(w, 0);
    assert_false(broker_is_connected(w->b, SLICE_LIT("a")));
    assert_int_equal(w->peers_freed, 3);
}

static void shutting_down(void **state)
{
    struct world *w = *state;
    JOIN5(w, 0, "a");
    broker_free(w->b);
    see(w, 0, "\xe0\x01\x8b");
    see_closed(w, 0);
    start(w);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(broker_why_str(BROKER_WHY_TAKEOVER), "DUPLICATE_CLIENTID");
    assert_string_equal(broker_why_str(99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(session_survives_a_restart),
        T(unacknowledged_is_sent_again),
        T(sessions_end),
        T(version_5_ends_its_session_itself),
        T(journal_that_cannot_be_read),
        T(no_connect),
        T(keep_alive),
        T(keep_alive_is_brought_into_range),
        T(keep_alive_0_in_the_standard_profile),
        T(wills),
        T(delayed_wills),
        T(revoked),
        T(shutting_down),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
