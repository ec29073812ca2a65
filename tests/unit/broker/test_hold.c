/* QoS 2 leaves when the journal is done, QoS 1 at once; a delayed Will outlives the broker. */
#include "world.h"

#define SUB2(t) "\x82\x06\x00\x01\x00\x01" t "\x02"
#define SUBACK2 "\x90\x03\x00\x01\x02"
#define PUB2(t, id, m) "\x34\x06\x00\x01" t "\x00" id m
#define PUBREC(id) "\x50\x02\x00" id

/* Clients 0 and 1 subscribe, 0 with a session that stays; 2 publishes. */
static struct world *begin(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, broker_config_standard(cf));
    join(w, 0, SLICE_LIT(CONNECT_KEEP("a")));
    JOIN(w, 1, "b");
    JOIN(w, 2, "p");
    for (unsigned i = 0; i < 2; i++) {
        send(w, i, SUB2("t"));
        see(w, i, SUBACK2);
    }
    w->journal_says = ERR_MORE;
    return w;
}

static void qos2_waits_for_the_journal(void **state)
{
    struct world *w = begin(state);

    send(w, 2, PUB2("t", "\1", "x"));
    see(w, 0, "");
    see(w, 1, ""); /* without a session, too: its publisher may send it again */
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    see(w, 0, PUB2("t", "\1", "x"));
    see(w, 1, PUB2("t", "\1", "x"));
    see(w, 2, PUBREC("\1"));
}

static void what_is_not_kept_is_not_delivered(void **state)
{
    struct world *w = begin(state);
    uint64_t first;

    send(w, 2, PUB2("t", "\1", "x"));
    first = w->journal_ticket;
    send(w, 2, PUB1("t", "\2", "y"));
    see(w, 0, ""); /* behind the one that waits */
    broker_journal_done(w->b, first, ERR_NO_SPACE);
    see_closed(w, 2);
    see(w, 0, PUB1("t", "\2", "y")); /* its number is used up */
    see(w, 1, PUB1("t", "\2", "y"));
}

static void qos1_does_not_wait(void **state)
{
    struct world *w = begin(state);

    send(w, 2, PUB1("t", "\1", "x"));
    see(w, 0, PUB1("t", "\1", "x"));
    see(w, 1, PUB1("t", "\1", "x"));
    see(w, 2, "");
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    see(w, 2, PUBACK("\1"));
}

/* A session may end, or its client come and go, while the journal writes. */
static void sessions_end_meanwhile(void **state)
{
    struct world *w = begin(state);

    send(w, 2, PUB2("t", "\1", "x"));
    cut(w, 1);
    cut(w, 0);
    join(w, 0, SLICE_LIT(CONNECT_KEEP("a")) /* present */);
    see(w, 0, "");
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    see(w, 0, PUB2("t", "\1", "x"));
}

static void broker_ends_meanwhile(void **state)
{
    struct world *w = begin(state);

    send(w, 2, PUB2("t", "\1", "x"));
    restart(w);
    broker_journal_done(w->b, w->journal_ticket, ERR_OK); /* a late answer finds nothing */
}

/* A retained message goes to the new subscriber through the journal as well. */
static void retained_qos2_waits(void **state)
{
    struct world *w = begin(state);

    w->journal_says = ERR_OK;
    send(w, 2, "\x35\x06\x00\x01r\x00\x01x");
    see(w, 2, PUBREC("\1"));
    w->journal_says = ERR_MORE;
    send(w, 0, SUB2("r"));
    see(w, 0, ""); /* SUBACK waits, and so does the message */
    broker_journal_done(w->b, 1, ERR_OK);
    see(w, 0, "\x35\x06\x00\x01r\x00\x01x");
}

#define WILL_LATER(id)                                   \
    "\x10\x1f\x00\x04MQTT\x05\x04\x00\x3c\x05\x11"       \
    "\x00\x00\x02\x58\x00\x01" id "\x05\x18\x00\x00\x00" \
    "\x0a\x00\x01t\x00\x01w"

static void a_delayed_will_survives_a_restart(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, broker_config_standard(cf));
    join(w, 0, SLICE_LIT(WILL_LATER("a")));
    cut(w, 0);
    join(w, 1, SLICE_LIT(CONNECT_KEEP("b")));
    send(w, 1, SUB1("t"));
    see(w, 1, SUBACK1);
    restart(w);
    JOIN(w, 1, "b");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    pass(w, 5000);
    see(w, 1, "");
    pass(w, 6000);
    see(w, 1, PUB0("t", "w"));
    restart(w);
    JOIN(w, 1, "b");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    pass(w, 60000);
    see(w, 1, ""); /* once */
}

static void a_will_that_was_called_off_stays_so(void **state)
{
    struct world *w = *state;

    CONFIGURE(w, broker_config_standard(cf));
    join(w, 0, SLICE_LIT(WILL_LATER("a")));
    cut(w, 0);
    restart(w);
    assert_int_equal(dial(w, 0), ERR_OK);
    send(w, 0,
         "\x10\x13\x00\x04MQTT\x05\x00\x00\x3c\x05\x11\x00\x00\x02\x58\x00\x01"
         "a"); /* back in time */
    send(w, 0, DISCONNECT);
    restart(w);
    JOIN(w, 1, "b");
    send(w, 1, SUB0("t"));
    see(w, 1, SUBACK0);
    pass(w, 60000);
    see(w, 1, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(qos2_waits_for_the_journal),
        T(what_is_not_kept_is_not_delivered),
        T(qos1_does_not_wait),
        T(sessions_end_meanwhile),
        T(broker_ends_meanwhile),
        T(retained_qos2_waits),
        T(a_delayed_will_survives_a_restart),
        T(a_will_that_was_called_off_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
