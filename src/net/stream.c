/* src/net/stream.c - what all streams share; see stream.h for users, stream_impl.h for implementations. */
#include "net/stream.h"

#include "base/clock.h"
#include "net/stream_impl.h"

#include <inttypes.h>

#define IN_MAX_DEFAULT (256u * 1024)
#define OUT_MAX_DEFAULT (1024u * 1024)
#define STALL_MS_DEFAULT 30000

static void run_deferred(void *ctx);
static void on_timer(void *ctx);

err_t net_stream_init(struct net_stream *s, struct net_loop *loop, const struct net_stream_vtable *v,
                      const char *peer)
{
    *s = (struct net_stream){
        .v = v,
        .loop = loop,
        .in_max = IN_MAX_DEFAULT,
        .out_max = OUT_MAX_DEFAULT,
        .stall_ms = STALL_MS_DEFAULT,
        .task = { .fn = run_deferred, .ctx = s },
        .peer = mem_strdup(peer),
    };
    s->in = BUF_SECRET(s->in_max + NET_READ_MAX);
    if (s->peer && net_timer_new(loop, on_timer, s, &s->timer) == ERR_OK)
        return ERR_OK;
    free(s->peer);
    return ERR_NOMEM;
}

void net_stream_done(struct net_stream *s)
{
    net_loop_disown(s);
    net_timer_free(s->timer);
    buf_done(&s->in);
    free(s->peer);
    free(s->why_text);
}

/* ---- staying alive ---- */

static bool destroy_if_due(struct net_stream *s)
{
    if (!s->dead || s->depth || s->task_posted)
        return false;
    net_timer_stop(s->timer);
    s->v->destroy(s);
    return true;
}

void net_stream_hold(struct net_stream *s)
{
    s->depth++;
}

bool net_stream_release(struct net_stream *s)
{
    s->depth--;
    return !destroy_if_due(s);
}

void net_stream_give_up(struct net_stream *s)
{
    net_loop_disown(s);
    s->h = NULL;
    s->dead = true;
    s->v->want_read(s, false);
    (void)destroy_if_due(s); /* otherwise the last release or the posted task does it */
}

void net_stream_wake(struct net_stream *s)
{
    if (s->task_posted)
        return;
    s->task_posted = true;
    net_loop_post_task(s->loop, &s->task);
}

/* ---- deadlines: one timer for the soonest of them ---- */

struct deadline {
    int64_t at; /* 0 = none */
    const char *what;
    int64_t ms;
};

static struct deadline soonest(const struct net_stream *s)
{
    const struct deadline all[] = {
        { s->state == NET_OPENING ? s->open_by_ms : 0, s->opening, 0 },
        { s->finish_by_ms, "finish", 0 },
        { s->idle_ms && s->state == NET_OPEN && net_stream_wants(s) ? s->last_rx_ms + s->idle_ms : 0,
          "nothing was received", s->idle_ms },
        { s->stall_ms && s->state == NET_OPEN && s->v->queued(s) ? s->last_tx_ms + s->stall_ms : 0,
          "the peer took no output", s->stall_ms },
    };
    struct deadline best = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].at && (!best.at || all[i].at < best.at))
            best = all[i];
    return best;
}

/* Bytes move deadlines back all the time; the timer is only set forward and looks again when it fires. */
static void arm(struct net_stream *s)
{
    struct deadline d = soonest(s);
    if (!d.at || s->dead || (net_timer_armed(s->timer) && s->timer_at_ms <= d.at))
        return;
    s->timer_at_ms = d.at;
    net_timer_set(s->timer, d.at - clock_mono_ms());
}

static void expire(struct net_stream *s, const struct deadline *d)
{
    if (s->finish_by_ms)
        net_stream_give_up(s);
    else if (s->state == NET_OPENING)
        net_stream_end(s, ERR_TIMEOUT, "%s with %s did not complete in time", d->what, s->peer);
    else
        net_stream_end(s, ERR_TIMEOUT, "%s for %" PRId64 " ms", d->what, d->ms);
}

static void on_timer(void *ctx)
{
    struct net_stream *s = ctx;
    struct deadline d = soonest(s);
    if (d.at && d.at <= clock_mono_ms())
        expire(s, &d);
    else
        arm(s);
}

void net_stream_open_by(struct net_stream *s, int64_t after_ms, const char *what)
{
    s->open_by_ms = clock_mono_ms() + after_ms;
    s->opening = what;
    arm(s);
}

/* ---- callbacks ---- */

bool net_stream_wants(const struct net_stream *s)
{
    return s->h && !s->paused && !s->dead && s->state == NET_OPEN;
}

static void update_read(struct net_stream *s)
{
    s->v->want_read(s, net_stream_wants(s));
}

static void tell_open(struct net_stream *s)
{
    if (s->told_open || !s->h || s->state != NET_OPEN)
        return;
    s->told_open = true;
    if (s->h->on_open)
        s->h->on_open(s->ctx);
}

static size_t show(struct net_stream *s, struct slice data)
{
    while (!s->told_open && net_stream_wants(s))
        tell_open(s); /* bytes may overtake the deferred callback; on_open may exchange the handler */
    if (!net_stream_wants(s) || !data.n)
        return 0;
    size_t used = s->h->on_read(s->ctx, data);
    return used < data.n ? used : data.n;
}

static void show_kept(struct net_stream *s)
{
    s->show_again = false;
    buf_drop(&s->in, show(s, buf_slice(&s->in)));
    if (!s->in.n) { /* an idle connection holds nothing */
        buf_done(&s->in);
        s->in = BUF_SECRET(s->in_max + NET_READ_MAX);
    }
}

static void tell_close(struct net_stream *s)
{
    if (s->state != NET_ENDED || s->told_close || !s->h)
        return;
    s->told_close = true;
    s->h->on_close(s->ctx, s->why);
}

static void run_deferred(void *ctx)
{
    struct net_stream *s = ctx;
    s->task_posted = false;
    net_stream_hold(s);
    if (!s->dead) {
        tell_open(s);
        if (s->show_again)
            show_kept(s);
        if (s->v->pump && !s->dead)
            s->v->pump(s);
        tell_close(s);
    }
    (void)net_stream_release(s); /* s may be gone */
}

void net_stream_opened(struct net_stream *s)
{
    if (s->state != NET_OPENING || s->dead)
        return;
    s->state = NET_OPEN;
    s->last_rx_ms = s->last_tx_ms = clock_mono_ms();
    net_stream_hold(s);
    update_read(s);
    arm(s);
    tell_open(s);
    (void)net_stream_release(s); /* s may be gone; callers that go on hold it themselves */
}

void net_stream_feed(struct net_stream *s, struct slice data)
{
    s->last_rx_ms = clock_mono_ms();
    net_stream_hold(s);
    if (!s->in.n)
        data = slice_skip(data, show(s, data));
    err_t e = ERR_OK;
    if (data.n && !s->dead) {
        bool first = s->in.n == 0;
        e = buf_add(&s->in, data);
        if (!e && !first)
            show_kept(s);
    }
    if (e || (s->in.n > s->in_max && net_stream_wants(s)))
        net_stream_end(s, e == ERR_NOMEM ? e : ERR_TOO_BIG,
                       "%s sent more than %zu bytes that cannot be used yet", s->peer, s->in_max);
    (void)net_stream_release(s); /* as above */
}

void net_stream_progress(struct net_stream *s)
{
    s->last_tx_ms = clock_mono_ms();
    arm(s);
}

void net_stream_drained(struct net_stream *s)
{
    if (!s->h || !s->h->on_drain || s->dead)
        return;
    net_stream_hold(s);
    s->h->on_drain(s->ctx);
    (void)net_stream_release(s); /* as above */
}

void net_stream_end(struct net_stream *s, err_t why, const char *fmt, ...)
{
    if (s->state == NET_ENDED || s->dead)
        return;
    struct buf text = BUF_INIT(1024);
    va_list ap;
    va_start(ap, fmt);
    if (buf_vprintf(&text, fmt, ap) == ERR_OK)
        s->why_text = buf_steal_str(&text);
    va_end(ap);
    buf_done(&text);
    s->why = why;
    s->state = NET_ENDED;
    s->v->want_read(s, false);
    if (s->finish_by_ms)
        net_stream_give_up(s); /* nobody is left to be told */
    else
        net_stream_wake(s);
}

/* ---- the user's side ---- */

void net_stream_set_handler(struct net_stream *s, const struct net_handler *h, void *ctx)
{
    s->h = h;
    s->ctx = ctx;
    s->told_open = false;
    s->show_again = true;
    s->last_rx_ms = clock_mono_ms();
    update_read(s);
    arm(s);
    if (h)
        net_stream_wake(s);
}

err_t net_stream_write(struct net_stream *s, struct slice data)
{
    if (s->state == NET_ENDED || s->dead)
        return ERR_WRONG_STATE;
    if (!data.n)
        return ERR_OK;
    return s->v->write(s, data);
}

size_t net_stream_queued(const struct net_stream *s)
{
    return s->v->queued(s);
}

void net_stream_pause(struct net_stream *s)
{
    s->paused = true;
    update_read(s);
}

void net_stream_resume(struct net_stream *s)
{
    if (!s->paused)
        return;
    s->paused = false;
    s->show_again = true;
    s->last_rx_ms = clock_mono_ms();
    update_read(s);
    arm(s);
    net_stream_wake(s);
}

void net_stream_set_limits(struct net_stream *s, const struct net_limits *lim)
{
    if (lim->in_max)
        s->in_max = lim->in_max;
    if (lim->out_max)
        s->out_max = lim->out_max;
    if (lim->idle_ms >= 0)
        s->idle_ms = lim->idle_ms;
    if (lim->stall_ms >= 0)
        s->stall_ms = lim->stall_ms;
    s->in.max = s->in_max + NET_READ_MAX;
    if (s->v->limits)
        s->v->limits(s, lim);
    arm(s);
}

void net_stream_finish(struct net_stream *s)
{
    if (!s)
        return;
    s->h = NULL;
    if (s->state == NET_ENDED || s->state == NET_OPENING) {
        net_stream_give_up(s);
        return;
    }
    s->finish_by_ms = clock_mono_ms() + NET_FINISH_MS;
    net_loop_adopt(s->loop, s);
    arm(s);
    s->v->finish(s);
}

void net_stream_free(struct net_stream *s)
{
    if (s)
        net_stream_give_up(s);
}

bool net_stream_is_open(const struct net_stream *s)
{
    return s->state == NET_OPEN;
}

const char *net_stream_peer(const struct net_stream *s)
{
    return s->peer;
}

const char *net_stream_why(const struct net_stream *s)
{
    return s->why_text ? s->why_text : "";
}
