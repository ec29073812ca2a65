/* src/edge/deploy/agent.c - the deployment agent's messages and life. */
#include "base/mem.h"
#include "edge/deploy/agent_impl.h"
#include "edge/elog.h"
#include "shadow/topic.h"

#define RETRY_BASE_MS 1000
#define RETRY_MAX_MS 60000

static void ask_what_is_desired(void *ctx)
{
    struct agent *a = ctx;
    err_t e = a->o.publish(a->o.publish_ctx, a->get_topic, SLICE_LIT("{}"));

    if (e && e != ERR_WRONG_STATE) /* not connected: asked again when the link is ready */
        elog(ELOG_ERROR, "Cannot ask for the deployment shadow.", ELOG_S("errorString", err_str(e)));
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
        agent_deploy(a, &desired);
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

    if (a->ended || shadow_topic_parse(topic, &t))
        return;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        if (messages[i].op == t.op && messages[i].kind == t.kind)
            messages[i].handle(a, payload);
}

void agent_on_ready(struct agent *a)
{
    if (a->ended)
        return;
    elogf(ELOG_INFO, "Deployment agent connected to cloud");
    if (courier_owes(a->courier))
        courier_hurry(a->courier); /* then asks what is desired */
    else
        ask_what_is_desired(a);
}

/* ---- life ---- */

static void on_started(void *ctx, err_t e, const char *why)
{
    (void)ctx;
    if (e)
        elog(ELOG_ERROR, "Runtime failed to start.", ELOG_S("errorString", why));
}

/* A group that cannot be started is no reason not to be there: the next deployment may be the cure. */
static err_t start_group_on_disk(struct agent *a)
{
    struct problem why;

    if (agent_run_group(a, a->group, on_started, &why))
        elog(ELOG_ERROR, "Runtime failed to start.", ELOG_S("errorString", why.text));
    return ERR_OK;
}

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
    return e ? e : start_group_on_disk(a);
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
    return e ? e : net_timer_new(a->o.loop, agent_on_retry, a, &a->retry);
}

err_t agent_new(const struct agent_opts *opts, struct agent **ret, struct problem *why)
{
    struct agent *a = mem_calloc(1, sizeof(*a));
    err_t e;

    if (!a)
        return problem_set(why, ERR_NOMEM, "out of memory");
    a->o = *opts;
    a->zip = -1;
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
    job_cancel(a->job);
    a->job = NULL;
    courier_end(a->courier);
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    courier_free(a->courier);
    net_timer_free(a->retry);
    agent_forget_code(a);
    deploydoc_free(a->doc);
    group_free(a->group);
    group_free(a->next_group);
    buf_done(&a->document);
    buf_done(&a->group_text);
    free(a->get_topic);
    free(a);
}
