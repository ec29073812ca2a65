/* src/edge/runtime.c */
#include "edge/runtime.h"

#include "base/mem.h"
#include "edge/elog.h"

struct runtime {
    struct runtime_opts o;
    const struct group *group; /* what runs */
};

err_t runtime_new(const struct runtime_opts *opts, struct runtime **ret, struct problem *why)
{
    struct runtime *r = mem_calloc(1, sizeof(*r));

    if (!r) {
        mem_close_fd(&(int){ opts->runner_fd });
        return problem_set(why, ERR_NOMEM, "out of memory");
    }
    r->o = *opts;
    *ret = r;
    return ERR_OK;
}

void runtime_free(struct runtime *r)
{
    if (!r)
        return;
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
    on_healthy(ctx, ERR_OK, "");
    return ERR_OK;
}

void runtime_stop(struct runtime *r, void (*done)(void *ctx), void *ctx)
{
    r->group = NULL;
    done(ctx);
}
