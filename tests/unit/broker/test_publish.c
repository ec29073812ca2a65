#include "world.h"

/* iot-core.md 3.6: effect of a denied PUBLISH. */
static const struct {
    const char *what;
    bool v5;
    enum broker_verdict verdict;
    struct slice in, out;
    bool closed;
} denials[] = {
    { "3.1.1 QoS 0", false, BROKER_DENY, SLICE_LIT(PUB0("t", "x")), SLICE_LIT(""), true },
    { "3.1.1 QoS 1", false, BROKER_DENY, SLICE_LIT(PUB1("t", "\x07", "x")), SLICE_LIT(""), true },
    { "5 QoS 0", true, BROKER_DENY, SLICE_LIT("\x30\x05\x00\x01t\x00x"), SLICE_LIT("\xe0\x01\x87"), true },
    { "5 QoS 1", true, BROKER_DENY, SLICE_LIT("\x32\x07\x00\x01t\x00\x07\x00x"),
      SLICE_LIT("\x40\x03\x00\x07\x87"), false },
    { "5 QoS 1, close", true, BROKER_DENY_CLOSE, SLICE_LIT("\x32\x07\x00\x01t\x00\x07\x00x"),
      SLICE_LIT("\xe0\x01\x87"), true },
};

static void denied(void **state)
{
    struct world *w = *state;
    JOIN(w, 1, "s");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    for (size_t i = 0; i < ARRAY_LEN(denials); i++) {
        print_message("  %s\n", denials[i].what);
        w->verdict[BROKER_PUBLISH] = BROKER_ALLOW;
        join(w, 0, denials[i].v5 ? SLICE_LIT(CONNECT5("c")) : SLICE_LIT(CONNECT("c")));
        w->verdict[BROKER_PUBLISH] = denials[i].verdict;
        send_slice(w, 0, denials[i].in);
        see_slice(w, 0, denials[i].out, __FILE__, __LINE__);
        assert_int_equal(w->c[0].closed, denials[i].closed);
        see(w, 1, ""); /* nobody gets it */
        if (denials[i].closed)
            assert_event(w, "-c AUTH_ERROR");
    }
}

/* Promise 5: asked again for every packet. */
static void asked_every_time(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, PUB1("t", "\x01", "x") PUB1("t", "\x02", "x"));
    see(w, 0, PUBACK("\x01") PUBACK("\x02"));
    assert_int_equal(w->n_asked, 2);
    w->verdict[BROKER_PUBLISH] = BROKER_DENY;
    send(w, 0, PUB1("t", "\x03", "x"));
    see_closed(w, 0);
}

static void order_is_kept_while_an_answer_is_awaited(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    JOIN(w, 1, "s");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    w->verdict[BROKER_PUBLISH] = BROKER_LATER;
    send(w, 0, PUB1("t", "\x01", "1") PUB1("t", "\x02", "2"));
    assert_int_equal(w->n_asked, 2); /* SUBSCRIBE, and the first PUBLISH; the second packet waits unread */
    w->verdict[BROKER_PUBLISH] = BROKER_ALLOW;
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 1, PUB0("t", "1") PUB0("t", "2"));
    see(w, 0, PUBACK("\x01") PUBACK("\x02"));
}

static const struct {
    const char *what;
    struct slice in;
    uint8_t reason;
} bad[] = {
    { "QoS 2", SLICE_LIT("\x34\x07\x00\x01t\x00\x07\x00x"), 0x9b },
    { "topic with 8 slashes",
      SLICE_LIT("\x30\x14\x00\x11"
                "0/1/2/3/4/5/6/7/8\x00"),
      0x90 },
    { "unknown reserved topic", SLICE_LIT("\x30\x09\x00\x06$aws/x\x00"), 0x90 },
    { "RETAIN on a $ topic", SLICE_LIT("\x31\x06\x00\x02$t\x00x"), 0x9a },
    { "unknown alias", SLICE_LIT("\x30\x06\x00\x00\x03\x23\x00\x01"), 0x94 },
    { "alias over the maximum", SLICE_LIT("\x30\x07\x00\x01t\x03\x23\x00\x09"), 0x94 },
    { "malformed", SLICE_LIT("\x36\x07\x00\x01t\x00\x07\x00x"), 0x81 },
    { "CONNACK from a client", SLICE_LIT("\x20\x03\x00\x00\x00"), 0x82 },
    { "AUTH", SLICE_LIT("\xf0\x00"), 0x82 },
    { "a packet over the maximum", SLICE_LIT("\x30\xfe\x8f\x09"), 0x95 },
};

static void refused_with_a_reason(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const uint8_t want[] = { 0xe0, 0x01, bad[i].reason };
        print_message("  %s\n", bad[i].what);
        JOIN5(w, 0, "c");
        send_slice(w, 0, bad[i].in);
        see_slice(w, 0, SLICE_ARRAY(want), __FILE__, __LINE__);
        see_closed(w, 0);
        assert_event(w, "-c CLIENT_ERROR");
    }
}

static void payload_at_its_limit(void **state)
{
    struct world *w = *state;
    for (size_t n = 131072; n <= 131073; n++) {
        autobuf p = BUF_INIT(200000);
        size_t len = n + 3;
        JOIN(w, 0, "c");
        assert_int_equal(buf_add_u8(&p, 0x30), ERR_OK);
        assert_int_equal(buf_add_u8(&p, (uint8_t)((len & 127) | 128)), ERR_OK);
        assert_int_equal(buf_add_u8(&p, (uint8_t)((len >> 7 & 127) | 128)), ERR_OK);
        assert_int_equal(buf_add_u8(&p, (uint8_t)(len >> 14)), ERR_OK);
        assert_int_equal(buf_add(&p, SLICE_LIT("\x00\x01t")), ERR_OK);
        assert_int_equal(buf_reserve(&p, n), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf_add_u8(&p, 'x'), ERR_OK);
        send_slice(w, 0, buf_slice(&p));
        turn(w);
        assert_int_equal(w->c[0].closed, n > 131072);
    }
}

static void aliases(void **state)
{
    struct world *w = *state;
    JOIN5(w, 0, "c");
    JOIN(w, 1, "s");
    send(w, 1, "\x82\x06\x00\x01\x00\x01#\x00");
    see(w, 1, SUBACK0);
    send(w, 0,
         "\x30\x08\x00\x01t\x03\x23\x00\x08"
         "1"
         "\x30\x07\x00\x00\x03\x23\x00\x08"
         "2"
         "\x30\x08\x00\x01u\x03\x23\x00\x08"
         "3"
         "\x30\x07\x00\x00\x03\x23\x00\x08"
         "4");
    see(w, 1, PUB0("t", "1") PUB0("t", "2") PUB0("u", "3") PUB0("u", "4"));
}

/* ---- acknowledgements and the journal ---- */

static void keeper_leaves(struct world *w)
{
    join(w, 5, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 5, SUB1("t"));
    see(w, 5, SUBACK1);
    cut(w, 5);
}

/* Promise 1. */
static void puback_waits_for_the_journal(void **state)
{
    struct world *w = *state;
    uint64_t first;
    keeper_leaves(w);
    JOIN(w, 0, "c");
    w->journal_says = ERR_MORE;
    send(w, 0, PUB1("t", "\x01", "x"));
    first = w->journal_ticket;
    send(w, 0, PUB1("t", "\x02", "x"));
    see(w, 0, "");
    broker_journal_done(w->b, w->journal_ticket,
                        ERR_OK); /* the second is durable: it still waits for the first [MQTT-4.6.0-2] */
    see(w, 0, "");
    broker_journal_done(w->b, first, ERR_OK);
    see(w, 0, PUBACK("\x01") PUBACK("\x02"));
    send(w, 0, PUB1("u", "\x03", "x")); /* nobody keeps it: nothing to write */
    see(w, 0, PUBACK("\x03"));
}

static void no_puback_when_the_journal_fails(void **state)
{
    struct world *w = *state;
    struct broker_stats st;
    keeper_leaves(w);
    JOIN(w, 0, "c");
    w->journal_says = ERR_NO_SPACE;
    send(w, 0, PUB1("t", "\x01", "x"));
    see(w, 0, "");
    see_closed(w, 0);
    assert_event(w, "-c SERVER_ERROR");
    broker_stats(w->b, &st);
    assert_int_equal(st.queued, 0); /* nobody got it */
    w->journal_says = ERR_MORE;
    JOIN5(w, 0, "c");
    send(w, 0, "\x32\x07\x00\x01t\x00\x01\x00x");
    broker_journal_done(w->b, w->journal_ticket, ERR_IO);
    see(w, 0, "\xe0\x01\x80");
    see_closed(w, 0);
}

static void a_journal_that_never_answers(void **state)
{
    struct world *w = *state;
    keeper_leaves(w);
    JOIN(w, 0, "c");
    w->journal_says = ERR_MORE;
    send(w, 0, PUB1("t", "\x01", "x"));
    pass(w, 30000);
    see_open(w, 0);
    pass(w, 1);
    see_closed(w, 0);
    broker_journal_done(w->b, w->journal_ticket, ERR_OK); /* nobody there any more */
}

/* No more than the receive maximum is held; the rest stays on the wire. */
static void unacknowledged_publishes_are_bounded(void **state)
{
    struct world *w = *state;
    uint64_t first;
    CONFIGURE(w, cf->max_inflight_in = 2);
    keeper_leaves(w);
    JOIN(w, 0, "c");
    w->journal_says = ERR_MORE;
    send(w, 0, PUB1("t", "\x01", "x"));
    first = w->journal_ticket;
    send(w, 0, PUB1("t", "\x02", "x") PUB1("t", "\x03", "x"));
    assert_int_equal(w->n_asked, 2);
    broker_journal_done(w->b, first, ERR_OK);
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    see(w, 0, PUBACK("\x01") PUBACK("\x02"));
    assert_int_equal(w->n_asked, 3);
}

/* ---- interceptors ---- */

static char seen[128];
static err_t intercept_says;

static err_t intercept(void *ctx, const struct broker_message *m, uint64_t ticket)
{
    struct world *w = ctx;
    snprintf(seen, sizeof(seen), "%.*s %.*s %.*s %.*s", SLICE_FMT(m->client_id), SLICE_FMT(m->principal),
             SLICE_FMT(m->topic), SLICE_FMT(m->payload));
    w->ticket = ticket;
    assert_ptr_equal(m->user, w);
    return intercept_says;
}

static void intercepted(void **state)
{
    struct world *w = *state;
    assert_int_equal(broker_intercept(w->b, "$aws/+/#/x", 0, intercept, w), ERR_INVALID);
    assert_int_equal(broker_intercept(w->b, "$aws/r", BROKER_INTERCEPT_CONSUME, intercept, w), ERR_OK);
    assert_int_equal(broker_intercept(w->b, "$aws/+", BROKER_INTERCEPT_COPY, intercept, w), ERR_OK);
    JOIN(w, 0, "c");
    JOIN(w, 1, "s");
    send(w, 1, "\x82\x0b\x00\x01\x00\x06$aws/+\x00");
    see(w, 1, SUBACK0);
    intercept_says = ERR_MORE;
    send(w, 0, "\x32\x0b\x00\x06$aws/x\x00\x05m");
    assert_string_equal(seen, "c cert $aws/x m");
    see(w, 1, "\x30\x09\x00\x06$aws/xm"); /* subscribers get a copy */
    see(w, 0, "");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, PUBACK("\x05"));
    intercept_says = ERR_OK;
    send(w, 0, "\x32\x0b\x00\x06$aws/r\x00\x06m");
    see(w, 0, PUBACK("\x06"));
    see(w, 1, ""); /* consumed */
    seen[0] = '\0';
    assert_int_equal(broker_publish(w->b, &(struct broker_message){ .topic = SLICE_LIT("$aws/x") }), ERR_OK);
    assert_string_equal(seen, ""); /* the service's own messages pass */
    see(w, 1, "\x30\x08\x00\x06$aws/x");
    intercept_says = ERR_MORE;
    send(w, 0, "\x32\x0b\x00\x06$aws/x\x00\x07m");
    broker_answer(w->b, w->ticket, BROKER_DENY);
    see_closed(w, 0);
    JOIN(w, 0, "c");
    intercept_says = ERR_INVALID;
    send(w, 0, "\x30\x09\x00\x06$aws/xm");
    see_closed(w, 0);
}

/* Or one client could fill the interceptor's queue, for nobody would wait for its answers. */
static void intercepted_without_acknowledgement(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, cf->max_inflight_in = 2);
    assert_int_equal(broker_intercept(w->b, "$aws/+", BROKER_INTERCEPT_COPY, intercept, w), ERR_OK);
    JOIN(w, 0, "c");
    intercept_says = ERR_MORE;
    send(w, 0, "\x30\x09\x00\x06$aws/x1");
    uint64_t first = w->ticket;
    send(w, 0, "\x30\x09\x00\x06$aws/x2");
    assert_string_equal(seen, "c cert $aws/x 2");
    uint64_t second = w->ticket;
    send(w, 0,
         "\x30\x09\x00\x06$aws/x3"
         "\x32\x0b\x00\x06$aws/x\x00\x07"
         "4");
    assert_string_equal(seen, "c cert $aws/x 2"); /* the third waits */
    broker_answer(w->b, first, BROKER_ALLOW);
    see(w, 0, "");
    assert_string_equal(seen, "c cert $aws/x 3");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    broker_answer(w->b, second, BROKER_ALLOW);
    see(w, 0, "");
    assert_string_equal(seen, "c cert $aws/x 4");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, PUBACK("\x07"));
}

/* An answer goes to who asked, and not to who has his client id now. */
static void replies_go_to_the_connection(void **state)
{
    struct world *w = *state;
    const struct broker_message m = {
        .topic = SLICE_LIT("$aws/x/ok"), .payload = SLICE_LIT("key"), .qos = 1, .secret = true
    };

    assert_int_equal(broker_intercept(w->b, "$aws/x", BROKER_INTERCEPT_CONSUME, intercept, w), ERR_OK);
    JOIN(w, 0, "c");
    JOIN(w, 1, "s");
    send(w, 1, "\x82\x10\x00\x01\x00\x0b$aws/x/ok/#\x00");
    see(w, 1, SUBACK0);
    intercept_says = ERR_MORE;
    send(w, 0, "\x32\x0b\x00\x06$aws/x\x00\x05m");
    assert_int_equal(broker_reply(w->b, w->ticket, &m), ERR_OK);
    see(w, 0, "\x30\x0e\x00\x09$aws/x/okkey"); /* QoS 0, without a subscription */
    see(w, 1, "");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, PUBACK("\x05"));
    send(w, 0, "\x32\x0b\x00\x06$aws/x\x00\x06m");
    JOIN(w, 2, "c");
    see_closed(w, 0);
    assert_int_equal(broker_reply(w->b, w->ticket, &m), ERR_NOT_FOUND);
    see(w, 2, "");
}

static void service_messages_are_checked(void **state)
{
    struct world *w = *state;
    static const uint8_t big[131073];
    assert_int_equal(broker_publish(w->b, &(struct broker_message){ .topic = SLICE_LIT("a/#") }),
                     ERR_INVALID);
    assert_int_equal(broker_publish(w->b, &(struct broker_message){ .topic = SLICE_LIT("a"), .qos = 3 }),
                     ERR_INVALID);
    assert_int_equal(
        broker_publish(w->b, &(struct broker_message){ .topic = SLICE_LIT("a"), .props = SLICE_LIT("?") }),
        ERR_INVALID);
    assert_int_equal(broker_publish(w->b, &(struct broker_message){ .topic = SLICE_LIT("a"),
                                                                    .payload = SLICE_ARRAY(big) }),
                     ERR_TOO_BIG);
    assert_int_equal(broker_send(w->b, SLICE_LIT("c"), &(struct broker_message){ .topic = SLICE_LIT("a") }),
                     ERR_NOT_FOUND);
    JOIN(w, 0, "c");
    assert_int_equal(
        broker_send(w->b, SLICE_LIT("c"), &(struct broker_message){ .topic = SLICE_LIT("a"), .qos = 1 }),
        ERR_OK);
    see(w, 0,
        "\x32\x05\x00\x01"
        "a\x00\x01"); /* without a subscription */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(denied),
        T(asked_every_time),
        T(order_is_kept_while_an_answer_is_awaited),
        T(refused_with_a_reason),
        T(payload_at_its_limit),
        T(aliases),
        T(puback_waits_for_the_journal),
        T(no_puback_when_the_journal_fails),
        T(a_journal_that_never_answers),
        T(unacknowledged_publishes_are_bounded),
        T(intercepted),
        T(replies_go_to_the_connection),
        T(intercepted_without_acknowledgement),
        T(service_messages_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
