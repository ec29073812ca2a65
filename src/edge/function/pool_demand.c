/* src/edge/function/pool_demand.c - who gets what: queued items meet waiting workers, workers are started for
 * the rest within the limit, the least recently used idle ones make room.
 */
#include "edge/function/pool_impl.h"

#include <stdio.h>

/* ---- counting ---- */

/* Workers of fn that will ask for work by themselves. */
static size_t coming(const struct pool *p, const struct pool_fn *fn)
{
    const struct worker *w;
    size_t n = 0;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        n += w->fn == fn && (w->state == WORKER_STARTING || w->state == WORKER_BETWEEN);
    return n;
}

/* Slots of on-demand workers that come free by themselves. */
static size_t leaving(const struct pool *p)
{
    const struct worker *w;
    size_t n = 0;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        n += !w->pinned && w->state == WORKER_STOPPING;
    return n;
}

static bool is_full(const struct pool *p)
{
    return p->on_demand >= (size_t)p->limits.max_concurrent;
}

static bool is_short(const struct pool *p, const struct pool_fn *fn, int64_t now_ms)
{
    return !fn->pinned && fn->queued > 0 && now_ms >= fn->not_before_ms && fn->queued > coming(p, fn);
}

/* The function on demand that lacks a worker and whose item has waited longest. */
static struct pool_fn *most_patient(const struct pool *p, int64_t now_ms)
{
    struct pool_fn *best = NULL;

    for (size_t i = 0; i < p->fn_count; i++) {
        struct pool_fn *fn = &p->fns[i];
        if (is_short(p, fn, now_ms) &&
            (!best || TAILQ_FIRST(&fn->queue)->seq < TAILQ_FIRST(&best->queue)->seq))
            best = fn;
    }
    return best;
}

bool pool_must_yield(const struct pool *p, const struct pool_fn *fn, int64_t now_ms)
{
    const struct pool_fn *other;

    if (fn->pinned || fn->queued == 0 || !is_full(p) || leaving(p) > 0)
        return false;
    other = most_patient(p, now_ms);
    return other && other != fn && TAILQ_FIRST(&other->queue)->seq < TAILQ_FIRST(&fn->queue)->seq &&
           other->living == 0;
}

/* ---- work for those who wait ---- */

/* The most recently used: the others grow old and are reaped. */
static struct worker *freshest_waiting(const struct pool *p, const struct pool_fn *fn)
{
    struct worker *w, *best = NULL;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        if (w->fn == fn && w->state == WORKER_WAITING && (!best || w->since_ms >= best->since_ms))
            best = w;
    return best;
}

static void hand_out(struct pool *p, struct pool_fn *fn, int64_t now_ms)
{
    struct worker *w;

    while (fn->queued > 0 && !pool_must_yield(p, fn, now_ms) && (w = freshest_waiting(p, fn))) {
        worker_give(p, w, item_take_next(p, fn), now_ms);
        w->tell_work = true;
    }
}

/* ---- workers for what waits ---- */

static void start_or_note(struct pool *p, struct pool_fn *fn, int64_t now_ms)
{
    err_t e = worker_start(p, fn, now_ms);

    if (e)
        fn_start_failed(p, fn, "no id", err_str(e), now_ms);
}

static void start_pinned(struct pool *p, int64_t now_ms)
{
    for (size_t i = 0; i < p->fn_count; i++) {
        struct pool_fn *fn = &p->fns[i];
        if (fn->pinned && now_ms >= fn->not_before_ms && fn->living == 0)
            start_or_note(p, fn, now_ms);
    }
}

static struct worker *least_recently_used(const struct pool *p)
{
    struct worker *w, *oldest = NULL;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        if (!w->pinned && w->state == WORKER_WAITING && (!oldest || w->since_ms < oldest->since_ms))
            oldest = w;
    return oldest;
}

static bool reap_one(struct pool *p)
{
    struct worker *w = least_recently_used(p);

    if (!w)
        return false;
    p->stats.reaped++;
    worker_stop(p, w, END_IDLE, p->limits.grace_ms);
    return true;
}

static void start_on_demand(struct pool *p, int64_t now_ms)
{
    struct pool_fn *fn;

    while (!is_full(p) && (fn = most_patient(p, now_ms)))
        start_or_note(p, fn, now_ms);
    if (is_full(p) && leaving(p) == 0 && most_patient(p, now_ms))
        (void)reap_one(p);
}

static void keep_lru_small(struct pool *p)
{
    const struct worker *w;
    int64_t idle = 0;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        idle += !w->pinned && w->state == WORKER_WAITING;
    while (idle-- > p->limits.lru)
        (void)reap_one(p);
}

void pool_balance(struct pool *p, int64_t now_ms)
{
    for (size_t i = 0; i < p->fn_count; i++)
        hand_out(p, &p->fns[i], now_ms);
    if (p->old_workers > 0)
        return; /* the new group starts when the old one is gone */
    start_pinned(p, now_ms);
    start_on_demand(p, now_ms);
    keep_lru_small(p);
}

/* ---- time ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int64_t fn_wakes_at(const struct pool *p, const struct pool_fn *fn)
{
    bool wants = fn->pinned ? fn->living == 0 : fn->queued > 0;

    return wants && p->old_workers == 0 ? fn->not_before_ms : -1;
}

int64_t pool_next_ms(const struct pool *p, int64_t now_ms)
{
    const struct item *oldest = TAILQ_FIRST(&p->results);
    int64_t at = oldest ? oldest->expires_ms : -1;
    const struct worker *w;

    if (p->woken)
        return 0;
    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        at = sooner(at, w->deadline_ms);
    for (size_t i = 0; i < p->fn_count; i++) {
        int64_t wake = fn_wakes_at(p, &p->fns[i]);
        if (wake > now_ms)
            at = sooner(at, wake);
    }
    if (p->old_workers > 0)
        at = sooner(at, p->next_wait_line_ms);
    return at < 0 ? -1 : at > now_ms ? at - now_ms : 0;
}
