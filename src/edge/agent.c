/* src/edge/agent.c */
#include "edge/agent.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "edge/backoff.h"
#include "edge/courier.h"
#include "edge/dataplane.h"
#include "edge/deploydoc.h"
#include "edge/elog.h"
#include "edge/group.h"
#include "shadow/topic.h"

#include <stdio.h>

#define RETRY_BASE_MS 1000
#define RETRY_MAX_MS 60000
#define DOWNLOAD_TRIES 5

struct agent {
    struct agent_opts o;
    struct dataplane dataplane;
    struct courier *courier;
    char *get_topic;
    struct group *group; /* what runs */

    /* one deployment */
    bool busy;
    bool switched;
    bool ended; /* the core ends */
    size_t step;
    unsigned tries;
    size_t artifact;
    struct gda_ref ref;
    struct deploydoc *doc;
    struct buf document;
    struct buf group_text;
    struct group *next_group;
    struct net_timer *retry;
    struct backoff backoff;
};

static void ask_what_is_desired(void *ctx)
{
    struct agent *a = ctx;
    err_t e = a->o.publish(a->o.publish_ctx, a->get_topic, SLICE_LIT("{}"));

    if (e && e != ERR_WRONG_STATE) /* not connected: asked again when the link is ready */
        elog(ELOG_ERROR, "Cannot ask for the deployment shadow.", ELOG_S("errorString", err_str(e)));
}

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

static void apply(const struct group *g)
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
    apply(a->group);
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
    apply(a->next_group);
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

static void on_retry(void *ctx)
{
    run(ctx);
}

static void begin(struct agent *a, const struct gda_ref *ref)
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

/* ---- messages ---- */

static void on_get_accepted(struct agent *a, struct slice payload)
{
    struct gda_ref desired;
    struct gda_report reported;
    struct problem why;

    if (gda_parse_get(payload, &desired, &reported, &why)) {
        elog(ELOG_ERROR, "The deployment shadow cannot be read.", ELOG_S("errorString", why.text));
        return;
    }
    if (a->busy || courier_owes(a->courier))
        return; /* EC-4: asked again when this one has ended and its status was delivered */
    if (gda_should_start(&desired, &reported))
        begin(a, &desired);
    else
        elog(ELOG_DEBUG, "Nothing to deploy.", ELOG_S("desired", desired.deployment_id));
}

static void on_get_rejected(struct agent *a, struct slice payload)
{
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code = 0;

    (void)a;
    if (gda_parse_answer(payload, token, &code, message) == ERR_OK && code == 404)
        elogf(ELOG_INFO, "No deployment for this core yet.");
    else
        elog(ELOG_ERROR, "The cloud refuses the deployment shadow.", ELOG_N("code", code),
             ELOG_S("errorString", message));
}

static void on_update_accepted(struct agent *a, struct slice payload)
{
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code;

    if (gda_parse_answer(payload, token, &code, message) == ERR_OK)
        courier_on_accepted(a->courier, token);
}

static void on_update_rejected(struct agent *a, struct slice payload)
{
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code;

    if (gda_parse_answer(payload, token, &code, message))
        return;
    elog(ELOG_ERROR, "The cloud refuses the reported state of the deployment.", ELOG_N("code", code),
         ELOG_S("errorString", message));
    courier_on_rejected(a->courier, token);
}

/* A delta has only the members that differ, so the whole is asked for. While a deployment is being applied,
 * that comes after it has ended (EC-4). */
static void on_delta(struct agent *a, struct slice payload)
{
    (void)payload;
    if (!a->busy)
        ask_what_is_desired(a);
}

static const struct {
    enum shadow_op op;
    enum shadow_kind kind;
    void (*handle)(struct agent *, struct slice);
} messages[] = {
    { SHADOW_GET, SHADOW_ACCEPTED, on_get_accepted },
    { SHADOW_GET, SHADOW_REJECTED, on_get_rejected },
    { SHADOW_UPDATE, SHADOW_ACCEPTED, on_update_accepted },
    { SHADOW_UPDATE, SHADOW_REJECTED, on_update_rejected },
    { SHADOW_UPDATE, SHADOW_DELTA, on_delta },
};

void agent_on_message(struct agent *a, struct slice topic, struct slice payload)
{
    struct shadow_topic t;

    if (shadow_topic_parse(topic, &t))
        return;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        if (messages[i].op == t.op && messages[i].kind == t.kind)
            messages[i].handle(a, payload);
}

void agent_on_ready(struct agent *a)
{
    elogf(ELOG_INFO, "Deployment agent connected to cloud");
    if (courier_owes(a->courier))
        courier_hurry(a->courier); /* then asks what is desired */
    else
        ask_what_is_desired(a);
}

/* ---- life ---- */

static err_t run_group_on_disk(struct agent *a, struct problem *why)
{
    autobuf text = BUF_INIT(GROUP_MAX_BYTES);
    struct problem bad;
    err_t e = store_read_group(a->o.store, &text, why);

    if (e)
        return e;
    e = group_parse(buf_slice(&text), &a->group, &bad);
    if (e) {
        elog(ELOG_ERROR,
             "The group on disk cannot be run, the core runs without a group until the next deployment.",
             ELOG_S("errorString", bad.text));
        e = group_parse(SLICE_LIT("{}"), &a->group, why);
    }
    if (!e)
        apply(a->group);
    return e;
}

/* What a crash or a restart left: a deployment on trial, a status that is owed. */
static err_t recover(struct agent *a, struct problem *why)
{
    struct gda_report failed;
    err_t e = store_recover(a->o.store, &failed, why);

    if (e)
        return e;
    if (failed.status != GDA_NONE) {
        elog(ELOG_ERROR, "Deployment failed.", ELOG_S("deploymentId", failed.ref.deployment_id),
             ELOG_S("errorString", failed.message));
        e = store_save_report(a->o.store, &failed, why);
    }
    courier_restore(a->courier);
    return e;
}

static err_t make_parts(struct agent *a)
{
    struct courier_opts o = { .crypto = a->o.crypto,
                              .dataplane = &a->dataplane,
                              .store = a->o.store,
                              .publish = a->o.publish,
                              .publish_ctx = a->o.publish_ctx,
                              .on_delivered = ask_what_is_desired,
                              .ctx = a };
    err_t e;

    a->dataplane = (struct dataplane){ a->o.loop, a->o.http, a->o.config };
    a->get_topic = mem_printf("$aws/things/%s-gda/shadow/get", a->o.config->thing_name);
    e = a->get_topic ? courier_new(&o, &a->courier) : ERR_NOMEM;
    return e ? e : net_timer_new(a->o.loop, on_retry, a, &a->retry);
}

err_t agent_new(const struct agent_opts *opts, struct agent **ret, struct problem *why)
{
    struct agent *a = mem_calloc(1, sizeof(*a));
    err_t e;

    if (!a)
        return problem_set(why, ERR_NOMEM, "out of memory");
    a->o = *opts;
    a->document = BUF_INIT(DEPLOYDOC_MAX_BYTES);
    a->group_text = BUF_INIT(GROUP_MAX_BYTES);
    a->backoff = backoff_of(RETRY_BASE_MS, RETRY_MAX_MS);
    e = make_parts(a);
    e = e ? problem_set(why, e, "out of memory") : recover(a, why);
    e = e ? e : run_group_on_disk(a, why);
    if (e) {
        agent_free(a);
        return e;
    }
    *ret = a;
    return ERR_OK;
}

void agent_end(struct agent *a)
{
    if (!a)
        return;
    a->ended = true;
    net_timer_stop(a->retry);
    courier_end(a->courier);
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    courier_free(a->courier);
    net_timer_free(a->retry);
    deploydoc_free(a->doc);
    group_free(a->group);
    group_free(a->next_group);
    buf_done(&a->document);
    buf_done(&a->group_text);
    free(a->get_topic);
    free(a);
}
