/* src/edge/runtime.c */
#include "edge/runtime.h"

#include "base/mem.h"
#include "edge/elog.h"
#include "edge/route/route.h"

struct runtime {
    struct runtime_opts o;
    struct route *route;
    const struct group *group;     /* what runs */
    runtime_healthy_fn on_healthy; /* NULL: told */
    void *healthy_ctx;
    struct net_later verdict;
};

/* Never inside runtime_apply: the caller is in the middle of something. */
static void tell_verdict(void *ctx)
{
    struct runtime *r = ctx;
    runtime_healthy_fn tell = r->on_healthy;

    r->on_healthy = NULL;
    tell(r->healthy_ctx, ERR_OK, "");
}

/* ---- where messages go ---- */

static err_t invoke(void *ctx, const char *function, const char *source, struct slice context,
                    struct slice payload)
{
    return ERR_NOT_FOUND; /* there are no functions yet */
}

static bool has_room(void *ctx, size_t items, size_t bytes)
{
    return false;
}

static bool has_function(void *ctx, const char *function)
{
    return false;
}

static err_t to_shadows(void *ctx, struct slice topic, struct slice payload)
{
    return ERR_UNAVAILABLE; /* there is no local shadow service yet */
}

static const struct router_ports route_ports = { invoke, has_room, has_function, to_shadows };

static err_t make_route(struct runtime *r)
{
    struct route_opts o = { .loop = r->o.loop,
                            .crypto = r->o.crypto,
                            .tls = r->o.tls,
                            .config = r->o.config,
                            .ports = &route_ports,
                            .ctx = r };

    return route_new(&o, &r->route);
}

/* ---- life ---- */

err_t runtime_new(const struct runtime_opts *opts, struct runtime **ret, struct problem *why)
{
    struct runtime *r = mem_calloc(1, sizeof(*r));
    err_t e;

    if (!r) {
        mem_close_fd(&(int){ opts->runner_fd });
        return problem_set(why, ERR_NOMEM, "out of memory");
    }
    r->o = *opts;
    r->verdict = (struct net_later){ .fn = tell_verdict, .ctx = r };
    e = make_route(r);
    if (e) {
        runtime_free(r);
        return problem_set(why, e, "cannot set up the routes: %s", err_str(e));
    }
    *ret = r;
    return ERR_OK;
}

void runtime_free(struct runtime *r)
{
    if (!r)
        return;
    net_later_cancel(&r->verdict);
    route_free(r->route);
    mem_close_fd(&r->o.runner_fd);
    free(r);
}

err_t runtime_apply(struct runtime *r, const struct group *g, const char *code_dir,
                    runtime_healthy_fn on_healthy, void *ctx, struct problem *why)
{
    err_t e;

    (void)code_dir;
    if (g->function_count)
        return problem_set(
            why, ERR_UNSUPPORTED,
            "the group has functions and this core was started without a runner for them: start it "
            "with greengrassd");
    e = route_apply(r->route, g, why);
    if (e)
        return e;
    r->group = g;
    r->on_healthy = on_healthy;
    r->healthy_ctx = ctx;
    net_loop_later(r->o.loop, &r->verdict);
    return ERR_OK;
}

void runtime_stop(struct runtime *r, void (*done)(void *ctx), void *ctx)
{
    r->group = NULL;
    route_stop(r->route);
    done(ctx);
}
