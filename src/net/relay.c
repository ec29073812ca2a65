/* src/net/relay.c - see relay.h. One object for both ends; who touches what stands at its members. */
#include "net/relay.h"

#include "base/mem.h"
#include "net/stream_impl.h"

#include <pthread.h>
#include <stdatomic.h>

#define KEEP 256u     /* bytes of room that an idle direction keeps */
#define REPORT_MS 100 /* so often the near end learns what a slow reader has taken */

enum wish { WISH_NONE, WISH_FINISH, WISH_FREE };

struct relay {
    struct net_stream near; /* home's */
    atomic_uint refs;       /* the two ends, and each task that is posted */
    struct net_loop *home, *work;
    _Atomic uint64_t sent; /* of the bytes written at the near end, what the far end's kernel has */

    pthread_mutex_t lock; /* guards what follows, up to the next heading */
    struct buf up, down;
    bool near_posted, far_posted;
    bool up_full;       /* the far end is paused */
    bool resume;        /* and may go on */
    bool tell, drained; /* the near user has seen queued output and wants to know; it is sent */
    bool ended;
    err_t why;
    char *why_text;
    enum wish wish;
    struct net_limits limits; /* for the far end; out_max 0: unchanged */

    /* home's */
    struct net_task to_near;
    char *peer;
    net_relay_fn fn; /* NULL once it was called */
    void *ctx;
    bool alive;
    uint64_t accepted; /* bytes written at the near end */
    struct buf taken;  /* of `up`, not shown yet from `taken_at` on */
    size_t taken_at;

    /* the worker's */
    struct net_task to_far;
    struct net_stream *far; /* NULL once it is gone */
    struct net_timer *report;
    uint64_t handed; /* bytes written to the far end */
    struct buf batch;
    bool owes_drained; /* taken over from `tell` */
};

static struct relay *relay_of(struct net_stream *s)
{
    return CONTAINER_OF(s, struct relay, near);
}

static void relay_unref(struct relay *r)
{
    struct buf *all[] = { &r->up, &r->down, &r->taken, &r->batch };

    if (atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
    (void)pthread_mutex_destroy(&r->lock);
    free(r->why_text);
    free(r->peer);
    free(r);
}

/* ---- crossing ---- */

static void lock(struct relay *r)
{
    (void)pthread_mutex_lock(&r->lock);
}

static void unlock(struct relay *r)
{
    (void)pthread_mutex_unlock(&r->lock);
}

/* Unlock, and wake the other side if nobody has yet. Waking is a system call and the other side takes the
 * lock first of all: so not before the lock is free. */
static void unlock_and_call(struct relay *r, struct net_loop *loop, struct net_task *task, bool *posted)
{
    bool first = !*posted;

    *posted = true;
    if (first)
        atomic_fetch_add(&r->refs, 1);
    unlock(r);
    if (first)
        net_loop_post_task(loop, task);
}

static void unlock_call_near(struct relay *r)
{
    unlock_and_call(r, r->home, &r->to_near, &r->near_posted);
}

static void unlock_call_far(struct relay *r)
{
    unlock_and_call(r, r->work, &r->to_far, &r->far_posted);
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf t = *a;

    *a = *b;
    *b = t;
}

/* Ready for the next batch; an idle connection holds next to nothing. */
static void empty(struct buf *b)
{
    size_t max = b->max;

    if (b->room <= KEEP) {
        buf_clear(b);
        return;
    }
    buf_done(b);
    *b = BUF_SECRET(max);
}

/* ---- the far end, on the worker's thread ---- */

/* All of it was taken: the near user may be waiting for that. */
static void tell_drained(struct relay *r)
{
    if (!r->owes_drained)
        return;
    r->owes_drained = false;
    lock(r);
    r->drained = true;
    unlock_call_near(r);
}

static void count_sent(struct relay *r)
{
    size_t queued = net_stream_queued(r->far);

    /* TLS counts more bytes than it was given. */
    atomic_store(&r->sent, r->handed > queued ? r->handed - queued : 0);
    if (!queued)
        tell_drained(r);
    else if (r->report && !net_timer_armed(r->report))
        net_timer_set(r->report, REPORT_MS);
}

static void far_leave(struct relay *r)
{
    r->far = NULL;
    net_timer_free(r->report);
    r->report = NULL;
    relay_unref(r);
}

static void far_report(void *ctx)
{
    count_sent(ctx);
}

static size_t far_read(void *ctx, struct slice in)
{
    struct relay *r = ctx;
    bool full;
    err_t e;

    lock(r);
    e = buf_add(&r->up, in);
    full = r->up.n >= RELAY_UP_MAX || e;
    r->up_full = full;
    unlock_call_near(r);
    if (full)
        net_stream_pause(r->far);
    return e ? 0 : in.n; /* without memory the stream keeps it: it is shown again once `up` was taken */
}

static void far_drain(void *ctx)
{
    count_sent(ctx);
}

static void far_close(void *ctx, err_t why)
{
    struct relay *r = ctx;
    struct net_stream *s = r->far;
    char *text = mem_strdup(net_stream_why(s));

    lock(r);
    r->ended = true;
    r->why = why;
    r->why_text = text;
    unlock_call_near(r);
    net_stream_free(s);
    far_leave(r); /* r may be gone */
}

static const struct net_handler far_handler = { .on_read = far_read,
                                                .on_drain = far_drain,
                                                .on_close = far_close };

/* What the near end left for us since the last time. */
struct order {
    struct net_limits limits;
    enum wish wish;
    bool resume;
};

static struct order take_order(struct relay *r)
{
    struct order o;

    lock(r);
    r->far_posted = false;
    o = (struct order){ r->limits, r->wish, r->resume };
    r->limits = (struct net_limits){ .idle_ms = -1, .stall_ms = -1 };
    r->resume = false;
    r->owes_drained |= r->tell;
    r->tell = false;
    swap(&r->down, &r->batch);
    unlock(r);
    return o;
}

static void send_batch(struct relay *r)
{
    r->handed += r->batch.n;
    (void)net_stream_write(r->far, buf_slice(&r->batch)); /* a stream that cannot ends, and says so itself */
    if (net_stream_queued(r->far) && !r->report)
        (void)net_timer_new(r->work, far_report, r, &r->report); /* without it on_drain tells, later */
}

static void obey(struct relay *r, const struct order *o)
{
    if (o->limits.out_max || o->limits.stall_ms >= 0)
        net_stream_set_limits(r->far, &o->limits);
    if (r->batch.n)
        send_batch(r);
    count_sent(r);
    if (o->resume)
        net_stream_resume(r->far);
    if (o->wish == WISH_NONE)
        return;
    if (o->wish == WISH_FINISH)
        net_stream_finish(r->far);
    else
        net_stream_free(r->far);
    far_leave(r);
}

static void on_far(void *ctx)
{
    struct relay *r = ctx;
    struct order o = take_order(r);

    if (r->far)
        obey(r, &o);
    empty(&r->batch);
    relay_unref(r); /* the task's */
}

/* ---- the near end, on the home loop's thread ---- */

/* More bytes for the user, if any have come. */
static bool take(struct relay *r)
{
    if (r->taken_at < r->taken.n)
        return true;
    empty(&r->taken);
    r->taken_at = 0;
    lock(r);
    swap(&r->up, &r->taken);
    r->resume |= r->up_full;
    r->up_full = false;
    if (r->resume)
        unlock_call_far(r);
    else
        unlock(r);
    return r->taken.n > 0;
}

static void show_bytes(struct relay *r)
{
    while (net_stream_wants(&r->near) && take(r)) {
        struct slice s = slice_skip(buf_slice(&r->taken), r->taken_at);

        s = slice_head(s, s.n < NET_READ_MAX ? s.n : NET_READ_MAX);
        r->taken_at += s.n;
        net_stream_feed(&r->near, s);
    }
}

/* An orderly end comes after the bytes, a broken connection at once. */
static bool is_over(struct relay *r)
{
    bool over;

    lock(r);
    over = r->ended && (r->why != ERR_EOF || (!r->up.n && r->taken_at == r->taken.n));
    unlock(r);
    return over;
}

static bool take_drained(struct relay *r)
{
    bool drained;

    lock(r);
    drained = r->drained;
    r->drained = false;
    unlock(r);
    return drained && !net_stream_queued(&r->near);
}

static void near_pump(struct net_stream *s)
{
    struct relay *r = relay_of(s);

    net_stream_hold(s);
    show_bytes(r);
    if (take_drained(r))
        net_stream_drained(s);
    if (!s->dead && is_over(r))
        net_stream_end(s, r->why, "%s", r->why_text ? r->why_text : err_str(r->why));
    (void)net_stream_release(s); /* the caller holds a reference */
}

static size_t near_queued(const struct net_stream *s)
{
    const struct relay *r = CONTAINER_OF(s, const struct relay, near);
    uint64_t waiting = r->accepted - atomic_load(&r->sent);

    return waiting > RELAY_WINDOW ? (size_t)waiting : 0;
}

static err_t near_write(struct net_stream *s, struct slice data)
{
    struct relay *r = relay_of(s);
    uint64_t waiting = r->accepted - atomic_load(&r->sent);
    err_t e;

    if (data.n > s->out_max || waiting > s->out_max - data.n)
        return ERR_TOO_BIG;
    lock(r);
    if (!(e = buf_add(&r->down, data))) {
        r->accepted += data.n;
        r->tell |= waiting + data.n > RELAY_WINDOW;
    }
    unlock_call_far(r);
    return e;
}

static void near_limits(struct net_stream *s, const struct net_limits *lim)
{
    struct relay *r = relay_of(s);

    s->stall_ms = 0; /* the far end sees progress, we do not */
    lock(r);
    /* It may hold twice as much: it counts TLS's bytes, and must never refuse what was accepted here. */
    r->limits.out_max = 2 * s->out_max + RELAY_WINDOW;
    if (lim->stall_ms >= 0)
        r->limits.stall_ms = lim->stall_ms;
    unlock_call_far(r);
}

static void wish(struct relay *r, enum wish w)
{
    lock(r);
    if (r->wish == WISH_NONE)
        r->wish = w;
    unlock_call_far(r);
}

/* Once it is given up the far end is told at once, not when the last task of the near end has run: the worker
 * may be gone by then. */
static void near_want_read(struct net_stream *s, bool on)
{
    if (on)
        net_stream_wake(s);
    else if (s->dead)
        wish(relay_of(s), WISH_FREE);
}

static void near_finish(struct net_stream *s)
{
    wish(relay_of(s), WISH_FINISH);
    net_stream_give_up(s);
}

static void near_destroy(struct net_stream *s)
{
    struct relay *r = relay_of(s);

    r->alive = false;
    net_stream_done(s);
    relay_unref(r);
}

static const struct net_stream_vtable near_vtable = {
    .write = near_write,
    .queued = near_queued,
    .want_read = near_want_read,
    .finish = near_finish,
    .limits = near_limits,
    .pump = near_pump,
    .destroy = near_destroy,
};

/* The first task: the near end comes into being. */
static void arrive(struct relay *r)
{
    net_relay_fn fn = r->fn;

    r->fn = NULL;
    if (net_stream_init(&r->near, r->home, &near_vtable, r->peer)) {
        wish(r, WISH_FREE);
        relay_unref(r); /* the near end's */
        return;
    }
    r->alive = true;
    near_limits(&r->near, &(struct net_limits){ .idle_ms = -1, .stall_ms = -1 });
    net_stream_opened(&r->near);
    fn(r->ctx, &r->near);
}

static void on_near(void *ctx)
{
    struct relay *r = ctx;

    lock(r);
    r->near_posted = false;
    unlock(r);
    if (r->fn)
        arrive(r);
    if (r->alive && !r->near.dead)
        near_pump(&r->near);
    relay_unref(r); /* the task's */
}

/* ---- */

static struct relay *relay_new(struct net_stream *far, struct net_loop *home)
{
    struct relay *r = mem_calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    *r = (struct relay){ .refs = 2, .home = home, .work = far->loop, .far = far };
    r->to_near = (struct net_task){ .fn = on_near, .ctx = r };
    r->to_far = (struct net_task){ .fn = on_far, .ctx = r };
    r->limits = (struct net_limits){ .idle_ms = -1, .stall_ms = -1 };
    r->up = r->down = r->taken = r->batch = BUF_SECRET(SIZE_MAX / 2); /* see relay.h for what bounds them */
    (void)pthread_mutex_init(&r->lock, NULL);
    if ((r->peer = mem_strdup(net_stream_peer(far))))
        return r;
    r->refs = 1;
    relay_unref(r);
    return NULL;
}

err_t net_relay(struct net_stream *far, struct net_loop *home, net_relay_fn fn, void *ctx)
{
    struct relay *r = relay_new(far, home);

    if (!r)
        return ERR_NOMEM;
    r->fn = fn;
    r->ctx = ctx;
    net_stream_set_handler(far, &far_handler, r);
    lock(r);
    unlock_call_near(r);
    return ERR_OK;
}
