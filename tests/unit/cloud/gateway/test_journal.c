/* The broker's journal in a database: what is written is told again, in order and once; many writes share a
 * transaction; a change that the database does not take harms nobody else's. */
#include "../../cm.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/journal.h"

#include <stdio.h>
#include <string.h>

struct scene {
    char dir[64];
    struct net_loop *loop;
    struct store *store;
    struct journal *j;
    struct broker_journal i;
    struct buf told;
};

static unsigned complaints;

static void on_line(void *ctx, enum log_level level, const char *message)
{
    (void)ctx;
    (void)message;
    complaints += level >= LOG_WARN;
}

static void open_all(struct scene *s)
{
    char path[100], why[DB_WHY_MAX];

    (void)snprintf(path, sizeof(path), "%s/db", s->dir);
    assert_int_equal(net_loop_new(&s->loop), ERR_OK);
    assert_int_equal(store_new(path, &s->store, why), ERR_OK);
    assert_int_equal(journal_new(s->loop, s->store, &s->j), ERR_OK);
    s->i = journal_interface(s->j);
}

static void close_all(struct scene *s)
{
    journal_flush(s->j);
    store_stop(s->store);
    while (!store_is_idle(s->store))
        assert_int_equal(net_loop_turn(s->loop, 10), ERR_OK);
    journal_free(s->j);
    store_free(s->store);
    net_loop_free(s->loop);
}

static int setup(void **state)
{
    struct scene *s = mem_calloc(1, sizeof(*s));

    strcpy(s->dir, "/tmp/sedge-journal-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    s->told = BUF_INIT(1 << 20);
    complaints = 0;
    log_set_sink(on_line, NULL);
    open_all(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    close_all(s);
    log_set_sink(NULL, NULL);
    assert_int_equal(file_remove_tree(s->dir), ERR_OK);
    buf_done(&s->told);
    free(s);
    return 0;
}

#define ID(s) .client_id = SLICE_LIT(s)
#define PUT(s, ticket, ...)                                                                                \
    assert_int_equal(                                                                                      \
        (s)->i.write((s)->i.ctx, (const struct broker_record[]){ __VA_ARGS__ },                            \
                     sizeof((const struct broker_record[]){ __VA_ARGS__ }) / sizeof(struct broker_record), \
                     ticket),                                                                              \
        ERR_MORE)

static const struct broker_record session_a = {
    .kind = BROKER_REC_SESSION, ID("a"), .version = 4, .expiry_s = 60
};
static const struct broker_record session_b = {
    .kind = BROKER_REC_SESSION, ID("b"), .version = 5, .expiry_s = UINT32_MAX, .ends_ms = INT64_MAX
};

static void wait_until_written(struct scene *s)
{
    struct journal_stats st;
    int64_t end = clock_mono_ms() + 20000;

    do {
        assert_int_equal(net_loop_turn(s->loop, 10), ERR_OK);
        journal_stats(s->j, &st);
    } while (st.waiting && clock_mono_ms() < end);
    assert_int_equal(st.waiting, 0);
}

static err_t note(void *arg, const struct broker_record *r)
{
    struct scene *s = arg;

    return buf_printf(&s->told, "%d %.*s %.*s %.*s %.*s %.*s %llu %u %u %u %u %u %d %u %lld %lld\n", r->kind,
                      SLICE_FMT(r->client_id), SLICE_FMT(r->topic), SLICE_FMT(r->payload),
                      SLICE_FMT(r->props), SLICE_FMT(r->sub_ids), (unsigned long long)r->seq, r->sub_id,
                      r->packet_id, r->version, r->qos, r->options, r->retain, r->expiry_s,
                      (long long)r->ends_ms, (long long)(r->due_ms + r->stored_ms));
}

/* Everything again, by a journal that has just been opened. */
static void assert_told(struct scene *s, const char *want)
{
    close_all(s);
    open_all(s);
    buf_clear(&s->told);
    assert_int_equal(s->i.load(s->i.ctx, note, s), ERR_OK);
    assert_string_equal(buf_str(&s->told), want);
}

static void every_kind_comes_back(void **state)
{
    struct scene *s = *state;

    PUT(s, 0, session_b);
    PUT(s, 0, session_a);
    PUT(s, 1,
        { .kind = BROKER_REC_SUBSCRIPTION,
          ID("a"),
          .topic = SLICE_LIT("x/#"),
          .qos = 1,
          .options = 3,
          .sub_id = 9 });
    PUT(s, 2,
        { .kind = BROKER_REC_QUEUED,
          ID("a"),
          .topic = SLICE_LIT("x"),
          .payload = SLICE_LIT("p"),
          .props = SLICE_LIT("q"),
          .sub_ids = SLICE_LIT("i"),
          .seq = 1,
          .qos = 2,
          .retain = true,
          .ends_ms = 77 },
        { .kind = BROKER_REC_RECEIVED, ID("b"), .packet_id = 65535 });
    PUT(s, 3, { .kind = BROKER_REC_RELEASED, ID("a"), .seq = 1 });
    PUT(s, 0, { .kind = BROKER_REC_WILL, ID("b"), .topic = SLICE_LIT("w"), .qos = 1, .due_ms = 88 });
    PUT(s, 4,
        { .kind = BROKER_REC_RETAINED,
          .topic = SLICE_LIT("r"),
          .payload = SLICE_LIT("v"),
          .qos = 1,
          .retain = true,
          .stored_ms = 99 });
    assert_told(s, "0 a     0 0 0 4 0 0 0 60 0 0\n"
                   "0 b     0 0 0 5 0 0 0 4294967295 9223372036854775807 0\n"
                   "2 a x/#    0 9 0 0 1 3 0 0 0 0\n"
                   "7 b     0 0 65535 0 0 0 0 0 0 0\n"
                   "4 a x p q i 1 0 0 0 2 0 1 0 77 0\n"
                   "5 a     1 0 0 0 0 0 0 0 0 0\n"
                   "11 b w    0 0 0 0 1 0 0 0 0 88\n"
                   "9  r v   0 0 0 0 1 0 1 0 0 99\n");
    PUT(s, 0, { .kind = BROKER_REC_SUBSCRIPTION_END, ID("a"), .topic = SLICE_LIT("x/#") });
    PUT(s, 0, { .kind = BROKER_REC_QUEUED_END, ID("a"), .seq = 1 });
    PUT(s, 0, { .kind = BROKER_REC_RECEIVED_END, ID("b"), .packet_id = 65535 });
    PUT(s, 0, { .kind = BROKER_REC_WILL_END, ID("b") });
    PUT(s, 0, { .kind = BROKER_REC_RETAINED_END, .topic = SLICE_LIT("r") });
    PUT(s, 0, { .kind = BROKER_REC_SESSION_END, ID("b") });
    assert_told(s, "0 a     0 0 0 4 0 0 0 60 0 0\n");
}

static err_t count(void *arg, const struct broker_record *r)
{
    struct scene *s = arg;

    return r->kind == BROKER_REC_QUEUED
               ? buf_printf(&s->told, "%.*s %llu %.*s %d\n", SLICE_FMT(r->client_id),
                            (unsigned long long)r->seq, SLICE_FMT(r->payload), r->message != 0)
               : ERR_OK;
}

/* One message for two sessions is told as one; the order of a session is that of its writes. */
static void shared_messages(void **state)
{
    struct scene *s = *state;
    const struct broker_record one = { .kind = BROKER_REC_QUEUED,
                                       ID("a"),
                                       .message = 5,
                                       .topic = SLICE_LIT("t"),
                                       .payload = SLICE_LIT("both"),
                                       .seq = 1,
                                       .qos = 1 };
    struct broker_record two = one, three = one;

    two.client_id = SLICE_LIT("b");
    three.seq = 2;
    three.payload = SLICE_LIT("alone");
    PUT(s, 0, session_a);
    PUT(s, 0, session_b);
    PUT(s, 1, one, two);
    PUT(s, 2, three); /* the same number in another write is another message */
    close_all(s);
    open_all(s);
    assert_int_equal(s->i.load(s->i.ctx, count, s), ERR_OK);
    assert_string_equal(buf_str(&s->told), "a 1 both 1\nb 1 both 1\na 2 alone 0\n");
    PUT(s, 0, { .kind = BROKER_REC_QUEUED_END, ID("a"), .seq = 1 });
    assert_told(s, "0 a     0 0 0 4 0 0 0 60 0 0\n"
                   "0 b     0 0 0 5 0 0 0 4294967295 9223372036854775807 0\n"
                   "4 b t both   1 0 0 0 1 0 0 0 0 0\n"
                   "4 a t alone   2 0 0 0 1 0 0 0 0 0\n");
}

static void writes_share_a_transaction(void **state)
{
    struct scene *s = *state;
    struct journal_stats st;

    PUT(s, 0, session_a);
    for (unsigned i = 1; i <= 500; i++)
        PUT(s, i, { .kind = BROKER_REC_QUEUED, ID("a"), .topic = SLICE_LIT("t"), .seq = i, .qos = 1 });
    wait_until_written(s);
    journal_stats(s->j, &st);
    assert_int_equal(st.commits, 1);
    assert_int_equal(st.acknowledged, 500);
    assert_int_equal(st.records, 501);
}

/* Text that the database refuses: the write is refused, the others of its transaction are not. */
static void a_bad_change_fails_alone(void **state)
{
    struct scene *s = *state;
    struct journal_stats st;

    PUT(s, 0, session_a);
    PUT(s, 1, { .kind = BROKER_REC_QUEUED, ID("a"), .topic = SLICE_LIT("t"), .seq = 1, .qos = 1 });
    PUT(s, 2, { .kind = BROKER_REC_SUBSCRIPTION, ID("a"), .topic = SLICE_LIT("\xff") });
    PUT(s, 3, { .kind = BROKER_REC_QUEUED, ID("a"), .topic = SLICE_LIT("t"), .seq = 2, .qos = 1 });
    wait_until_written(s);
    journal_stats(s->j, &st);
    assert_int_equal(st.acknowledged, 2);
    assert_int_equal(complaints, 1);
    assert_told(s, "0 a     0 0 0 4 0 0 0 60 0 0\n"
                   "4 a t    1 0 0 0 1 0 0 0 0 0\n"
                   "4 a t    2 0 0 0 1 0 0 0 0 0\n");
}

/* More than may wait in memory is refused, first to those who wait for an answer. */
static void what_waits_is_bounded(void **state)
{
    struct scene *s = *state;
    const size_t n = (size_t)4 << 20;
    uint8_t *big = mem_calloc(1, n);
    const struct broker_record r = { .kind = BROKER_REC_RETAINED,
                                     .topic = SLICE_LIT("t"),
                                     .payload = slice_of(big, n) };
    unsigned with = 0, without = 0;

    assert_non_null(big);
    while (s->i.write(s->i.ctx, &r, 1, 1) == ERR_MORE)
        with++;
    while (s->i.write(s->i.ctx, &r, 1, 0) == ERR_MORE)
        without++;
    assert_in_range(with, 7, 8);
    assert_in_range(with + without, 15, 16);
    assert_int_equal(complaints, 1);
    wait_until_written(s);
    PUT(s, 1, r);
    free(big);
}

/* An end that is not urgent makes no transaction of its own at once, and is not forgotten. */
static void ends_wait_a_little(void **state)
{
    struct scene *s = *state;
    struct journal_stats st;

    PUT(s, 0, session_a);
    wait_until_written(s);
    PUT(s, 0, { .kind = BROKER_REC_QUEUED_END, ID("a"), .seq = 1 });
    assert_int_equal(net_loop_turn(s->loop, 0), ERR_OK);
    journal_stats(s->j, &st);
    assert_int_equal(st.commits, 1);
    assert_true(st.waiting > 0);
    wait_until_written(s);
    journal_stats(s->j, &st);
    assert_int_equal(st.commits, 2);
}

/* After the store's end everything is refused, and nothing leaks. */
static void after_the_end(void **state)
{
    struct scene *s = *state;

    journal_flush(s->j);
    store_stop(s->store);
    PUT(s, 1, session_a);
    for (int i = 0; i < 5; i++)
        assert_int_equal(net_loop_turn(s->loop, 10), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(shared_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_share_a_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_change_fails_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_wait_a_little, setup, teardown),
        cmocka_unit_test_setup_teardown(after_the_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
