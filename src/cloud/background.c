#include "cloud/background.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/greengrass/build.h"

#define RETRY_MS 5000

struct background {
    const struct api_parts *parts;
    struct net_timer *retry;
    unsigned under_way;
    bool closing;
};

struct work {
    struct store_job job; /* first */
    struct background *owner;
    struct api_call call;
};

static const struct api_op build_op = { "BuildDeployment", "", "", deployment_build, 0 };
static const struct api_op resume_op = { "ResumeDeployments", "", "", deployment_resume, 0 };

static err_t run(struct store_job *job, struct db *db)
{
    struct work *w = CONTAINER_OF(job, struct work, job);

    return api_call_run(&w->call, db);
}

static void work_free(struct work *w)
{
    struct background *b = w->owner;

    api_call_done(&w->call);
    free(w);
    b->under_way--;
    if (b->closing && b->under_way == 0)
        free(b);
}

static void done(struct store_job *job, err_t result)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    struct background *b = w->owner;

    if (!b->closing && result) {
        log_error("%s failed: %s, trying again in %d s", w->call.op->name, err_str(result), RETRY_MS / 1000);
        net_timer_set(b->retry, RETRY_MS);
    } else if (!b->closing) {
        b->parts->apply(b->parts->apply_ctx, &w->call.effects);
    }
    work_free(w);
}

static void start(struct background *b, const struct api_op *op, const char *deployment)
{
    struct work *w = mem_calloc(1, sizeof(*w));
    err_t e = w ? ERR_OK : ERR_NOMEM;

    if (w) {
        *w = (struct work){ .job = { .run = run, .done = done }, .owner = b };
        api_call_init(&w->call, b->parts->env, op);
        b->under_way++;
        if (deployment)
            e = api_call_add(&w->call, "deploymentId", deployment);
        if (!e)
            e = store_submit(b->parts->store, b->parts->loop, &w->job);
    }
    if (!e)
        return;
    log_warn("%s put off: %s", op->name, err_str(e));
    net_timer_set(b->retry, RETRY_MS);
    if (w)
        work_free(w);
}

static void on_retry(void *ctx)
{
    background_resume(ctx);
}

err_t background_new(const struct api_parts *parts, struct background **ret)
{
    struct background *b = mem_calloc(1, sizeof(*b));
    err_t e;

    if (!b)
        return ERR_NOMEM;
    b->parts = parts;
    if ((e = net_timer_new(parts->loop, on_retry, b, &b->retry))) {
        free(b);
        return e;
    }
    *ret = b;
    return ERR_OK;
}

void background_free(struct background *b)
{
    if (!b)
        return;
    net_timer_free(b->retry);
    b->retry = NULL;
    b->closing = true;
    if (b->under_way == 0)
        free(b);
}

void background_build(struct background *b, const char *deployment)
{
    start(b, &build_op, deployment);
}

void background_resume(struct background *b)
{
    start(b, &resume_op, NULL);
}
