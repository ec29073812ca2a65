/* src/edge/function/pool.c - the group, the waiters' ends, the turn. */
#include "base/mem.h"
#include "edge/function/pool_impl.h"

#include <string.h>

struct pool_limits pool_limits_default(void)
{
    return (struct pool_limits){
        .max_items = 1024,
        .max_concurrent = 25,
        .lru = 25,
        .payload_max = 6 * 1024 * 1024,
        .bytes_max = 16 * 1024 * 1024,
        .start_ms = 30000,
        .idle_ms = 300000,
        .grace_ms = 3000,
        .result_ms = 60000,
        .max_results = 256,
        .max_tries = 3,
        .max_starts = 5,
        .backoff_ms = 200,
        .backoff_max_ms = 60000,
    };
}

err_t pool_new(const struct pool_limits *limits, const struct pool_driver *driver, void *ctx,
               struct pool **ret)
{
    struct pool *p = mem_calloc(1, sizeof(*p));

    if (!p)
        return ERR_NOMEM;
    p->limits = *limits;
    p->driver = driver;
    p->ctx = ctx;
    TAILQ_INIT(&p->workers);
    TAILQ_INIT(&p->asked);
    TAILQ_INIT(&p->results);
    TAILQ_INIT(&p->told);
    *ret = p;
    return ERR_OK;
}

static void free_list(struct pool *p, struct item_list *list)
{
    struct item *it;

    while ((it = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, it, in_queue);
        item_free(p, it);
    }
}

static void free_functions(struct pool *p, struct pool_fn *fns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free_list(p, &fns[i].queue);
        free(fns[i].arn);
    }
    free(fns);
}

void pool_free(struct pool *p)
{
    struct worker *w;

    if (!p)
        return;
    while ((w = TAILQ_FIRST(&p->workers))) {
        TAILQ_REMOVE(&p->workers, w, link);
        if (w->item)
            item_free(p, w->item);
        worker_free(w);
    }
    free_functions(p, p->fns, p->fn_count);
    free_list(p, &p->results);
    free_list(p, &p->told);
    item_free_given(p);
    for (size_t i = 0; i < p->builtin_count; i++)
        free(p->builtins[i].arn);
    free(p->builtins);
    free(p->drops);
    free(p);
}

/* ---- small things ---- */

void pool_wake(struct pool *p)
{
    if (p->woken)
        return;
    p->woken = true;
    p->driver->wake(p->ctx);
}

void pool_log(const struct pool *p, enum elog_level level, const char *message,
              const struct elog_field *fields, size_t n)
{
    p->driver->log(p->ctx, level, message, fields, n);
}

struct pool_fn *pool_find_fn(const struct pool *p, const char *arn)
{
    for (size_t i = 0; i < p->fn_count; i++)
        if (strcmp(p->fns[i].arn, arn) == 0)
            return &p->fns[i];
    return NULL;
}

bool pool_has_function(const struct pool *p, const char *arn)
{
    return pool_find_fn(p, arn) != NULL;
}

void pool_on_group(struct pool *p, const struct pool_group_events *events, void *ctx)
{
    p->group_events = events;
    p->group_ctx = ctx;
}

void pool_on_waiters(struct pool *p, const struct pool_waiter_events *events, void *ctx)
{
    p->waiter_events = events;
    p->waiter_ctx = ctx;
}

void pool_drop_waiter(struct pool *p, uint64_t waiter, err_t why)
{
    if (waiter == POOL_NOBODY)
        return;
    pool_wake(p);
    /* Without memory for the note the request hangs until its peer ends it. */
    if (mem_grow(&p->drops, &p->drop_room, p->drop_count + 1, POOL_DROPS_MAX, sizeof(*p->drops)) == ERR_OK)
        p->drops[p->drop_count++] = (struct drop){ waiter, why };
}

void pool_forget_waiter(struct pool *p, uint64_t waiter, int64_t now_ms)
{
    struct worker *w;

    if (waiter == POOL_NOBODY)
        return;
    for (size_t i = 0; i < p->drop_count; i++)
        if (p->drops[i].waiter == waiter)
            p->drops[i].waiter = POOL_NOBODY;
    items_forget_waiter(p, waiter);
    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        if (w->waiter == waiter || (w->item && w->handed == waiter))
            break;
    if (w)
        worker_forget_waiter(p, w, waiter, now_ms);
}

/* ---- the group ---- */

static err_t check_functions(const struct pool_function *functions, size_t n)
{
    if (n > POOL_MAX_FUNCTIONS)
        return ERR_TOO_BIG;
    for (size_t i = 0; i < n; i++) {
        if (strlen(functions[i].arn) > POOL_ARN_MAX)
            return ERR_TOO_BIG;
        for (size_t j = 0; j < i; j++)
            if (strcmp(functions[i].arn, functions[j].arn) == 0)
                return ERR_INVALID;
    }
    return ERR_OK;
}

static err_t make_functions(struct pool *p, const struct pool_function *functions, size_t n,
                            struct pool_fn **ret)
{
    struct pool_fn *fns = mem_calloc(n ? n : 1, sizeof(*fns));

    for (size_t i = 0; fns && i < n; i++) {
        fns[i] = (struct pool_fn){ .arn = mem_strdup(functions[i].arn),
                                   .pinned = functions[i].pinned,
                                   .timeout_ms = functions[i].timeout_ms,
                                   .backoff = backoff_of(p->limits.backoff_ms, p->limits.backoff_max_ms) };
        TAILQ_INIT(&fns[i].queue);
        if (!fns[i].arn) {
            free_functions(p, fns, i);
            return ERR_NOMEM;
        }
    }
    if (!fns)
        return ERR_NOMEM;
    *ret = fns;
    return ERR_OK;
}

/* The worker belongs to no function any more; what it had in hand ends. */
static void retire(struct pool *p, struct worker *w, int64_t now_ms)
{
    struct item *it;

    if (!w->fn)
        return;
    it = steal(&w->item);
    w->fn = NULL;
    p->old_workers++;
    worker_stop(p, w, END_GROUP, p->limits.grace_ms);
    if (it)
        item_end_unhandled(p, it, "Function.Stopped",
                           "the function was stopped: the group of the core changed", now_ms);
}

err_t pool_set_functions(struct pool *p, const struct pool_function *functions, size_t n, int64_t now_ms)
{
    struct pool_fn *fns = NULL;
    struct worker *w;
    err_t e = check_functions(functions, n);

    e = e ? e : make_functions(p, functions, n, &fns);
    if (e)
        return e;
    for (w = TAILQ_FIRST(&p->workers); w; w = TAILQ_NEXT(w, link))
        retire(p, w, now_ms);
    for (size_t i = 0; i < p->fn_count; i++)
        items_end_queued(p, &p->fns[i], "Function.Stopped",
                         "the function was stopped before it took this: the group of the core changed",
                         now_ms);
    free_functions(p, p->fns, p->fn_count);
    p->fns = fns;
    p->fn_count = n;
    p->tell_drained = p->old_workers == 0;
    p->next_wait_line_ms = now_ms + 1000;
    pool_wake(p);
    return ERR_OK;
}

bool pool_is_drained(const struct pool *p)
{
    return p->old_workers == 0;
}

err_t pool_add_builtin(struct pool *p, const char *arn, pool_builtin_fn fn, void *ctx)
{
    char *copy;
    err_t e;

    for (size_t i = 0; i < p->builtin_count; i++)
        if (strcmp(p->builtins[i].arn, arn) == 0)
            return ERR_EXISTS;
    e = mem_grow(&p->builtins, &p->builtin_room, p->builtin_count + 1, POOL_MAX_FUNCTIONS,
                 sizeof(*p->builtins));
    if (e)
        return e;
    copy = mem_strdup(arn);
    if (!copy)
        return ERR_NOMEM;
    p->builtins[p->builtin_count++] = (struct builtin){ copy, fn, ctx };
    return ERR_OK;
}

/* ---- the turn ---- */

static void tell_group(struct pool *p)
{
    /* A callback may bring another group. */
    for (size_t i = 0; i < p->fn_count; i++) {
        struct pool_fn *f = &p->fns[i];
        bool ready = f->tell_ready, failed = f->tell_failed;
        f->tell_ready = f->tell_failed = false;
        if (ready && p->group_events)
            p->group_events->on_ready(p->group_ctx, f->arn);
        else if (failed && p->group_events)
            p->group_events->on_failed(p->group_ctx, f->arn, f->why);
    }
    if (p->tell_drained) {
        p->tell_drained = false;
        if (p->group_events && p->group_events->on_drained)
            p->group_events->on_drained(p->group_ctx);
    }
}

static void tell_drops(struct pool *p)
{
    /* A callback may add to them, and forget some. */
    for (size_t i = 0; i < p->drop_count; i++) {
        struct drop d = p->drops[i];
        p->drops[i].waiter = POOL_NOBODY;
        if (d.waiter != POOL_NOBODY && p->waiter_events)
            p->waiter_events->on_dropped(p->waiter_ctx, d.waiter, d.why);
    }
    p->drop_count = 0;
}

static void log_draining(struct pool *p, int64_t now_ms)
{
    if (p->old_workers == 0 || now_ms < p->next_wait_line_ms)
        return;
    p->next_wait_line_ms = now_ms + 1000;
    pool_log(p, ELOG_INFO, "wait 1s for container to stop", NULL, 0);
}

void pool_settle(struct pool *p, int64_t now_ms)
{
    p->woken = false;
    item_free_given(p);
    workers_check_deadlines(p, now_ms);
    items_expire(p, now_ms);
    pool_balance(p, now_ms);
    log_draining(p, now_ms);
    workers_tell(p);
    items_tell(p);
    tell_drops(p);
    tell_group(p);
}
