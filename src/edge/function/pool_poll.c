/* src/edge/function/pool_poll.c - workers on the wire: they ask for work, answer, report their start. */
#include "edge/function/pool_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static int64_t idle_deadline(const struct pool *p, const struct worker *w, int64_t now_ms)
{
    return w->pinned ? POOL_NEVER : now_ms + p->limits.idle_ms;
}

void worker_give(struct pool *p, struct worker *w, struct item *it, int64_t now_ms)
{
    w->item = it;
    w->handed = w->waiter;
    w->waiter = POOL_NOBODY;
    worker_set(w, WORKER_WORKING, now_ms + w->fn->timeout_ms, now_ms);
    pool_wake(p);
}

struct item *worker_answered(struct pool *p, struct worker *w, int64_t now_ms)
{
    w->answered = true;
    w->handed = POOL_NOBODY;
    if (w->waiter)
        worker_set(w, WORKER_WAITING, idle_deadline(p, w, now_ms), now_ms);
    else
        worker_set(w, WORKER_BETWEEN, now_ms + p->limits.start_ms, now_ms);
    pool_wake(p);
    return steal(&w->item);
}

static void mark_ready(struct pool *p, struct worker *w)
{
    struct pool_fn *fn = w->fn;

    w->ready = true;
    fn->start_fails = 0;
    fn->failed = false;
    if (fn->pinned && !fn->said_ready) {
        fn->said_ready = fn->tell_ready = true;
        pool_wake(p);
    }
}

/* The worker asks again and has an item: one that was on its way to the older poll goes to this one;
 * otherwise it owes an answer. */
static err_t poll_with_item(struct pool *p, struct worker *w, uint64_t waiter, struct pool_work *ret)
{
    if (!w->tell_work) {
        pool_drop_waiter(p, w->waiter, ERR_CONFLICT);
        w->waiter = waiter;
        return ERR_MORE;
    }
    pool_drop_waiter(p, w->handed, ERR_CONFLICT);
    w->tell_work = false;
    w->handed = waiter;
    *ret = item_work(w->item);
    return ERR_OK;
}

err_t pool_poll(struct pool *p, const char *token, const char *arn, uint64_t waiter, int64_t now_ms,
                struct pool_work *ret)
{
    struct worker *w = worker_by_token(p, token);
    struct item *it;

    if (!w || strcmp(w->arn, arn) != 0)
        return ERR_AUTH;
    if (w->state == WORKER_STOPPING)
        return ERR_CANCELLED;
    w->polled = true;
    mark_ready(p, w);
    if (w->item)
        return poll_with_item(p, w, waiter, ret);
    pool_drop_waiter(p, w->waiter, ERR_CONFLICT);
    w->waiter = waiter;
    it = pool_must_yield(p, w->fn, now_ms) ? NULL : item_take_next(p, w->fn);
    if (!it) {
        worker_set(w, WORKER_WAITING, idle_deadline(p, w, now_ms), now_ms);
        pool_wake(p);
        return ERR_MORE;
    }
    worker_give(p, w, it, now_ms);
    *ret = item_work(it);
    return ERR_OK;
}

err_t pool_initialized(struct pool *p, const char *token, const char *arn, bool ok, const char *text,
                       int64_t now_ms)
{
    struct worker *w = worker_by_token(p, token);

    if (!w || strcmp(w->arn, arn) != 0)
        return ERR_AUTH;
    if (w->state == WORKER_STOPPING)
        return ERR_CANCELLED;
    if (ok) {
        w->said = true;
        mark_ready(p, w);
        if (w->state == WORKER_STARTING)
            worker_set(w, WORKER_BETWEEN, w->pinned ? POOL_NEVER : now_ms + p->limits.start_ms, now_ms);
        return ERR_OK;
    }
    (void)snprintf(w->fn->why, sizeof(w->fn->why), "worker with %s failed to initialize with reason %s",
                   w->id, text && *text ? text : "(none given)");
    worker_stop(p, w, END_REFUSED, p->limits.grace_ms);
    return ERR_OK;
}

void worker_forget_waiter(struct pool *p, struct worker *w, uint64_t waiter, int64_t now_ms)
{
    struct item *it;

    if (w->waiter == waiter) {
        w->waiter = POOL_NOBODY;
        if (w->state == WORKER_WAITING)
            worker_set(w, WORKER_BETWEEN, now_ms + p->limits.start_ms, now_ms);
        pool_wake(p);
        return;
    }
    it = steal(&w->item);
    w->handed = POOL_NOBODY;
    w->tell_work = false;
    worker_set(w, WORKER_BETWEEN, now_ms + p->limits.start_ms, now_ms);
    if (!item_lost_worker(p, it, now_ms))
        item_requeue(p, it);
}
