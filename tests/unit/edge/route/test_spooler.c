/* The way to the cloud: order, one in flight, the limit, connections that end, messages that are refused. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/route/spooler.h"

#include <stdio.h>

#define ROOM 4096

/* A connection that keeps what it was given. */
struct wire {
    struct spooler *s;
    bool open;
    int64_t now_ms;
    uint16_t last_id;
    char sent[512];    /* topics, each followed by a space */
    char dropped[512]; /* the same, with the reason's number in front */
};

static err_t on_send(void *ctx, const char *topic, struct slice payload, uint16_t *ret_id)
{
    struct wire *w = ctx;

    if (!w->open)
        return ERR_WRONG_STATE;
    assert_true(slice_eq(payload, slice_str("payload")) || payload.n == 1000 || payload.n == 0);
    (void)snprintf(w->sent + strlen(w->sent), sizeof(w->sent) - strlen(w->sent), "%s ", topic);
    *ret_id = ++w->last_id;
    return ERR_OK;
}

static void on_dropped(void *ctx, enum drop why, const char *topic)
{
    struct wire *w = ctx;

    (void)snprintf(w->dropped + strlen(w->dropped), sizeof(w->dropped) - strlen(w->dropped), "%s%s ",
                   why == DROP_CLOUD_REFUSED ? "!" : "", topic);
}

static int64_t now_ms(void *ctx)
{
    return ((struct wire *)ctx)->now_ms;
}

static const struct spooler_port port = { on_send, on_dropped, now_ms };

static void begin(struct wire *w, bool open)
{
    *w = (struct wire){ .open = open };
    assert_int_equal(spooler_new(ROOM, &port, w, &w->s), ERR_OK);
    if (open)
        spooler_up(w->s);
}

static void put(struct wire *w, const char *topic)
{
    assert_int_equal(spooler_put(w->s, topic, slice_str("payload")), ERR_OK);
}

static void put_1000(struct wire *w, const char *topic)
{
    static const uint8_t bytes[1000];

    assert_int_equal(spooler_put(w->s, topic, SLICE_ARRAY(bytes)), ERR_OK);
}

static void reopen(struct wire *w)
{
    w->open = true;
    w->last_id = 0;
    spooler_up(w->s);
}

static void lose(struct wire *w, bool by_peer)
{
    w->open = false;
    spooler_lost(w->s, by_peer);
}

static struct spooler_stats stats(const struct wire *w)
{
    struct spooler_stats s;

    spooler_stats(w->s, &s);
    return s;
}

static void one_in_flight_in_order(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, true);
    put(&w, "1");
    put(&w, "2");
    put(&w, "3");
    assert_string_equal(w.sent, "1 ");
    spooler_acked(w.s, 7); /* not ours: nothing happens */
    assert_string_equal(w.sent, "1 ");
    spooler_acked(w.s, 1);
    assert_string_equal(w.sent, "1 2 ");
    spooler_acked(w.s, 1); /* the old one's again */
    assert_string_equal(w.sent, "1 2 ");
    spooler_acked(w.s, 2);
    spooler_acked(w.s, 3);
    assert_string_equal(w.sent, "1 2 3 ");
    assert_null(spooler_in_flight(w.s));
    assert_int_equal(stats(&w).delivered, 3);
    assert_int_equal(stats(&w).bytes, 0);
    spooler_acked(w.s, 3);
    assert_int_equal(stats(&w).delivered, 3);
    spooler_free(w.s);
}

static void kept_while_the_cloud_is_away(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, false);
    put(&w, "1");
    put(&w, "2");
    spooler_lost(w.s, true); /* another attempt failed: that is no answer to a message */
    assert_int_equal(stats(&w).waiting, 2);
    assert_string_equal(w.sent, "");
    reopen(&w);
    assert_string_equal(w.sent, "1 ");
    lose(&w, false);
    put(&w, "3");
    assert_string_equal(w.sent, "1 ");
    reopen(&w);
    assert_string_equal(w.sent, "1 1 "); /* not acknowledged: once more, and first */
    spooler_acked(w.s, 1);
    spooler_acked(w.s, 2);
    spooler_acked(w.s, 3);
    assert_string_equal(w.sent, "1 1 2 3 ");
    assert_string_equal(w.dropped, "");
    spooler_free(w.s);
}

static void the_oldest_goes(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, true);
    for (int i = 0; i < 5; i++) /* one in flight, three fit behind it */
        put_1000(&w, (const char *[]){ "1", "2", "3", "4", "5" }[i]);
    assert_string_equal(w.dropped, "2 ");
    assert_int_equal(stats(&w).dropped_full, 1);
    assert_true(stats(&w).bytes <= ROOM);
    for (uint16_t id = 1; id <= 4; id++)
        spooler_acked(w.s, id);
    assert_string_equal(w.sent, "1 3 4 5 ");
    spooler_free(w.s);
}

static void a_smaller_limit(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, false);
    put_1000(&w, "1");
    put_1000(&w, "2");
    put_1000(&w, "3");
    spooler_set_max(w.s, 1100);
    assert_string_equal(w.dropped, "1 2 ");
    assert_int_equal(stats(&w).waiting, 1);
    spooler_free(w.s);
}

/* The value one past the limit, and empty messages, which must not be free of charge. */
static void what_counts(void **state)
{
    static const uint8_t bytes[ROOM];
    struct wire w;
    (void)state;

    begin(&w, false);
    assert_int_equal(spooler_put(w.s, "t", slice_of(bytes, ROOM - SPOOLER_OVERHEAD)), ERR_TOO_BIG);
    assert_int_equal(stats(&w).waiting, 0);
    assert_true(spooler_has_room(w.s, 1, "t", slice_of(bytes, ROOM - SPOOLER_OVERHEAD - 1)));
    assert_false(spooler_has_room(w.s, 2, "t", slice_of(bytes, ROOM - SPOOLER_OVERHEAD - 1)));
    assert_false(spooler_has_room(w.s, SIZE_MAX, "t", (struct slice){ 0 }));
    assert_int_equal(spooler_put(w.s, "t", slice_of(bytes, ROOM - SPOOLER_OVERHEAD - 1)), ERR_OK);
    assert_false(spooler_has_room(w.s, 1, "t", (struct slice){ 0 }));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(spooler_put(w.s, "t", (struct slice){ 0 }), ERR_OK);
    assert_true(stats(&w).waiting <= ROOM / SPOOLER_OVERHEAD);
    spooler_free(w.s);
}

static void close_and_reopen(struct wire *w, int times)
{
    for (int i = 0; i < times; i++) {
        lose(w, true);
        reopen(w);
    }
}

/* A message that makes the cloud close the connection must not hold up the others for ever. */
static void refused_by_the_cloud(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, true);
    put(&w, "bad");
    put(&w, "good");
    put(&w, "bad");
    put(&w, "better");
    close_and_reopen(&w, SPOOLER_TRIES - 1);
    assert_string_equal(w.dropped, "");
    close_and_reopen(&w, 1);
    assert_string_equal(w.dropped, "!bad ");
    assert_string_equal(spooler_in_flight(w.s), "good");
    spooler_acked(w.s, 1);
    assert_string_equal(w.dropped, "!bad !bad "); /* not even sent: that would cost a connection */
    assert_string_equal(spooler_in_flight(w.s), "better");
    spooler_acked(w.s, 2);
    assert_int_equal(stats(&w).dropped_refused, 2);
    assert_int_equal(stats(&w).delivered, 2);
    spooler_free(w.s);
}

static void refused_topics_have_a_try_now_and_then(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, true);
    put(&w, "bad");
    close_and_reopen(&w, SPOOLER_TRIES);
    w.now_ms = SPOOLER_REFUSED_MS - 1;
    put(&w, "bad");
    assert_string_equal(w.dropped, "!bad !bad ");
    w.now_ms++;
    put(&w, "bad");
    assert_string_equal(spooler_in_flight(w.s), "bad");
    close_and_reopen(&w, 1); /* one try, and the time begins again */
    assert_string_equal(w.dropped, "!bad !bad !bad ");
    w.now_ms += SPOOLER_REFUSED_MS;
    put(&w, "bad");
    spooler_acked(w.s, 1); /* somebody mended the policy: all tries again */
    put(&w, "bad");
    close_and_reopen(&w, 1);
    assert_string_equal(w.dropped, "!bad !bad !bad ");
    spooler_free(w.s);
}

/* The memory for topics is bounded: the oldest is forgotten, which only costs it its tries again. */
static void many_refused_topics(void **state)
{
    struct wire w;
    char topic[16];
    (void)state;

    begin(&w, true);
    for (int i = 0; i <= SPOOLER_REFUSED_TOPICS; i++) {
        (void)snprintf(topic, sizeof(topic), "t%d", i);
        put(&w, topic);
        w.sent[0] = '\0';
        close_and_reopen(&w, SPOOLER_TRIES);
    }
    put(&w, "t1");
    assert_null(spooler_in_flight(w.s));
    put(&w, "t0");
    assert_string_equal(spooler_in_flight(w.s), "t0");
    spooler_free(w.s);
}

/* Time-outs and networks that go away say nothing about the message. */
static void lost_is_not_refused(void **state)
{
    struct wire w;
    (void)state;

    begin(&w, true);
    put(&w, "1");
    for (int i = 0; i < 10 * SPOOLER_TRIES; i++) {
        lose(&w, false);
        reopen(&w);
    }
    assert_string_equal(w.dropped, "");
    spooler_acked(w.s, 1);
    assert_int_equal(stats(&w).delivered, 1);
    spooler_free(w.s);
}

/* Whatever happens: each message arrives in order or was counted as dropped. */
static void any_order_of_events(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        struct wire w;
        unsigned n = 0, last = 0, x = seed;
        struct spooler_stats s;
        begin(&w, true);
        for (int i = 0; i < 300; i++) {
            char topic[16];
            x = x * 1103515245u + 12345u;
            switch (x >> 16 & 3) {
            case 0:
                (void)snprintf(topic, sizeof(topic), "%u", ++n);
                put_1000(&w, topic);
                break;
            case 1: /* acknowledged: its number is larger than the last one's */
                if (spooler_in_flight(w.s)) {
                    unsigned now = (unsigned)strtoul(spooler_in_flight(w.s), NULL, 10);
                    assert_true(now > last);
                    last = now;
                    spooler_acked(w.s, w.last_id);
                }
                break;
            case 2:
                lose(&w, false);
                break;
            default:
                if (!w.open)
                    reopen(&w);
            }
            w.sent[0] = w.dropped[0] = '\0';
        }
        s = stats(&w);
        if (s.taken != n || s.taken != s.delivered + s.dropped_full + s.waiting)
            fail_msg("seed %u: %u", seed, n);
        spooler_free(w.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_in_flight_in_order),
        cmocka_unit_test(kept_while_the_cloud_is_away),
        cmocka_unit_test(the_oldest_goes),
        cmocka_unit_test(a_smaller_limit),
        cmocka_unit_test(what_counts),
        cmocka_unit_test(refused_by_the_cloud),
        cmocka_unit_test(refused_topics_have_a_try_now_and_then),
        cmocka_unit_test(many_refused_topics),
        cmocka_unit_test(lost_is_not_refused),
        cmocka_unit_test(any_order_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
