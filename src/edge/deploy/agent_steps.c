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

void agent_apply_group(const struct group *g)
{
    elog_configure(g->level, g->space_kb);
    elog(ELOG_DEBUG, "Logger settings applied.", ELOG_S("level", elog_level_str(g->level)),
         ELOG_N("spaceKB", g->space_kb));
    if (g->subscription_count)
        elog(ELOG_WARN, "The group's subscriptions are valid; this release does not route messages yet.",
             ELOG_N("subscriptions", (int64_t)g->subscription_count));
}

/* EC-13: the previous deployment is brought back, or still runs. */
static void bring_back(struct agent *a)
{
    struct problem why;

    if (!a->switched) {
        store_abandon(a->o.store);
        return;
    }
    if (store_rollback(a->o.store, &why))
        elog(ELOG_ERROR, "The previous deployment cannot be brought back on disk.",
             ELOG_S("errorString", why.text));
    agent_apply_group(a->group);
}

static void fail(struct agent *a, const char *step, const char *why)
{
    struct problem text;

    (void)problem_set(&text, ERR_OK,
                      "unable to execute %s step in deployment. %s. The previous deployment keeps running.",
                      step, why);
    bring_back(a);
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

static err_t start_document(struct agent *a, struct problem *why)
{
    return started(dataplane_get(&a->dataplane, &a->ref, "", DEPLOYDOC_MAX_BYTES, on_answer, a), why);
}

static err_t finish_document(struct agent *a, struct http_answer *answer, struct problem *why)
{
    buf_clear(&a->document);
    return buf_add(&a->document, buf_slice(&answer->body)) ? problem_set(why, ERR_NOMEM, "out of memory")
                                                           : ERR_OK;
}

static err_t verify_document(struct agent *a, struct problem *why)
{
    struct deploydoc_expect x = { a->o.crypto, a->o.roots, clock_wall_ms(), &a->ref, a->o.config->thing_arn };

    return deploydoc_open(buf_slice(&a->document), &x, &a->doc, why);
}

static err_t prepare(struct agent *a, struct problem *why)
{
    a->artifact = 0;
    return store_begin(a->o.store, why);
}

static err_t start_artifact(struct agent *a, struct problem *why)
{
    const struct deploydoc_artifact *d;
    autofree char *tail = NULL;

    if (a->artifact == a->doc->count)
        return ERR_OK;
    d = &a->doc->artifacts[a->artifact];
    tail = mem_printf("/artifacts/%s", d->name);
    if (!tail)
        return problem_set(why, ERR_NOMEM, "out of memory");
    /* EC-9: stops at `size`; one byte more of room because 0 stands for the client's default. */
    return started(dataplane_get(&a->dataplane, &a->ref, tail, d->size + 1, on_answer, a), why);
}

static err_t finish_artifact(struct agent *a, struct http_answer *answer, struct problem *why)
{
    const struct deploydoc_artifact *d = &a->doc->artifacts[a->artifact];
    struct slice bytes = buf_slice(&answer->body);
    err_t e = deploydoc_check_artifact(a->o.crypto, d, bytes, why);

    if (!e && strcmp(d->name, "group.json") == 0 && buf_add(&a->group_text, bytes))
        e = problem_set(why, ERR_TOO_BIG, "group.json has over %d bytes", GROUP_MAX_BYTES);
    e = e ? e : store_put(a->o.store, d->name, bytes, why);
    if (e)
        return e;
    a->artifact++;
    a->tries = 0;
    return ERR_MORE; /* the next one */
}

static err_t check_group(struct agent *a, struct problem *why)
{
    return group_parse(buf_slice(&a->group_text), &a->next_group, why);
}

static err_t switch_over(struct agent *a, struct problem *why)
{
    err_t e = store_switch(a->o.store, &a->ref, why);

    a->switched = e == ERR_OK;
    return e;
}

/* The core goes on with the new group; that it still runs after this is the proof of health. */
static err_t start_group(struct agent *a, struct problem *why)
{
    (void)why;
    agent_apply_group(a->next_group);
    return ERR_OK;
}

static err_t commit(struct agent *a, struct problem *why)
{
    err_t e = store_commit(a->o.store, why);

    if (e)
        return e;
    group_free(a->group);
    a->group = steal(&a->next_group);
    return ERR_OK;
}

static const struct {
    const char *name;
    err_t (*start)(struct agent *, struct problem *);                        /* ERR_MORE: finish follows */
    err_t (*finish)(struct agent *, struct http_answer *, struct problem *); /* ERR_MORE: start again */
    bool may_fail;
} steps[] = {
    { "announce", start_announce, finish_announce, true },
    { "download", start_document, finish_document, false },
    { "verify", verify_document, NULL, false },
    { "stage", prepare, NULL, false },
    { "download", start_artifact, finish_artifact, false },
    { "check", check_group, NULL, false },
    { "switch", switch_over, NULL, false },
    { "start", start_group, NULL, false },
    { "commit", commit, NULL, false },
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
    if (e && e != ERR_MORE) {
        fail(a, steps[a->step].name, why.text);
        return;
    }
    if (!e) {
        a->step++;
        a->tries = 0;
        backoff_reset(&a->backoff);
    }
    run(a);
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
