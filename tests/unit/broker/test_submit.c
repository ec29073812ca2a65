/* Publishing without a connection; looking at retained messages, clients and sessions. */
#include "world.h"

static struct {
    unsigned n;
    err_t err;
} done;

static void on_done(void *ctx, err_t e)
{
    (void)ctx;
    done.n++;
    done.err = e;
}

static err_t submit(struct world *w, const char *topic, const char *payload, uint8_t qos, bool retain)
{
    struct broker_message m = {
        .topic = slice_str(topic), .payload = slice_str(payload), .qos = qos, .retain = retain
    };

    done.n = 0;
    return broker_submit(w->b, &m, on_done, NULL);
}

static const struct {
    const char *what, *topic;
    uint8_t qos;
    bool retain;
    err_t want;
} refused[] = {
    { "a filter", "a/+", 0, false, ERR_INVALID },
    { "no topic", "", 0, false, ERR_INVALID },
    { "QoS 2", "a", 2, false, ERR_INVALID },
    { "too deep", "0/1/2/3/4/5/6/7/8", 0, false, ERR_INVALID },
    { "reserved, nobody's", "$aws/x", 0, false, ERR_DENIED },
    { "RETAIN on a $ topic", "$t", 0, true, ERR_DENIED },
};

static void as_a_client_would_be_refused(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        print_message("  %s\n", refused[i].what);
        assert_int_equal(submit(w, refused[i].topic, "x", refused[i].qos, refused[i].retain),
                         refused[i].want);
    }
    assert_int_equal(done.n, 0);
    CONFIGURE(w, cf->max_payload = 2);
    assert_int_equal(submit(w, "a", "123", 0, false), ERR_TOO_BIG);
    CONFIGURE(w, cf->max_retained = 1);
    assert_int_equal(submit(w, "a", "1", 0, true), ERR_OK);
    assert_int_equal(submit(w, "b", "1", 0, true), ERR_NO_SPACE);
}

static void keeper(struct world *w)
{
    join(w, 1, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 1, SUB1("t"));
    see(w, 1, SUBACK1);
    send(w, 1, DISCONNECT);
}

/* Promise 1: done is told when it is durable, once. */
static void waits_for_the_journal(void **state)
{
    struct world *w = *state;

    keeper(w);
    assert_int_equal(submit(w, "t", "x", 1, false), ERR_OK); /* this journal is done at once */
    w->journal_says = ERR_MORE;
    assert_int_equal(submit(w, "t", "x", 1, false), ERR_MORE);
    assert_int_equal(done.n, 0);
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    assert_int_equal(done.n, 1);
    assert_int_equal(done.err, ERR_OK);
    assert_int_equal(submit(w, "t", "x", 1, false), ERR_MORE);
    broker_journal_done(w->b, w->journal_ticket, ERR_IO);
    assert_int_equal(done.err, ERR_IO);
    w->journal_says = ERR_IO;
    assert_int_equal(submit(w, "t", "x", 1, false), ERR_IO);
}

static err_t says;
static uint64_t ticket;

static err_t intercept(void *ctx, const struct broker_message *m, uint64_t t)
{
    (void)ctx;
    assert_int_equal(m->client_id.n, 0);
    ticket = t;
    return says;
}

static void its_owner_takes_it(void **state)
{
    struct world *w = *state;

    assert_int_equal(broker_intercept(w->b, "$aws/r", BROKER_INTERCEPT_CONSUME, intercept, w), ERR_OK);
    JOIN(w, 0, "c");
    send(w, 0, "\x82\x0b\x00\x01\x00\x06$aws/r\x00");
    see(w, 0, SUBACK0);
    says = ERR_INVALID;
    assert_int_equal(submit(w, "$aws/r", "x", 1, false), ERR_DENIED);
    says = ERR_OK;
    assert_int_equal(submit(w, "$aws/r", "x", 1, false), ERR_OK);
    see(w, 0, ""); /* consumed */
    says = ERR_MORE;
    assert_int_equal(submit(w, "$aws/r", "x", 1, false), ERR_MORE);
    broker_answer(w->b, ticket, BROKER_DENY);
    broker_answer(w->b, ticket, BROKER_ALLOW);
    assert_int_equal(done.n, 1);
    assert_int_equal(done.err, ERR_DENIED);
}

static void the_end_of_the_broker_is_told(void **state)
{
    struct world *w = *state;

    keeper(w);
    w->journal_says = ERR_MORE;
    assert_int_equal(submit(w, "t", "x", 1, false), ERR_MORE);
    restart(w);
    assert_int_equal(done.n, 1);
    assert_int_equal(done.err, ERR_CANCELLED);
    (void)broker_drain(w->b);
    assert_int_equal(submit(w, "t", "x", 1, false), ERR_UNAVAILABLE);
}

/* ---- looking ---- */

static bool note_topic(void *ctx, const struct broker_retained *r)
{
    struct buf *out = ctx;

    assert_int_equal(buf_printf(out, "%.*s=%.*s@%lld ", SLICE_FMT(r->topic), SLICE_FMT(r->payload),
                                (long long)r->stored_ms),
                     ERR_OK);
    return out->n < 20;
}

static void retained_messages(void **state)
{
    struct world *w = *state;
    struct broker_retained r = { .qos = 9 };
    autobuf seen = BUF_INIT(256);

    assert_int_equal(broker_retained_find(w->b, SLICE_LIT("a"), &r), ERR_NOT_FOUND);
    assert_int_equal(r.qos, 9);
    assert_int_equal(submit(w, "b", "2", 1, true), ERR_OK);
    w->now_ms = 1000500;
    assert_int_equal(submit(w, "a", "1", 0, true), ERR_OK);
    assert_int_equal(submit(w, "a/c", "3", 0, true), ERR_OK);
    assert_int_equal(broker_retained_find(w->b, SLICE_LIT("b"), &r), ERR_OK);
    assert_int_equal(r.qos, 1);
    restart(w); /* the journal kept the time, too */
    broker_retained_list(w->b, (struct slice){ 0 }, note_topic, &seen);
    assert_string_equal(buf_str(&seen), "a=1@1000500 b=2@1000000 "); /* then it was enough */
    buf_clear(&seen);
    broker_retained_list(w->b, SLICE_LIT("b"), note_topic, &seen);
    assert_string_equal(buf_str(&seen), "a/c=3@1000500 ");
    assert_int_equal(submit(w, "b", "", 0, true), ERR_OK);
    assert_int_equal(broker_retained_find(w->b, SLICE_LIT("b"), &r), ERR_NOT_FOUND);
}

static void note_filter(void *ctx, struct slice filter, uint8_t qos)
{
    assert_int_equal(buf_printf(ctx, "%.*s:%u ", SLICE_FMT(filter), qos), ERR_OK);
}

static void clients(void **state)
{
    struct world *w = *state;
    struct broker_client c;
    autobuf seen = BUF_INIT(256);

    assert_int_equal(broker_client_find(w->b, SLICE_LIT("k"), &c), ERR_NOT_FOUND);
    assert_int_equal(broker_client_forget(w->b, SLICE_LIT("k")), ERR_NOT_FOUND);
    join(w, 1, SLICE_LIT(CONNECT_KEEP("k")));
    send(w, 1, SUB1("t"));
    assert_int_equal(broker_client_find(w->b, SLICE_LIT("k"), &c), ERR_OK);
    assert_true(c.connected && c.persistent);
    assert_int_equal(c.keep_alive_s, 60);
    assert_int_equal(c.subscriptions, 1);
    broker_client_subscriptions(w->b, SLICE_LIT("k"), note_filter, &seen);
    assert_string_equal(buf_str(&seen), "t:1 ");
    assert_int_equal(broker_client_forget(w->b, SLICE_LIT("k")), ERR_WRONG_STATE);
    send(w, 1, DISCONNECT);
    assert_int_equal(broker_client_find(w->b, SLICE_LIT("k"), &c), ERR_OK);
    assert_false(c.connected);
    assert_true(c.ends_ms > w->now_ms);
    assert_int_equal(broker_client_forget(w->b, SLICE_LIT("k")), ERR_OK);
    assert_int_equal(broker_client_find(w->b, SLICE_LIT("k"), &c), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(as_a_client_would_be_refused),  T(waits_for_the_journal), T(its_owner_takes_it),
        T(the_end_of_the_broker_is_told), T(retained_messages),     T(clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
