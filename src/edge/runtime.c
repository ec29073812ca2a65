/* src/edge/runtime.c - functions, their interface, routes and the verdict whether a group runs. */
#include "edge/runtime.h"

#include "base/clock.h"
#include "base/mem.h"
#include "edge/elog.h"
#include "edge/function/workers.h"
#include "edge/ipc/ipc.h"
#include "edge/local/shadows.h"
#include "edge/route/route.h"
#include "edge/route/table.h"

#include <string.h>

#define DEADLINE_MORE_MS 1000

struct runtime {
    struct runtime_opts o;
    struct workers *workers; /* NULL: no runner, no functions */
    struct ipc *ipc;
    struct route *route;
    struct local_shadows *shadows;

    /* the verdict on the group that was applied last */
    runtime_healthy_fn on_healthy; /* NULL: told */
    void *healthy_ctx;
    const struct group *group;
    bool shown_up[GROUP_MAX_FUNCTIONS]; /* by its functions */
    err_t verdict;
    struct problem why;
    struct net_later tell;
    struct net_timer *deadline;

    /* the end */
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

static struct pool *pool_of(const struct runtime *r)
{
    return r->workers ? workers_pool(r->workers) : NULL;
}

/* ---- is the group healthy? ---- */

/* Never inside runtime_apply: the caller is in the middle of something. */
static void tell_verdict(void *ctx)
{
    struct runtime *r = ctx;
    runtime_healthy_fn tell = r->on_healthy;
    struct problem why = r->why; /* who is told may apply another group */

    net_timer_stop(r->deadline);
    r->on_healthy = NULL;
    if (tell)
        tell(r->healthy_ctx, r->verdict, why.text);
}

static void decide(struct runtime *r, err_t e)
{
    r->verdict = e;
    net_loop_later(r->o.loop, &r->tell);
}

/* A pinned function that has not asked for work; NULL: all have. */
static const struct group_function *missing_function(const struct runtime *r)
{
    for (size_t i = 0; r->group && i < r->group->function_count; i++)
        if (r->group->functions[i].pinned && !r->shown_up[i])
            return &r->group->functions[i];
    return NULL;
}

static void count_as_started(struct runtime *r, const struct group_function *f)
{
    if (f)
        r->shown_up[f - r->group->functions] = true;
    if (!missing_function(r))
        decide(r, ERR_OK);
}

static void on_ready(void *ctx, const char *arn)
{
    struct runtime *r = ctx;

    elog(ELOG_DEBUG, "A pinned function is ready.", ELOG_S("funcArn", arn));
    if (r->group)
        count_as_started(r, group_find_function(r->group, arn));
}

struct search {
    const char *arn;
    bool alive;
};

static void look_at_worker(void *ctx, const struct pool_worker_view *w)
{
    struct search *s = ctx;

    s->alive |= strcmp(w->arn, s->arn) == 0 && strcmp(w->state, "Starting") == 0 && w->pid > 0;
}

/* Its process runs and has not asked for work: code that loops outside of its handler is legal and common. */
static bool runs_silently(const struct runtime *r, const char *arn)
{
    struct search s = { .arn = arn };

    pool_each_worker(pool_of(r), look_at_worker, &s);
    return s.alive;
}

/* `why` is in V1's words: "worker with ID failed to initialize with reason ..." */
static void on_failed(void *ctx, const char *arn, const char *why)
{
    struct runtime *r = ctx;
    const struct group_function *f = r->group ? group_find_function(r->group, arn) : NULL;

    if (!r->on_healthy || r->verdict || !f || !f->pinned)
        return;
    if (runs_silently(r, arn)) {
        count_as_started(r, f);
        return;
    }
    (void)problem_set(&r->why, ERR_OK, "function %s: %s", arn, why);
    decide(r, ERR_UNAVAILABLE);
}

/* The pool has said so before, and why, of each function that was started; this is for those whose turn never
 * came. */
static void on_deadline(void *ctx)
{
    struct runtime *r = ctx;

    if (!missing_function(r))
        return;
    (void)problem_set(&r->why, ERR_OK,
                      "function %s was not started within %lld ms (runtime.postStartHealthCheckTimeout)",
                      missing_function(r)->arn, (long long)r->o.config->health_check_timeout_ms);
    decide(r, ERR_TIMEOUT);
}

static void on_drained(void *ctx)
{
    struct runtime *r = ctx;
    void (*done)(void *) = r->on_stopped;

    r->on_stopped = NULL;
    if (!done)
        return;
    route_stop(r->route);
    done(r->stopped_ctx);
}

static const struct pool_group_events group_events = { on_ready, on_failed, on_drained };

/* ---- where messages go ---- */

static err_t invoke(void *ctx, const char *function, const char *source, struct slice context,
                    struct slice payload)
{
    struct pool *pool = pool_of(ctx);
    struct pool_item item = { .target = function, .invoker = source, .context = context, .payload = payload };
    char id[POOL_ID_MAX];

    return pool ? pool_invoke(pool, &item, clock_mono_ms(), id) : ERR_NOT_FOUND;
}

static bool has_room(void *ctx, size_t items, size_t bytes)
{
    const struct pool *pool = pool_of(ctx);

    return pool && pool_has_room(pool, items, bytes);
}

static bool has_function(void *ctx, const char *function)
{
    const struct pool *pool = pool_of(ctx);

    return pool && pool_has_function(pool, function);
}

static err_t to_shadows(void *ctx, struct slice topic, struct slice payload)
{
    return local_shadows_message(((struct runtime *)ctx)->shadows, topic, payload);
}

static const struct router_ports route_ports = { invoke, has_room, has_function, to_shadows };

/* ---- life ---- */

static err_t make_route(struct runtime *r, struct problem *why)
{
    struct route_opts o = { .loop = r->o.loop,
                            .crypto = r->o.crypto,
                            .tls = r->o.tls,
                            .config = r->o.config,
                            .ports = &route_ports,
                            .ctx = r };
    err_t e = route_new(&o, &r->route);

    return e ? problem_set(why, e, "cannot set up the routes: %s", err_str(e)) : ERR_OK;
}

/* What the shadow service says. It goes where it can: the router counts and logs what does not. */
static void publish_shadows(void *ctx, const char *topic, struct slice payload)
{
    struct runtime *r = ctx;

    (void)router_publish(route_router(r->route), ROUTE_SHADOWS_NAME, topic, payload, QUEUE_BEST_EFFORT);
}

static err_t make_shadows(struct runtime *r, struct problem *why)
{
    struct local_shadows_opts o = { .write_dir = r->o.config->write_dir,
                                    .publish = publish_shadows,
                                    .ctx = r };

    return local_shadows_new(&o, &r->shadows, why);
}

static err_t make_timer(struct runtime *r, struct problem *why)
{
    err_t e = net_timer_new(r->o.loop, on_deadline, r, &r->deadline);

    return e ? problem_set(why, e, "out of memory") : ERR_OK;
}

static err_t make_workers(struct runtime *r, struct problem *why)
{
    struct workers_opts o = { .loop = r->o.loop,
                              .crypto = r->o.crypto,
                              .config = r->o.config,
                              .package_dir = r->o.package_dir,
                              .runner_fd = steal_fd(&r->o.runner_fd),
                              .on_lost = r->o.on_lost,
                              .ctx = r->o.ctx };
    err_t e;

    if (o.runner_fd < 0)
        return ERR_OK; /* said when a group has functions */
    e = workers_new(&o, &r->workers, why);
    if (e)
        return e;
    pool_on_group(pool_of(r), &group_events, r);
    e = pool_add_builtin(pool_of(r), ROUTER_FUNCTION_ARN, router_builtin, route_router(r->route));
    e = e ? e : pool_add_builtin(pool_of(r), SHADOWS_FUNCTION_ARN, local_shadows_builtin, r->shadows);
    return e ? problem_set(why, e, "cannot set up the functions: %s", err_str(e)) : ERR_OK;
}

/* A port that is taken matters only to functions: without them the core runs, and says it. */
static err_t make_ipc(struct runtime *r, struct problem *why)
{
    struct problem no_port;
    err_t e = r->workers ? ipc_new(r->o.loop, pool_of(r), r->o.config, &r->ipc, why) : ERR_OK;

    if (!e && r->ipc && ipc_listen(r->ipc, &no_port))
        elog(ELOG_WARN, "The health interface is not available.", ELOG_S("errorString", no_port.text));
    return e;
}

static err_t (*const parts[])(struct runtime *, struct problem *) = { make_timer, make_route, make_shadows,
                                                                      make_workers, make_ipc };

err_t runtime_new(const struct runtime_opts *opts, struct runtime **ret, struct problem *why)
{
    struct runtime *r = mem_calloc(1, sizeof(*r));
    err_t e = ERR_OK;

    if (!r) {
        mem_close_fd(&(int){ opts->runner_fd });
        return problem_set(why, ERR_NOMEM, "out of memory");
    }
    r->o = *opts;
    r->tell = (struct net_later){ .fn = tell_verdict, .ctx = r };
    for (size_t i = 0; i < ARRAY_LEN(parts) && !e; i++)
        e = parts[i](r, why);
    if (e) {
        runtime_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

void runtime_free(struct runtime *r)
{
    if (!r)
        return;
    net_later_cancel(&r->tell);
    net_timer_free(r->deadline);
    ipc_free(r->ipc);
    workers_free(r->workers);
    local_shadows_free(r->shadows);
    route_free(r->route);
    mem_close_fd(&r->o.runner_fd);
    free(r);
}

/* ---- a group ---- */

static err_t set_functions(struct runtime *r, const struct group *g, const char *code_dir,
                           struct problem *why)
{
    err_t e = ERR_OK;

    if (!r->workers && g->function_count)
        return problem_set(
            why, ERR_UNSUPPORTED,
            "the group has functions and this core was started without a runner for them: start it "
            "with greengrassd");
    if (r->ipc && g->function_count)
        e = ipc_listen(r->ipc, why);
    return e || !r->workers ? e : workers_set_group(r->workers, g, code_dir, why);
}

/* False: there is nothing to wait for. */
static bool stop_functions(struct runtime *r)
{
    struct problem why;

    return r->workers && workers_set_group(r->workers, NULL, NULL, &why) == ERR_OK;
}

static void forget_group(struct runtime *r)
{
    net_timer_stop(r->deadline);
    net_later_cancel(&r->tell);
    r->on_healthy = NULL;
    r->group = NULL;
    r->verdict = ERR_OK;
    r->why = (struct problem){ "" };
    memset(r->shown_up, 0, sizeof(r->shown_up));
}

err_t runtime_apply(struct runtime *r, const struct group *g, const char *code_dir,
                    runtime_healthy_fn on_healthy, void *ctx, struct problem *why)
{
    err_t e;

    forget_group(r);
    e = set_functions(r, g, code_dir, why);
    e = e ? e : route_apply(r->route, g, why); /* it asks whether the functions are there */
    if (e) {
        (void)stop_functions(r); /* nobody keeps a group that its owner frees */
        return e;
    }
    r->group = g;
    r->on_healthy = on_healthy;
    r->healthy_ctx = ctx;
    if (missing_function(r))
        net_timer_set(r->deadline, r->o.config->health_check_timeout_ms + DEADLINE_MORE_MS);
    else
        decide(r, ERR_OK);
    return ERR_OK;
}

/* ---- the end ---- */

void runtime_stop(struct runtime *r, void (*done)(void *ctx), void *ctx)
{
    forget_group(r);
    r->on_stopped = done;
    r->stopped_ctx = ctx;
    if (!stop_functions(r))
        on_drained(r); /* otherwise the pool says so */
}
