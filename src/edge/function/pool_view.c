/* src/edge/function/pool_view.c - looking in: health and counters. */
#include "edge/function/pool_impl.h"

/* Reference 8.2. */
static const char *worker_word(const struct worker *w)
{
    static const char *const words[] = {
        [WORKER_STARTING] = "Starting", [WORKER_BETWEEN] = "Waiting",     [WORKER_WAITING] = "Waiting",
        [WORKER_WORKING] = "Working",   [WORKER_STOPPING] = "Terminated",
    };

    return w->said && !w->polled && w->state == WORKER_BETWEEN ? "Initialized" : words[w->state];
}

static void view_missing(const struct pool_fn *fn, void (*view)(void *ctx, const struct pool_worker_view *w),
                         void *ctx)
{
    struct pool_worker_view v = { fn->arn, fn->last_id, 0, "NotStarted" };

    if (fn->failed)
        v.state = "FailedInitialization";
    else if (fn->starts > 0)
        v.state = "Terminated";
    if (fn->pinned || fn->failed)
        view(ctx, &v);
}

void pool_each_worker(const struct pool *p, void (*fn)(void *ctx, const struct pool_worker_view *w),
                      void *ctx)
{
    const struct worker *w;

    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link)) {
        struct pool_worker_view v = { w->arn, w->id, w->pid, worker_word(w) };
        fn(ctx, &v);
    }
    for (size_t i = 0; i < p->fn_count; i++)
        if (p->fns[i].living == 0)
            view_missing(&p->fns[i], fn, ctx);
}

void pool_stats(const struct pool *p, struct pool_stats *ret)
{
    const struct worker *w;

    *ret = p->stats;
    ret->items = p->live;
    ret->results = p->kept;
    ret->bytes = p->bytes;
    ret->on_demand = p->on_demand;
    ret->workers = 0;
    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        ret->workers++;
}
