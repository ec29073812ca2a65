#include "world.h"

#include <malloc.h>

/* What a quiet client costs, and that a delivered message costs no allocation. Counted through malloc itself;
 * under a sanitizer, which has its own, there is nothing to count and only the walk is made. */

#define N 500

static size_t allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
    allocations++;
    return __real_realloc(p, n);
}

static size_t in_use(void)
{
    return mallinfo2().uordblks;
}

struct peer {
    struct net_stream *near, *far;
};

static size_t swallow(void *ctx, struct slice in)
{
    (void)ctx;
    return in.n;
}

static const struct net_handler sink = { .on_read = swallow };

static void join_all(struct world *w, struct peer *p)
{
    const struct broker_peer peer = { .user = w,
                                      .principal = SLICE_LIT("cert"),
                                      .address = SLICE_LIT("192.0.2.1") };

    for (unsigned i = 0; i < N; i++) {
        char connect[] = "\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04"
                         "0000";

        snprintf(connect + 14, 5, "%04u", i);
        assert_int_equal(broker_accept(w->b, p[i].far, &peer), ERR_OK);
        assert_int_equal(net_stream_write(p[i].near, slice_of(connect, 18)), ERR_OK);
    }
    turn(w);
}

static void subscribe_all(struct world *w, struct peer *p, struct slice packet)
{
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(net_stream_write(p[i].near, packet), ERR_OK);
    turn(w);
}

static void bytes_of_a_quiet_client(void **state)
{
    struct world *w = *state;
    static struct peer p[N];
    size_t at_start, joined, subscribed;
    struct broker_stats st;

    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(net_stream_pair(w->loop, &p[i].near, &p[i].far), ERR_OK);
        net_stream_set_handler(p[i].near, &sink, NULL);
    }
    turn(w);
    at_start = in_use();
    join_all(w, p);
    broker_stats(w->b, &st);
    assert_int_equal(st.sessions, N);
    joined = in_use();
    subscribe_all(w, p,
                  SLICE_LIT("\x82\x0a\x00\x01\x00\x05"
                            "dev/+"
                            "\x01"));
    subscribed = in_use();
    print_message("  %zu bytes a client, %zu a subscription\n", (joined - at_start) / N,
                  (subscribed - joined) / N);
    assert_true(joined - at_start <= N * (size_t)1024);
    assert_true(subscribed - joined <= N * (size_t)160);
    for (unsigned i = 0; i < N; i++)
        net_stream_free(p[i].near);
    turn(w);
    broker_stats(w->b, &st);
    assert_int_equal(st.sessions, 0);
    assert_true(in_use() <= at_start);
}

/* Allocations in 100 calls of broker_publish, after ten to warm up. */
static size_t allocations_of(struct world *w, uint8_t qos, unsigned subscribers)
{
    const struct broker_message m = { .topic = SLICE_LIT("t"), .payload = SLICE_LIT("payload"), .qos = qos };
    size_t sum = 0;

    for (unsigned i = 0; i < 110; i++) {
        size_t before = allocations;

        assert_int_equal(broker_publish(w->b, &m), ERR_OK);
        if (i >= 10)
            sum += allocations - before;
        turn(w);
        for (unsigned k = 0; k < subscribers; k++) {
            struct slice got = buf_slice(&w->c[k].in);
            uint8_t ack[] = { 0x40, 2, 0, 0 };

            assert_int_equal(got.n, qos ? 14 : 12);
            if (qos) {
                memcpy(ack + 2, got.p + 5, 2);
                send_slice(w, k, SLICE_ARRAY(ack));
            }
            buf_clear(&w->c[k].in);
        }
    }
    return sum;
}

/* One allocation a message, whoever gets it: the message itself. */
static void a_delivery_allocates_nothing(void **state)
{
    struct world *w = *state;
    const struct slice connect[] = { SLICE_LIT(CONNECT("a")), SLICE_LIT(CONNECT("b")),
                                     SLICE_LIT(CONNECT("c")), SLICE_LIT(CONNECT("d")) };

    for (unsigned n = 0; n < ARRAY_LEN(connect); n++) {
        join(w, n, connect[n]);
        send(w, n, SUB1("t"));
        buf_clear(&w->c[n].in);
        assert_int_equal(allocations_of(w, 0, n + 1), 100);
        assert_int_equal(allocations_of(w, 1, n + 1), 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { T(bytes_of_a_quiet_client), T(a_delivery_allocates_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
