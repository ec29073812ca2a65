/* tests/unit/net/test_loop.c - posting, timers, signals, watches. */
#include "net/loop.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct counter {
    struct net_loop *loop;
    int n;
    int stop_at;
    int order[4];
};

static void count(void *ctx)
{
    struct counter *c = ctx;
    if (++c->n == c->stop_at)
        net_loop_stop(c->loop);
}

#define POSTS 2000

static void *post_many(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < POSTS; i++)
        if (net_loop_post(c->loop, count, c))
            abort();
    return NULL;
}

static void posts_from_two_threads_all_arrive(void **state)
{
    struct counter c = { .stop_at = 2 * POSTS };
    pthread_t t[2];
    (void)state;
    assert_int_equal(net_loop_new(&c.loop), ERR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, post_many, &c), 0);
    assert_int_equal(net_loop_run(c.loop), ERR_OK);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(c.n, 2 * POSTS);
    net_loop_free(c.loop);
}

static void post_runs_later_and_a_task_may_post_itself_again(void **state)
{
    struct counter c = { .stop_at = 2 };
    struct net_task task = { .fn = count, .ctx = &c };
    (void)state;
    assert_int_equal(net_loop_new(&c.loop), ERR_OK);
    net_loop_post_task(c.loop, &task);
    assert_int_equal(c.n, 0); /* never inside the call */
    assert_int_equal(net_loop_turn(c.loop, 0), ERR_OK);
    assert_int_equal(c.n, 1);
    net_loop_post_task(c.loop, &task);
    assert_int_equal(net_loop_run(c.loop), ERR_OK);
    assert_int_equal(c.n, 2);
    net_loop_free(c.loop);
}

static void free_runs_what_was_posted(void **state)
{
    struct counter c = { 0 };
    (void)state;
    assert_int_equal(net_loop_new(&c.loop), ERR_OK);
    assert_int_equal(net_loop_post(c.loop, count, &c), ERR_OK);
    net_loop_free(c.loop);
    assert_int_equal(c.n, 1);
}

struct latecomer {
    struct counter *c;
    int name;
    struct net_later l, *cancels, *asks;
};

static void come_late(void *ctx)
{
    struct latecomer *a = ctx;
    a->c->order[a->c->n++] = a->name;
    if (a->cancels)
        net_later_cancel(a->cancels);
    if (a->asks)
        net_loop_later(a->c->loop, steal(&a->asks));
}

static void ask_all(void *ctx)
{
    struct latecomer *a = ctx;
    for (int i = 0; i < 3; i++)
        net_loop_later(a->c->loop, &a[i].l);
    net_loop_later(a->c->loop, &a[0].l); /* again: changes nothing */
    assert_int_equal(a->c->n, 0);
}

/* What is put off runs once, in order, in the turn that asked for it; not when it was cancelled. */
static void work_put_off_runs_at_the_end_of_the_turn(void **state)
{
    struct counter c = { 0 };
    struct latecomer a[4];
    (void)state;
    assert_int_equal(net_loop_new(&c.loop), ERR_OK);
    for (int i = 0; i < 4; i++)
        a[i] = (struct latecomer){ .c = &c, .name = i, .l = { .fn = come_late, .ctx = &a[i] } };
    a[0].cancels = &a[1].l;
    a[2].asks = &a[3].l;
    assert_int_equal(net_loop_post(c.loop, ask_all, a), ERR_OK);
    assert_int_equal(net_loop_turn(c.loop, 0), ERR_OK);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.order[0], 0);
    assert_int_equal(c.order[1], 2);
    assert_int_equal(c.order[2], 3);
    net_loop_later(c.loop, &a[3].l); /* the last one is cancelled, then another is asked for */
    net_later_cancel(&a[3].l);
    net_later_cancel(&a[3].l);
    net_loop_later(c.loop, &a[1].l);
    assert_int_equal(net_loop_turn(c.loop, 0), ERR_OK);
    assert_int_equal(c.n, 4);
    assert_int_equal(c.order[3], 1);
    net_loop_free(c.loop);
}

static void a_stop_before_run_sticks(void **state)
{
    struct net_loop *loop = NULL;
    (void)state;
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    net_loop_stop(loop);
    assert_int_equal(net_loop_run(loop), ERR_OK);
    net_loop_free(loop);
}

static void timers_fire_in_time_and_can_be_moved(void **state)
{
    struct counter c = { .stop_at = 1 }, never = { 0 };
    struct net_timer *t = NULL, *u = NULL;
    (void)state;
    assert_int_equal(net_loop_new(&c.loop), ERR_OK);
    assert_int_equal(net_timer_new(c.loop, count, &c, &t), ERR_OK);
    assert_int_equal(net_timer_new(c.loop, count, &never, &u), ERR_OK);
    assert_false(net_timer_armed(t));
    net_timer_set(t, 5000);
    net_timer_set(t, 30); /* moved forward */
    net_timer_set(u, 10);
    net_timer_stop(u);
    int64_t start = clock_mono_ms();
    assert_int_equal(net_loop_run(c.loop), ERR_OK);
    int64_t took = clock_mono_ms() - start;
    assert_in_range(took, 25, 2000);
    assert_false(net_timer_armed(t));
    assert_int_equal(never.n, 0);
    net_timer_free(t);
    net_timer_free(u);
    net_timer_free(NULL);
    net_loop_free(c.loop);
}

static void signals_arrive_on_the_loop(void **state)
{
    struct counter c = { .stop_at = 1 };
    struct net_signal *s = NULL;
    (void)state;
    assert_int_equal(net_loop_new(&c.loop), ERR_OK);
    assert_int_equal(net_signal_new(c.loop, SIGUSR1, count, &c, &s), ERR_OK);
    kill(getpid(), SIGUSR1);
    assert_int_equal(net_loop_run(c.loop), ERR_OK);
    assert_int_equal(c.n, 1);
    net_signal_free(s);
    net_loop_free(c.loop);
}

struct seen {
    int readable, writable;
};

static void see(void *ctx, bool readable, bool writable)
{
    struct seen *s = ctx;
    s->readable += readable;
    s->writable += writable;
}

static void watches_tell_what_was_asked_for(void **state)
{
    struct net_loop *loop = NULL;
    struct net_watch *r = NULL, *w = NULL;
    struct seen rs = { 0 }, ws = { 0 };
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(net_watch_new(loop, fds[0], see, &rs, &r), ERR_OK);
    assert_int_equal(net_watch_new(loop, fds[1], see, &ws, &w), ERR_OK);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(net_loop_turn(loop, 0), ERR_OK);
    assert_int_equal(rs.readable + ws.writable, 0); /* at rest until set */
    assert_int_equal(net_watch_set(r, true, false), ERR_OK);
    assert_int_equal(net_watch_set(w, false, true), ERR_OK);
    assert_int_equal(net_loop_turn(loop, 100), ERR_OK);
    assert_int_equal(rs.readable, 1);
    assert_int_equal(ws.writable, 1);
    assert_int_equal(net_watch_set(w, false, false), ERR_OK);
    assert_int_equal(net_loop_turn(loop, 100), ERR_OK);
    assert_int_equal(rs.readable, 2); /* level triggered: the byte is still there */
    assert_int_equal(ws.writable, 1);
    net_watch_free(r);
    net_watch_free(w);
    net_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_from_two_threads_all_arrive),
        cmocka_unit_test(post_runs_later_and_a_task_may_post_itself_again),
        cmocka_unit_test(free_runs_what_was_posted),
        cmocka_unit_test(work_put_off_runs_at_the_end_of_the_turn),
        cmocka_unit_test(a_stop_before_run_sticks),
        cmocka_unit_test(timers_fire_in_time_and_can_be_moved),
        cmocka_unit_test(signals_arrive_on_the_loop),
        cmocka_unit_test(watches_tell_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
