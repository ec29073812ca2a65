/* tests/unit/net/test_relay.c - a stream whose ends live on two threads; also what ThreadSanitizer looks at.
 */
#include "net/relay.h"

#include "net/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder.h"

#define WAIT_MS 20000

/* A connection: `near` comes out of the relay, `peer` is who the far end talks to. Both on the home loop. */
struct relayed {
    struct net_loop *home;
    struct net_worker *worker;
    struct recorder near, peer;
    struct net_stream *arrived;
    int fd; /* the far end's, until its stream is made */
};

static void on_near(void *ctx, struct net_stream *near)
{
    ((struct relayed *)ctx)->arrived = near;
}

static void make_far(void *ctx)
{
    struct relayed *r = ctx;
    struct net_stream *far;

    assert_int_equal(net_stream_from_fd(net_worker_loop(r->worker), r->fd, "somebody:1", &far), ERR_OK);
    assert_int_equal(net_relay(far, r->home, on_near, r), ERR_OK);
}

static void open_one(struct relayed *r)
{
    struct net_stream *s;
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
    r->fd = fd[0];
    assert_int_equal(net_stream_from_fd(r->home, fd[1], "peer", &s), ERR_OK);
    rec_attach(&r->peer, s);
    assert_int_equal(net_loop_post(net_worker_loop(r->worker), make_far, r), ERR_OK);
    assert_true(TURN_UNTIL(r->home, r->arrived, WAIT_MS));
    rec_attach(&r->near, steal(&r->arrived));
}

static void start(struct relayed *r)
{
    *r = (struct relayed){ 0 };
    assert_int_equal(net_loop_new(&r->home), ERR_OK);
    assert_int_equal(net_worker_new(&r->worker), ERR_OK);
    assert_int_equal(net_worker_start(r->worker), ERR_OK);
    open_one(r);
}

static void done(struct relayed *r)
{
    rec_done(&r->near);
    rec_done(&r->peer);
    net_worker_free(r->worker);
    net_loop_free(r->home);
}

static void pattern(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_add_u8(b, (uint8_t)(i * 2654435761u >> 24)), ERR_OK);
}

static bool got(const struct recorder *r, size_t n)
{
    return r->got.n >= n;
}

static void bytes_cross_both_ways(void **state)
{
    struct relayed r;
    (void)state;
    start(&r);
    assert_string_equal(net_stream_peer(r.near.s), "somebody:1");
    assert_true(net_stream_is_open(r.near.s));
    assert_int_equal(net_stream_write(r.near.s, SLICE_LIT("down")), ERR_OK);
    assert_int_equal(net_stream_write(r.peer.s, SLICE_LIT("up")), ERR_OK);
    assert_true(TURN_UNTIL(r.home, got(&r.near, 2) && got(&r.peer, 4), WAIT_MS));
    assert_string_equal(buf_str(&r.near.got), "up");
    assert_string_equal(buf_str(&r.peer.got), "down");
    assert_int_equal(r.near.opened, 1);
    assert_false(r.near.read_before_open);
    done(&r);
}

/* More than every bound on the way, in pieces of all sizes, and not a byte lost or out of place. */
static void much_crosses_in_order(void **state)
{
    enum { N = 3 << 20 };
    autobuf all = BUF_INIT(N);
    size_t up = 0, down = 0;
    struct relayed r;
    (void)state;
    pattern(&all, N);
    start(&r);
    for (size_t step = 1; !got(&r.near, N) || !got(&r.peer, N); step = step * 7 % 30011) {
        struct slice u = slice_skip(buf_slice(&all), up), d = slice_skip(buf_slice(&all), down);
        if (net_stream_write(r.peer.s, slice_head(u, u.n < step ? u.n : step)) == ERR_OK)
            up += u.n < step ? u.n : step;
        if (net_stream_write(r.near.s, slice_head(d, d.n < step ? d.n : step)) == ERR_OK)
            down += d.n < step ? d.n : step;
        assert_int_equal(net_loop_turn(r.home, 0), ERR_OK);
    }
    assert_memory_equal(r.near.got.p, all.p, N);
    assert_memory_equal(r.peer.got.p, all.p, N);
    done(&r);
}

/* A near user that does not read stops the peer: what is on the way is bounded. */
static void back_pressure_reaches_the_peer(void **state)
{
    enum { N = 8 << 20 };
    autobuf all = BUF_INIT(N);
    struct net_limits wide = { .out_max = N, .idle_ms = -1, .stall_ms = 0 };
    struct relayed r;
    size_t before;
    (void)state;
    pattern(&all, N);
    start(&r);
    net_stream_set_limits(r.peer.s, &wide);
    net_stream_pause(r.near.s);
    assert_int_equal(net_stream_write(r.peer.s, buf_slice(&all)), ERR_OK);
    do { /* until nothing moves any more */
        before = net_stream_queued(r.peer.s);
        for (int i = 0; i < 10; i++)
            assert_int_equal(net_loop_turn(r.home, 10), ERR_OK);
    } while (net_stream_queued(r.peer.s) != before);
    assert_true(before > N / 2); /* the kernel's buffers, RELAY_UP_MAX and one read are far less */
    assert_int_equal(r.near.got.n, 0);
    net_stream_resume(r.near.s);
    assert_true(TURN_UNTIL(r.home, got(&r.near, N), WAIT_MS));
    assert_memory_equal(r.near.got.p, all.p, N);
    done(&r);
}

/* What the far end cannot send counts at the near end, goes down while the peer reads, and is told when gone.
 */
static void a_slow_reader_is_seen(void **state)
{
    enum { CHUNK = 64 << 10, MAX = 2 << 20 };
    autobuf chunk = BUF_INIT(CHUNK);
    struct net_limits limits = { .out_max = MAX, .idle_ms = -1, .stall_ms = -1 };
    struct relayed r;
    size_t written = 0, most;
    err_t e = ERR_OK;
    (void)state;
    pattern(&chunk, CHUNK);
    start(&r);
    net_stream_set_limits(r.near.s, &limits);
    net_stream_pause(r.peer.s);
    while (!(e = net_stream_write(r.near.s, buf_slice(&chunk)))) {
        written += CHUNK;
        assert_true(written < 3 * MAX);
        assert_int_equal(net_loop_turn(r.home, 1), ERR_OK);
    }
    assert_int_equal(e, ERR_TOO_BIG);
    most = net_stream_queued(r.near.s);
    assert_true(most > MAX - 2 * CHUNK && most <= MAX);
    r.near.drained = 0; /* what came of the first chunks, which the kernel took */
    net_stream_resume(r.peer.s);
    assert_true(TURN_UNTIL(r.home, r.near.drained == 1, WAIT_MS));
    assert_int_equal(net_stream_queued(r.near.s), 0);
    assert_true(TURN_UNTIL(r.home, got(&r.peer, written), WAIT_MS));
    assert_int_equal(r.peer.got.n, written);
    done(&r);
}

static void progress_is_told_before_the_end(void **state)
{
    enum { N = 4 << 20 };
    autobuf all = BUF_INIT(N);
    struct net_limits limits = { .out_max = N, .idle_ms = -1, .stall_ms = -1 };
    struct relayed r;
    (void)state;
    pattern(&all, N);
    start(&r);
    net_stream_set_limits(r.near.s, &limits);
    net_stream_pause(r.peer.s);
    assert_int_equal(net_stream_write(r.near.s, buf_slice(&all)), ERR_OK);
    /* the kernel takes some of it, and the near end learns that although nothing else happens */
    assert_true(TURN_UNTIL(r.home, net_stream_queued(r.near.s) < N, WAIT_MS));
    assert_true(net_stream_queued(r.near.s) > N / 2);
    assert_int_equal(r.near.drained, 0);
    done(&r);
}

static void a_stalled_peer_ends_it(void **state)
{
    enum { N = 4 << 20 };
    autobuf all = BUF_INIT(N);
    struct net_limits limits = { .out_max = N, .idle_ms = -1, .stall_ms = 50 };
    struct relayed r;
    (void)state;
    pattern(&all, N);
    start(&r);
    net_stream_set_limits(r.near.s, &limits);
    net_stream_pause(r.peer.s);
    assert_int_equal(net_stream_write(r.near.s, buf_slice(&all)), ERR_OK);
    assert_true(TURN_UNTIL(r.home, r.near.closed, WAIT_MS));
    assert_int_equal(r.near.why, ERR_TIMEOUT);
    assert_string_equal(net_stream_why(r.near.s), "the peer took no output for 50 ms");
    assert_int_equal(net_stream_write(r.near.s, SLICE_LIT("x")), ERR_WRONG_STATE);
    done(&r);
}

static void an_idle_peer_ends_it(void **state)
{
    struct net_limits limits = { .idle_ms = 50, .stall_ms = -1 };
    struct relayed r;
    (void)state;
    start(&r);
    net_stream_set_limits(r.near.s, &limits);
    assert_true(TURN_UNTIL(r.home, r.near.closed, WAIT_MS));
    assert_int_equal(r.near.why, ERR_TIMEOUT);
    done(&r);
}

static void the_peers_end_comes_after_its_bytes(void **state)
{
    struct relayed r;
    (void)state;
    start(&r);
    net_stream_pause(r.near.s);
    assert_int_equal(net_stream_write(r.peer.s, SLICE_LIT("last words")), ERR_OK);
    net_stream_finish(steal(&r.peer.s));
    for (int i = 0; i < 10; i++)
        assert_int_equal(net_loop_turn(r.home, 10), ERR_OK);
    assert_int_equal(r.near.closed, 0);
    net_stream_resume(r.near.s);
    assert_true(TURN_UNTIL(r.home, r.near.closed, WAIT_MS));
    assert_string_equal(buf_str(&r.near.got), "last words");
    assert_int_equal(r.near.why, ERR_EOF);
    assert_string_equal(net_stream_why(r.near.s), "somebody:1 closed the connection");
    done(&r);
}

static void finish_sends_what_is_queued(void **state)
{
    enum { N = 1 << 20 };
    autobuf all = BUF_INIT(N);
    struct relayed r;
    (void)state;
    pattern(&all, N);
    start(&r);
    assert_int_equal(net_stream_write(r.near.s, buf_slice(&all)), ERR_OK);
    net_stream_finish(steal(&r.near.s));
    assert_true(TURN_UNTIL(r.home, r.peer.closed, WAIT_MS));
    assert_int_equal(r.peer.why, ERR_EOF);
    assert_int_equal(r.peer.got.n, N);
    assert_memory_equal(r.peer.got.p, all.p, N);
    done(&r);
}

static void free_cuts(void **state)
{
    struct relayed r;
    (void)state;
    start(&r);
    net_stream_free(steal(&r.near.s));
    assert_true(TURN_UNTIL(r.home, r.peer.closed, WAIT_MS));
    done(&r);
}

static void it_may_be_freed_while_it_is_read(void **state)
{
    struct relayed r;
    (void)state;
    start(&r);
    r.near.free_in_read = true;
    assert_int_equal(net_stream_write(r.peer.s, SLICE_LIT("x")), ERR_OK);
    assert_true(TURN_UNTIL(r.home, r.peer.closed, WAIT_MS));
    assert_null(r.near.s);
    done(&r);
}

/* The worker ends while bytes are on their way out. */
static void the_worker_sends_before_it_ends(void **state)
{
    enum { N = 100 << 10 }; /* fits the socket's buffer */
    autobuf all = BUF_INIT(N);
    struct relayed r;
    (void)state;
    pattern(&all, N);
    start(&r);
    assert_int_equal(net_stream_write(r.near.s, buf_slice(&all)), ERR_OK);
    net_stream_finish(steal(&r.near.s));
    net_worker_free(steal(&r.worker));
    assert_true(TURN_UNTIL(r.home, r.peer.closed, WAIT_MS));
    assert_int_equal(r.peer.got.n, N);
    done(&r);
}

/* Many on two workers at once: opened, used and ended in all ways, while others go on. */
static void many_come_and_go(void **state)
{
    enum { CONNS = 16, ROUNDS = 400 };
    struct relayed all[CONNS] = { 0 }, keeper;
    struct net_worker *second = NULL;
    unsigned x = 12345;
    (void)state;
    start(&keeper);
    assert_int_equal(net_worker_new(&second), ERR_OK);
    assert_int_equal(net_worker_start(second), ERR_OK);
    for (int round = 0; round < ROUNDS; round++) {
        struct relayed *r = &all[(x = x * 1103515245 + 12345) >> 16 & (CONNS - 1)];
        struct net_stream *end = r->near.s && x & 0x100000 ? steal(&r->near.s) : NULL;
        if (end && x & 0x200000)
            net_stream_free(end);
        else
            net_stream_finish(end);
        if (end)
            rec_done(&r->peer), rec_done(&r->near);
        if (!r->near.s) {
            *r = (struct relayed){ .home = keeper.home, .worker = round & 1 ? second : keeper.worker };
            open_one(r);
        }
        assert_int_equal(net_stream_write(r->near.s, SLICE_LIT("down")), ERR_OK);
        assert_int_equal(net_stream_write(r->peer.s, SLICE_LIT("up")), ERR_OK);
        assert_int_equal(net_loop_turn(keeper.home, 0), ERR_OK);
    }
    for (int i = 0; i < CONNS; i++)
        if (all[i].home)
            rec_done(&all[i].near), rec_done(&all[i].peer);
    assert_int_equal(net_stream_write(keeper.peer.s, SLICE_LIT("still here")), ERR_OK);
    assert_true(TURN_UNTIL(keeper.home, got(&keeper.near, 10), WAIT_MS));
    net_worker_free(second);
    done(&keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_cross_both_ways),
        cmocka_unit_test(much_crosses_in_order),
        cmocka_unit_test(back_pressure_reaches_the_peer),
        cmocka_unit_test(a_slow_reader_is_seen),
        cmocka_unit_test(progress_is_told_before_the_end),
        cmocka_unit_test(a_stalled_peer_ends_it),
        cmocka_unit_test(an_idle_peer_ends_it),
        cmocka_unit_test(the_peers_end_comes_after_its_bytes),
        cmocka_unit_test(finish_sends_what_is_queued),
        cmocka_unit_test(free_cuts),
        cmocka_unit_test(it_may_be_freed_while_it_is_read),
        cmocka_unit_test(the_worker_sends_before_it_ends),
        cmocka_unit_test(many_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
