/* tests/unit/net/test_stream.c - what every stream promises, tried on a pair in memory. */
#include "net/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "recorder.h"

struct pair {
    struct net_loop *loop;
    struct recorder a, b;
};

static struct pair pair_make(void)
{
    struct pair p = { 0 };
    assert_int_equal(net_loop_new(&p.loop), ERR_OK);
    assert_int_equal(net_stream_pair(p.loop, &p.a.s, &p.b.s), ERR_OK);
    return p;
}

static void pair_attach(struct pair *p)
{
    rec_attach(&p->a, p->a.s);
    rec_attach(&p->b, p->b.s);
}

static void pair_done(struct pair *p)
{
    rec_done(&p->a);
    rec_done(&p->b);
    net_loop_free(p->loop);
}

static void turn(struct pair *p, int n)
{
    while (n--)
        assert_int_equal(net_loop_turn(p->loop, 0), ERR_OK);
}

static void bytes_and_open_arrive_later(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    assert_true(net_stream_is_open(p.a.s));
    assert_int_equal(p.a.opened, 0); /* never inside a call */
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("hello")), ERR_OK);
    assert_int_equal(net_stream_queued(p.a.s), 5);
    assert_int_equal(p.b.got.n, 0);
    turn(&p, 3);
    assert_int_equal(p.a.opened, 1);
    assert_string_equal(buf_str(&p.b.got), "hello");
    assert_int_equal(p.a.drained, 1);
    assert_int_equal(net_stream_queued(p.a.s), 0);
    pair_done(&p);
}

static void unused_bytes_are_kept_and_shown_again(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    p.b.take = 2;
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("abcde")), ERR_OK);
    turn(&p, 3);
    assert_string_equal(buf_str(&p.b.got), "ab");
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("f")), ERR_OK);
    turn(&p, 3);
    assert_string_equal(buf_str(&p.b.got), "abcd");
    p.b.take = 0;
    net_stream_pause(p.b.s);
    net_stream_resume(p.b.s);
    turn(&p, 3);
    assert_string_equal(buf_str(&p.b.got), "abcdef");
    pair_done(&p);
}

static void paused_means_nothing_is_shown(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    net_stream_pause(p.b.s);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("x")), ERR_OK);
    turn(&p, 3);
    assert_int_equal(p.b.got.n, 0);
    assert_int_equal(net_stream_queued(p.a.s), 1);
    net_stream_resume(p.b.s);
    turn(&p, 3);
    assert_int_equal(p.b.got.n, 1);
    pair_done(&p);
}

static void output_limit_is_all_or_nothing(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    net_stream_pause(p.b.s);
    net_stream_set_limits(p.a.s, &(struct net_limits){ .out_max = 4, .idle_ms = -1, .stall_ms = -1 });
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("12345")), ERR_TOO_BIG);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("123")), ERR_OK);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("45")), ERR_TOO_BIG);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("4")), ERR_OK);
    net_stream_resume(p.b.s);
    turn(&p, 3);
    assert_string_equal(buf_str(&p.b.got), "1234");
    assert_int_equal(p.a.closed, 0);
    pair_done(&p);
}

static void input_that_nobody_can_use_ends_the_stream(void **state)
{
    struct pair p = pair_make();
    static const uint8_t junk[1001];
    (void)state;
    pair_attach(&p);
    net_stream_set_limits(p.b.s, &(struct net_limits){ .in_max = 999, .idle_ms = -1, .stall_ms = -1 });
    p.b.take = 1;
    assert_int_equal(net_stream_write(p.a.s, slice_of(junk, 1000)), ERR_OK); /* 999 kept: the limit */
    turn(&p, 3);
    assert_int_equal(p.b.closed, 0);
    assert_int_equal(net_stream_write(p.a.s, slice_of(junk, 2)), ERR_OK); /* one past it */
    turn(&p, 3);
    assert_int_equal(p.b.closed, 1);
    assert_int_equal(p.b.why, ERR_TOO_BIG);
    pair_done(&p);
}

static void a_close_is_told_once_after_the_last_bytes(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("bye")), ERR_OK);
    net_stream_finish(steal(&p.a.s));
    turn(&p, 4);
    assert_string_equal(buf_str(&p.b.got), "bye");
    assert_int_equal(p.b.closed, 1);
    assert_int_equal(p.b.why, ERR_EOF);
    assert_int_equal(p.a.closed, 0); /* who gives up is told nothing */
    assert_int_equal(net_stream_write(p.b.s, SLICE_LIT("x")), ERR_WRONG_STATE);
    assert_non_null(strstr(net_stream_why(p.b.s), "closed"));
    pair_done(&p);
}

static void a_callback_may_free_its_stream(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    p.b.free_in_read = true;
    p.a.free_in_close = true;
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("1")), ERR_OK);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("2")), ERR_OK);
    turn(&p, 4);
    assert_null(p.b.s);
    assert_null(p.a.s);
    assert_int_equal(p.a.why, ERR_EOF);
    assert_int_equal(p.b.closed, 0);
    pair_done(&p);
}

static void a_new_handler_gets_open_and_kept_bytes(void **state)
{
    struct pair p = pair_make();
    struct recorder second;
    (void)state;
    pair_attach(&p);
    p.b.take = 1;
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("abc")), ERR_OK);
    turn(&p, 3);
    rec_attach(&second, steal(&p.b.s));
    turn(&p, 3);
    assert_int_equal(second.opened, 1);
    assert_string_equal(buf_str(&second.got), "bc");
    rec_done(&second);
    pair_done(&p);
}

static void silence_runs_into_the_idle_deadline(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    net_stream_set_limits(p.b.s, &(struct net_limits){ .idle_ms = 80, .stall_ms = -1 });
    for (int i = 0; i < 4; i++) { /* bytes push it back */
        assert_int_equal(net_loop_turn(p.loop, 40), ERR_OK);
        assert_int_equal(net_stream_write(p.a.s, SLICE_LIT(".")), ERR_OK);
        turn(&p, 3);
    }
    assert_int_equal(p.b.closed, 0);
    assert_true(TURN_UNTIL(p.loop, p.b.closed, 2000));
    assert_int_equal(p.b.why, ERR_TIMEOUT);
    pair_done(&p);
}

static void a_reader_that_takes_nothing_runs_into_the_stall_deadline(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    net_stream_pause(p.b.s);
    net_stream_set_limits(p.a.s, &(struct net_limits){ .idle_ms = -1, .stall_ms = 60 });
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("x")), ERR_OK);
    assert_true(TURN_UNTIL(p.loop, p.a.closed, 2000));
    assert_int_equal(p.a.why, ERR_TIMEOUT);
    pair_done(&p);
}

static void finish_with_no_reader_is_freed_with_the_loop(void **state)
{
    struct pair p = pair_make();
    (void)state;
    pair_attach(&p);
    net_stream_pause(p.b.s);
    assert_int_equal(net_stream_write(p.a.s, SLICE_LIT("never read")), ERR_OK);
    net_stream_finish(steal(&p.a.s)); /* LeakSanitizer looks on */
    turn(&p, 2);
    pair_done(&p);
}

static const struct {
    const char *text;
    err_t want;
    const char *host;
    uint16_t port;
} addrs[] = {
    { "127.0.0.1:8883", ERR_OK, "127.0.0.1", 8883 },
    { "localhost:0", ERR_OK, "localhost", 0 },
    { "[::1]:65535", ERR_OK, "::1", 65535 },
    { "*:1", ERR_OK, "*", 1 },
    { "h:65536", ERR_INVALID, NULL, 0 },
    { "h:", ERR_INVALID, NULL, 0 },
    { "h:+1", ERR_INVALID, NULL, 0 },
    { "h", ERR_INVALID, NULL, 0 },
    { ":80", ERR_INVALID, NULL, 0 },
    { "::1:80", ERR_INVALID, NULL, 0 },
    { "[]:80", ERR_INVALID, NULL, 0 },
    { "twelve-chars:80", ERR_INVALID, NULL, 0 }, /* one past the room below */
    { "eleven-char:80", ERR_OK, "eleven-char", 80 },
};

static void addresses_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
        char host[12] = "untouched";
        uint16_t port = 7;
        print_message("  %s\n", addrs[i].text);
        assert_int_equal(net_addr_split(addrs[i].text, host, sizeof(host), &port), addrs[i].want);
        assert_string_equal(host, addrs[i].want ? "untouched" : addrs[i].host);
        assert_int_equal(port, addrs[i].want ? 7 : addrs[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_open_arrive_later),
        cmocka_unit_test(unused_bytes_are_kept_and_shown_again),
        cmocka_unit_test(paused_means_nothing_is_shown),
        cmocka_unit_test(output_limit_is_all_or_nothing),
        cmocka_unit_test(input_that_nobody_can_use_ends_the_stream),
        cmocka_unit_test(a_close_is_told_once_after_the_last_bytes),
        cmocka_unit_test(a_callback_may_free_its_stream),
        cmocka_unit_test(a_new_handler_gets_open_and_kept_bytes),
        cmocka_unit_test(silence_runs_into_the_idle_deadline),
        cmocka_unit_test(a_reader_that_takes_nothing_runs_into_the_stall_deadline),
        cmocka_unit_test(finish_with_no_reader_is_freed_with_the_loop),
        cmocka_unit_test(addresses_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
