/* src/edge/runtime.c */
#include "edge/runtime.h"

#include "base/mem.h"
#include "edge/elog.h"

struct runtime {
    struct runtime_opts o;
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

err_t runtime_new(const struct runtime_opts *opts, struct runtime **ret, struct problem *why)
{
    struct runtime *r = mem_calloc(1, sizeof(*r));

    if (!r) {
        mem_close_fd(&(int){ opts->runner_fd });
        return problem_set(why, ERR_NOMEM, "out of memory");
    }
    r->o = *opts;
    r->verdict = (struct net_later){ .fn = tell_verdict, .ctx = r };
    *ret = r;
    return ERR_OK;
}

void runtime_free(struct runtime *r)
{
    if (!r)
        return;
    net_later_cancel(&r->verdict);
    mem_close_fd(&r->o.runner_fd);
    free(r);
}

err_t runtime_apply(struct runtime *r, const struct group *g, const char *code_dir,
                    runtime_healthy_fn on_healthy, void *ctx, struct problem *why)
{
    (void)code_dir;
    if (g->function_count)
        return problem_set(
            why, ERR_UNSUPPORTED,
            "the group has functions and this core was started without a runner for them: start it "
            "with greengrassd");
    r->group = g;
    r->on_healthy = on_healthy;
    r->healthy_ctx = ctx;
    net_loop_later(r->o.loop, &r->verdict);
    return ERR_OK;
}

void runtime_stop(struct runtime *r, void (*done)(void *ctx), void *ctx)
{
    r->group = NULL;
    done(ctx);
}
