/* The stream over WebSocket frames, on a pair in memory. What frames may be is tests/integration's to show.
 */
#include "../net/recorder.h"
#include "base/mem.h"
#include "http/websocket.h"
#include "http/ws_frames.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct {
    struct net_loop *loop;
    struct recorder peer, user; /* the other end of the wire, and the one who has the stream */
} t;

static int setup(void **state)
{
    struct net_stream *a, *b, *ws;

    (void)state;
    if (net_loop_new(&t.loop) || net_stream_pair(t.loop, &a, &b) || websocket_stream_new(a, &ws))
        return -1;
    rec_attach(&t.user, ws);
    rec_attach(&t.peer, b);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rec_done(&t.user);
    rec_done(&t.peer);
    net_loop_free(t.loop);
    return 0;
}

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        assert_int_equal(net_loop_turn(t.loop, 0), ERR_OK);
}

static void from_peer(struct slice frames)
{
    assert_int_equal(net_stream_write(t.peer.s, frames), ERR_OK);
    turn();
}

static void assert_got(struct recorder *r, struct slice want)
{
    turn();
    assert_int_equal(r->got.n, want.n);
    assert_memory_equal(r->got.p, want.p, want.n);
    buf_clear(&r->got);
}

#define HELLO "\x82\x85\x00\x00\x00\x00hello"

static void both_ways(void **state)
{
    (void)state;
    turn();
    assert_int_equal(t.user.opened, 1);
    from_peer(SLICE_LIT(HELLO));
    assert_got(&t.user, SLICE_LIT("hello"));
    assert_int_equal(net_stream_write(t.user.s, SLICE_LIT("abc")), ERR_OK);
    assert_got(&t.peer, SLICE_LIT("\x82\x03"
                                  "abc"));
}

static void a_paused_user_holds_the_peer(void **state)
{
    (void)state;
    net_stream_pause(t.user.s);
    from_peer(SLICE_LIT(HELLO));
    from_peer(SLICE_LIT(HELLO));
    assert_int_equal(t.user.got.n, 0);
    net_stream_resume(t.user.s);
    assert_got(&t.user, SLICE_LIT("hellohello"));
}

static void a_close_frame_is_answered(void **state)
{
    (void)state;
    from_peer(SLICE_LIT("\x88\x82\x00\x00\x00\x00\x03\xe9"));
    assert_int_equal(t.user.closed, 1);
    assert_int_equal(t.user.why, ERR_CANCELLED);
    rec_done(&t.user);
    assert_got(&t.peer, SLICE_LIT("\x88\x02\x03\xe9"));
    assert_int_equal(t.peer.closed, 1);
}

static void bad_frames_end_it(void **state)
{
    (void)state;
    from_peer(SLICE_LIT("\x81\x81\x00\x00\x00\x00x" HELLO));
    assert_int_equal(t.user.why, ERR_PROTO);
    assert_int_equal(t.user.got.n, 0);
}

static void finishing_says_so(void **state)
{
    (void)state;
    assert_int_equal(net_stream_write(t.user.s, SLICE_LIT("x")), ERR_OK);
    net_stream_finish(steal(&t.user.s));
    assert_got(&t.peer, SLICE_LIT("\x82\x01"
                                  "x\x88\x02\x03\xe8"));
    assert_int_equal(t.peer.closed, 1);
}

static void freed_while_reading(void **state)
{
    (void)state;
    t.user.free_in_read = true;
    from_peer(SLICE_LIT(HELLO HELLO));
    assert_null(t.user.s);
    assert_int_equal(t.peer.closed, 1);
}

static void the_peer_cuts(void **state)
{
    (void)state;
    net_stream_free(steal(&t.peer.s));
    turn();
    assert_int_equal(t.user.closed, 1);
    assert_int_equal(t.user.why, ERR_EOF);
}

/* Output is bounded, whoever causes it: the user, or a peer that sends PINGs and reads no answers. */
static void output_is_bounded(void **state)
{
    static const uint8_t big[4097];
    autobuf pings = BUF_INIT(1u << 20);

    (void)state;
    net_stream_set_limits(t.user.s, &(struct net_limits){ .out_max = 4096, .idle_ms = -1, .stall_ms = -1 });
    assert_int_equal(net_stream_write(t.user.s, SLICE_ARRAY(big)), ERR_TOO_BIG);
    net_stream_pause(t.peer.s);
    for (int i = 0; i < 4000; i++)
        assert_int_equal(buf_add(&pings, SLICE_LIT("\x89\x84\x00\x00\x00\x00ping")), ERR_OK);
    from_peer(buf_slice(&pings));
    assert_int_equal(t.user.closed, 1);
    assert_int_equal(t.user.why, ERR_TOO_BIG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_ways),
        T(a_paused_user_holds_the_peer),
        T(a_close_frame_is_answered),
        T(bad_frames_end_it),
        T(finishing_says_so),
        T(freed_while_reading),
        T(the_peer_cuts),
        T(output_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
