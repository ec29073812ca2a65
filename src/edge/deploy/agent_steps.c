/* src/edge/deploy/agent_steps.c - one deployment: a table of steps, and how it ends. */
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "edge/deploy/agent_impl.h"
#include "edge/elog.h"

#include <stdio.h>

#define DOWNLOAD_TRIES 5

/* ---- the end of a deployment ---- */

static void forget_deployment(struct agent *a)
{
    net_timer_stop(a->retry);
    agent_forget_code(a);
    deploydoc_free(a->doc);
    a->doc = NULL;
    group_free(a->next_group);
    a->next_group = NULL;
    buf_clear(&a->document);
    buf_clear(&a->group_text);
    a->busy = a->switched = false;
}

static void end_deployment(struct agent *a, enum gda_status status, const char *message)
{
    struct gda_report r = { .ref = a->ref, .status = status };

    (void)snprintf(r.message, sizeof(r.message), "%s", message);
    forget_deployment(a);
    courier_owe(a->courier, &r);
}

static void succeed(struct agent *a)
{
    elogf(ELOG_INFO, "Deployment %s of type %s for group %s succeeded", a->ref.deployment_id, a->ref.type,
          a->ref.group_id);
    end_deployment(a, GDA_SUCCESS, "");
}

static void fail(struct agent *a, const char *step, const char *why)
{
    struct problem text;

    (void)problem_set(&text, ERR_OK,
                      "unable to execute %s step in deployment. %s. The previous deployment %s.", step, why,
                      a->switched ? "was brought back" : "keeps running");
    agent_bring_back(a);
    elogf(ELOG_ERROR, "Deployment %s of type %s for group %s failed error: %s", a->ref.deployment_id,
          a->ref.type, a->ref.group_id, text.text);
    elog(ELOG_ERROR, "Deployment failed.", ELOG_S("deploymentId", a->ref.deployment_id),
         ELOG_S("errorString", text.text));
    end_deployment(a, GDA_FAILURE, text.text);
}

/* ---- the steps ---- */

static void run(struct agent *a);
static void on_answer(void *ctx, struct http_answer *answer);

/* A started request is "not yet"; one that could not start is a failure. */
static err_t started(err_t e, struct problem *why)
{
    return e ? problem_set(why, e, "the request cannot be started: %s", err_str(e)) : ERR_MORE;
}

err_t agent_request(struct agent *a, const char *tail, uint64_t max, int fd, struct problem *why)
{
    struct dataplane_get get = { .ref = &a->ref, .tail = tail, .max = max, .fd = fd };

    return started(dataplane_get(&a->dataplane, &get, on_answer, a), why);
}

static err_t start_announce(struct agent *a, struct problem *why)
{
    struct gda_report r = { .ref = a->ref, .status = GDA_IN_PROGRESS };

    return started(dataplane_put_status(&a->dataplane, &r, on_answer, a), why);
}

static err_t finish_announce(struct agent *a, struct http_answer *answer, struct problem *why)
{
    struct gda_report r = { .ref = a->ref, .status = GDA_IN_PROGRESS };

    (void)answer;
    (void)why;
    (void)courier_publish(a->courier, &r); /* the link may be down: the final status is what counts */
    return ERR_OK;
}

static const struct {
    const char *name;
    agent_start_fn start;
    agent_finish_fn finish;
    bool may_fail;
} steps[] = {
    { "announce", start_announce, finish_announce, true },
    { "download", agent_start_document, agent_finish_document, false },
    { "verify", agent_verify_document, NULL, false },
    { "stage", agent_stage, NULL, false },
    { "download", agent_start_group_file, agent_finish_group_file, false },
    { "check", agent_check_group, NULL, false },
    { "download", agent_start_code, agent_finish_code, false },
    { "switch", agent_switch, NULL, false },
    { "start", agent_start_group, NULL, false },
    { "commit", agent_commit, NULL, false },
};

static void run(struct agent *a)
{
    for (; a->step < ARRAY_LEN(steps); a->step++) {
        struct problem why = { 0 };
        err_t e;
        elog(ELOG_DEBUG, "Deployment step.", ELOG_S("deploymentId", a->ref.deployment_id),
             ELOG_S("step", steps[a->step].name));
        e = steps[a->step].start(a, &why);
        if (e == ERR_MORE)
            return;
        if (e) {
            fail(a, steps[a->step].name, why.text);
            return;
        }
        a->tries = 0;
    }
    succeed(a);
}

void agent_go_on(struct agent *a, err_t e, const char *why)
{
    if (e && e != ERR_MORE) {
        fail(a, steps[a->step].name, why);
        return;
    }
    a->tries = 0;
    backoff_reset(&a->backoff);
    a->step += e == ERR_OK;
    run(a);
}

static bool try_again(struct agent *a, err_t e, const char *why)
{
    uint32_t random = 0;
    int64_t wait;

    if (!dataplane_transient(e) || ++a->tries >= DOWNLOAD_TRIES)
        return false;
    (void)crypto_random(a->o.crypto, &random, sizeof(random)); /* without entropy: no jitter */
    wait = backoff_next(&a->backoff, random);
    elog(ELOG_WARN, "A request of the deployment failed, it is tried again.",
         ELOG_S("deploymentId", a->ref.deployment_id), ELOG_S("errorString", why), ELOG_N("retryInMs", wait));
    net_timer_set(a->retry, wait);
    return true;
}

static void on_answer(void *ctx, struct http_answer *answer)
{
    struct agent *a = ctx;
    struct problem why = { 0 };
    err_t e = dataplane_judge(answer, &why);

    if (e == ERR_CANCELLED || a->ended)
        return; /* the core ends */
    if (e && try_again(a, e, why.text))
        return;
    if (e && steps[a->step].may_fail) {
        elog(ELOG_WARN, "A step of the deployment failed, it goes on.", ELOG_S("step", steps[a->step].name),
             ELOG_S("errorString", why.text));
        e = ERR_OK;
    }
    e = e ? e : steps[a->step].finish(a, answer, &why);
    agent_go_on(a, e, why.text);
}

void agent_on_retry(void *ctx)
{
    run(ctx);
}

void agent_deploy(struct agent *a, const struct gda_ref *ref)
{
    forget_deployment(a);
    a->ref = *ref;
    a->busy = true;
    a->step = 0;
    a->tries = 0;
    backoff_reset(&a->backoff);
    elogf(ELOG_INFO, "New deployment %s of type %s for group %s received", ref->deployment_id, ref->type,
          ref->group_id);
    run(a);
}
