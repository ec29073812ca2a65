/* src/net/loop.c - see loop.h. libevent without its locks: what other threads may do goes through one
 * queue, which has no lock either, and one eventfd of our own. */
#include "net/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/stream_impl.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct net_loop {
    struct event_base *base;
    struct event *wake;
    struct event *turn; /* ends net_loop_turn */
    int wake_fd;
    atomic_bool stop;
    _Atomic(struct net_task *) posted; /* the last one first */
    struct net_later *later, **later_end;
    struct net_stream *orphans;
    uint8_t scratch[NET_READ_MAX];
};

static struct timeval to_timeval(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    return (struct timeval){ .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
}

/* ---- tasks ---- */

static void ring(struct net_loop *loop)
{
    uint64_t one = 1;
    /* EAGAIN means the counter is full: the loop will wake anyway. */
    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

/* In the order posted. */
static struct net_task *take_tasks(struct net_loop *loop)
{
    struct net_task *last = atomic_exchange(&loop->posted, NULL), *list = NULL;
    while (last) {
        struct net_task *before = last->next;
        last->next = list;
        list = last;
        last = before;
    }
    return list;
}

static bool run_tasks(struct net_loop *loop)
{
    struct net_task *t = take_tasks(loop);
    bool any = t != NULL;
    while (t) {
        struct net_task *next = t->next; /* fn may free the task or post it again */
        t->next = NULL;
        t->fn(t->ctx);
        t = next;
    }
    return any;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;
    (void)what;
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    (void)run_tasks(arg);
}

void net_loop_post_task(struct net_loop *loop, struct net_task *task)
{
    struct net_task *before = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do
        task->next = before;
    while (!atomic_compare_exchange_weak(&loop->posted, &before, task));
    if (!before)
        ring(loop); /* who found others there knows that the loop has been told */
}

struct heap_task {
    struct net_task task;
    net_task_fn fn;
    void *ctx;
};

static void run_heap_task(void *ctx)
{
    struct heap_task t = *(struct heap_task *)ctx;
    free(ctx);
    t.fn(t.ctx);
}

err_t net_loop_post(struct net_loop *loop, net_task_fn fn, void *ctx)
{
    struct heap_task *t = mem_calloc(1, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    *t = (struct heap_task){ { .fn = run_heap_task, .ctx = t }, fn, ctx };
    net_loop_post_task(loop, &t->task);
    return ERR_OK;
}

/* ---- the end of the turn ---- */

void net_loop_later(struct net_loop *loop, struct net_later *l)
{
    if (l->link)
        return;
    l->loop = loop;
    l->next = NULL;
    l->link = loop->later_end;
    *loop->later_end = l;
    loop->later_end = &l->next;
}

void net_later_cancel(struct net_later *l)
{
    if (!l->link)
        return;
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    else
        l->loop->later_end = l->link;
    l->link = NULL;
}

static void run_later(struct net_loop *loop)
{
    while (loop->later) {
        struct net_later *l = loop->later;

        net_later_cancel(l);
        l->fn(l->ctx);
    }
}

/* ---- life ---- */

static void on_turn_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg; /* waking was all */
}

static struct event_base *new_base(void)
{
    struct event_config *cfg = event_config_new();
    if (!cfg)
        return NULL;
    /* Uncached time: a callback that ran long must not shift the deadlines set after it. */
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME);
    struct event_base *base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    return base;
}

static err_t loop_setup(struct net_loop *loop)
{
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return ERR_IO;
    loop->base = new_base();
    if (!loop->base)
        return ERR_NOMEM;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    loop->turn = event_new(loop->base, -1, 0, on_turn_end, loop);
    if (!loop->wake || !loop->turn || event_add(loop->wake, NULL))
        return ERR_NOMEM;
    return ERR_OK;
}

err_t net_loop_new(struct net_loop **ret)
{
    struct net_loop *loop = mem_calloc(1, sizeof(*loop));
    if (!loop)
        return ERR_NOMEM;
    loop->wake_fd = -1;
    loop->later_end = &loop->later;
    signal(SIGPIPE, SIG_IGN);
    err_t e = loop_setup(loop);
    if (e) {
        net_loop_free(loop);
        return e;
    }
    *ret = loop;
    return ERR_OK;
}

void net_loop_free(struct net_loop *loop)
{
    if (!loop)
        return;
    while (run_tasks(loop))
        ;
    while (loop->orphans)
        net_stream_give_up(loop->orphans);
    while (run_tasks(loop))
        ; /* what giving up has posted */
    if (loop->wake)
        event_free(loop->wake);
    if (loop->turn)
        event_free(loop->turn);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    free(loop);
}

err_t net_loop_run(struct net_loop *loop)
{
    while (!atomic_exchange(&loop->stop, false)) {
        run_later(loop);
        if (event_base_loop(loop->base, EVLOOP_ONCE) < 0)
            return ERR_IO;
    }
    run_later(loop);
    return ERR_OK;
}

err_t net_loop_turn(struct net_loop *loop, int max_wait_ms)
{
    /* Without EVLOOP_ONCE libevent goes on as long as anything is ready: a busy peer would keep it here for
     * ever. */
    int flags = EVLOOP_ONCE | (max_wait_ms == 0 ? EVLOOP_NONBLOCK : 0);
    if (max_wait_ms > 0) {
        struct timeval tv = to_timeval(max_wait_ms);
        if (event_add(loop->turn, &tv))
            return ERR_NOMEM;
    }
    run_later(loop);
    int r = event_base_loop(loop->base, flags);
    event_del(loop->turn);
    run_later(loop);
    return r < 0 ? ERR_IO : ERR_OK;
}

void net_loop_stop(struct net_loop *loop)
{
    atomic_store(&loop->stop, true);
    ring(loop);
}

size_t net_loop_finishing(const struct net_loop *loop)
{
    size_t n = 0;
    for (const struct net_stream *s = loop->orphans; s; s = s->orphan_next)
        n++;
    return n;
}

uint8_t *net_loop_scratch(struct net_loop *loop)
{
    return loop->scratch;
}

void net_loop_adopt(struct net_loop *loop, struct net_stream *s)
{
    s->orphan_next = loop->orphans;
    s->orphan_link = &loop->orphans;
    if (loop->orphans)
        loop->orphans->orphan_link = &s->orphan_next;
    loop->orphans = s;
}

void net_loop_disown(struct net_stream *s)
{
    if (!s->orphan_link)
        return;
    *s->orphan_link = s->orphan_next;
    if (s->orphan_next)
        s->orphan_next->orphan_link = s->orphan_link;
    s->orphan_link = NULL;
}

/* ---- timers, signals, watches: one libevent event each ---- */

struct net_timer {
    struct event *ev;
    net_task_fn fn;
    void *ctx;
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct net_timer *t = arg;
    (void)fd, (void)what;
    t->fn(t->ctx); /* may free t */
}

err_t net_timer_new(struct net_loop *loop, net_task_fn fn, void *ctx, struct net_timer **ret)
{
    struct net_timer *t = mem_calloc(1, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    *t = (struct net_timer){ event_new(loop->base, -1, 0, on_timer, t), fn, ctx };
    if (!t->ev) {
        free(t);
        return ERR_NOMEM;
    }
    *ret = t;
    return ERR_OK;
}

void net_timer_set(struct net_timer *t, int64_t after_ms)
{
    struct timeval tv = to_timeval(after_ms);
    if (event_add(t->ev, &tv))
        event_active(t->ev, EV_TIMEOUT, 0);
}

void net_timer_stop(struct net_timer *t)
{
    event_del(t->ev);
}

bool net_timer_armed(const struct net_timer *t)
{
    return event_pending(t->ev, EV_TIMEOUT, NULL) != 0;
}

void net_timer_free(struct net_timer *t)
{
    if (!t)
        return;
    event_free(t->ev);
    free(t);
}

struct net_signal {
    struct event *ev;
    net_task_fn fn;
    void *ctx;
};

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
    struct net_signal *s = arg;
    (void)signum, (void)what;
    s->fn(s->ctx);
}

err_t net_signal_new(struct net_loop *loop, int signum, net_task_fn fn, void *ctx, struct net_signal **ret)
{
    struct net_signal *s = mem_calloc(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    *s = (struct net_signal){ evsignal_new(loop->base, signum, on_signal, s), fn, ctx };
    if (!s->ev || evsignal_add(s->ev, NULL)) {
        net_signal_free(s);
        return ERR_IO;
    }
    *ret = s;
    return ERR_OK;
}

void net_signal_free(struct net_signal *s)
{
    if (!s)
        return;
    if (s->ev)
        event_free(s->ev);
    free(s);
}

struct net_watch {
    struct event *ev;
    struct net_loop *loop;
    int fd;
    short now; /* what is waited for */
    net_watch_fn fn;
    void *ctx;
};

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct net_watch *w = arg;
    (void)fd;
    w->fn(w->ctx, what & EV_READ, what & EV_WRITE); /* may free w */
}

err_t net_watch_new(struct net_loop *loop, int fd, net_watch_fn fn, void *ctx, struct net_watch **ret)
{
    struct net_watch *w = mem_calloc(1, sizeof(*w));
    if (!w)
        return ERR_NOMEM;
    *w = (struct net_watch){ .loop = loop, .fd = fd, .fn = fn, .ctx = ctx };
    w->ev = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_ready, w);
    if (!w->ev) {
        free(w);
        return ERR_NOMEM;
    }
    *ret = w;
    return ERR_OK;
}

err_t net_watch_set(struct net_watch *w, bool read, bool write)
{
    short want = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0));
    if (want == w->now)
        return ERR_OK;
    event_del(w->ev);
    w->now = 0;
    if (!want)
        return ERR_OK;
    if (event_assign(w->ev, w->loop->base, w->fd, (short)(want | EV_PERSIST), on_ready, w) ||
        event_add(w->ev, NULL))
        return ERR_IO;
    w->now = want;
    return ERR_OK;
}

void net_watch_free(struct net_watch *w)
{
    if (!w)
        return;
    event_free(w->ev);
    free(w);
}
