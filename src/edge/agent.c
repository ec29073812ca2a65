/* src/edge/agent.c */
#include "edge/agent.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "edge/backoff.h"
#include "edge/deploydoc.h"
#include "edge/elog.h"
#include "edge/group.h"
#include "http/uri.h"
#include "shadow/topic.h"

#include <stdio.h>

#define RETRY_BASE_MS 1000
#define RETRY_MAX_MS 60000
#define ANSWER_MS 30000 /* for the shadow's answer to the reported state */
#define DOWNLOAD_TRIES 5
#define STATUS_ANSWER_MAX 65536
#define TOKEN_MAX 64 /* AWS: clientToken has at most 64 bytes */

struct agent {
    struct agent_opts o;
    char *base_url; /* https://ggHost:ggHttpPort/greengrass/groups/ */
    char *get_topic, *update_topic;
    struct group *group; /* what runs */

    /* one deployment */
    bool busy;
    bool switched;
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

    /* the status owed to the cloud */
    struct gda_report owed;
    bool putting;  /* a PUT is under way */
    bool awaiting; /* the reported state was published, its answer is awaited */
    struct net_timer *deliver_timer;
    struct backoff deliver_backoff;
};

/* --- the cloud's answers
 * ------------------------------------------------------------------------------------------- */

static const struct {
    int status;
    err_t e;
    const char *what;
} refusals[] = {
    { 403, ERR_DENIED,
      "the cloud refuses it (403): the policy of the core's certificate must allow greengrass:GetDeployment, "
      "GetDeploymentArtifacts and UpdateCoreDeploymentStatus for this deployment" },
    { 404, ERR_NOT_FOUND, "the cloud has no such deployment for this core (404)" },
    { 409, ERR_CONFLICT, "the cloud has recorded another final status for this deployment (409)" },
    { 429, ERR_UNAVAILABLE, "the cloud asks to come back later (429)" },
};

static err_t judge(const struct http_answer *answer, struct problem *why)
{
    if (answer->err)
        return problem_set(why, answer->err, "%s", answer->why ? answer->why : err_str(answer->err));
    if (answer->status >= 200 && answer->status < 300)
        return ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (answer->status == refusals[i].status)
            return problem_set(why, refusals[i].e, "%s", refusals[i].what);
    return problem_set(why, answer->status >= 500 ? ERR_UNAVAILABLE : ERR_PROTO,
                       "the cloud answered with status %d", answer->status);
}

/* Worth another try? */
static bool transient(err_t e)
{
    return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT || e == ERR_IO || e == ERR_BUSY || e == ERR_CRYPTO;
}

static int64_t wait_ms(struct agent *a, struct backoff *b)
{
    uint32_t random = 0;

    (void)crypto_random(a->o.crypto, &random, sizeof(random)); /* without entropy: no jitter */
    return backoff_next(b, random);
}

static err_t request(struct agent *a, const char *method, const char *url, struct slice body, uint64_t max,
                     http_done_fn done)
{
    static const struct http_header json[] = { HTTP_HEADER("Content-Type", "application/json") };
    struct http_fetch f = { .method = method, .url = url, .body = body, .max_answer = max };

    if (body.n) {
        f.headers = json;
        f.header_count = ARRAY_LEN(json);
    }
    elog(ELOG_DEBUG, "Sending a request to the cloud.", ELOG_S("method", method), ELOG_S("url", url));
    return http_client_start(a->o.http, &f, a->o.loop, done, a, NULL);
}

/* .../GID/deployments/DID + tail */
static char *deployment_url(struct agent *a, const struct gda_ref *ref, const char *tail)
{
    return mem_printf("%s%s/deployments/%s%s", a->base_url, ref->group_id, ref->deployment_id, tail);
}

static char *status_url(struct agent *a, const struct gda_ref *ref)
{
    autobuf tail = BUF_INIT(8192);

    if (buf_add_str(&tail, "/cores/") ||
        http_percent_encode(&tail, slice_str(a->o.config->thing_arn), false) || buf_add_str(&tail, "/status"))
        return NULL;
    return deployment_url(a, ref, buf_str(&tail));
}

static err_t put_status(struct agent *a, const struct gda_report *r, http_done_fn done)
{
    autofree char *url = status_url(a, &r->ref);
    autobuf body = BUF_INIT(16384);

    if (!url || gda_write_status(&body, r))
        return ERR_NOMEM;
    return request(a, "PUT", url, buf_slice(&body), STATUS_ANSWER_MAX, done);
}

static void token_of(const struct gda_report *r, char token[TOKEN_MAX])
{
    (void)snprintf(token, TOKEN_MAX, "%.36s-%s", r->ref.deployment_id, gda_status_str(r->status));
}

static err_t publish_reported(struct agent *a, const struct gda_report *r)
{
    autobuf text = BUF_INIT(16384);
    char token[TOKEN_MAX];
    err_t e;

    token_of(r, token);
    e = gda_write_reported(&text, r, token);
    return e ? e : a->o.publish(a->o.publish_ctx, a->update_topic, buf_slice(&text));
}

static void ask_what_is_desired(struct agent *a)
{
    err_t e = a->o.publish(a->o.publish_ctx, a->get_topic, SLICE_LIT("{}"));

    if (e && e != ERR_WRONG_STATE) /* not connected: asked again when the link is ready */
        elog(ELOG_ERROR, "Cannot ask for the deployment shadow.", ELOG_S("errorString", err_str(e)));
}

/* --- the status owed
 * ----------------------------------------------------------------------------------------------- */

static void deliver_later(struct agent *a)
{
    net_timer_set(a->deliver_timer, wait_ms(a, &a->deliver_backoff));
}

static void status_undelivered(struct agent *a, const char *why)
{
    elog(ELOG_ERROR, "Greengrass deployment error: failed to report deployment status back to cloud",
         ELOG_S("deploymentId", a->owed.ref.deployment_id), ELOG_S("errorString", why));
    deliver_later(a);
}

static void on_status_put(void *ctx, struct http_answer *answer)
{
    struct agent *a = ctx;
    struct problem why;
    err_t e = judge(answer, &why);

    a->putting = false;
    if (e == ERR_CANCELLED)
        return; /* the core ends; the status is on disk */
    if (e && e != ERR_NOT_FOUND && e != ERR_CONFLICT) {
        status_undelivered(a, why.text);
        return;
    }
    if (e)
        elog(ELOG_WARN, "The cloud does not take the status of a deployment.",
             ELOG_S("deploymentId", a->owed.ref.deployment_id), ELOG_S("errorString", why.text));
    a->awaiting = publish_reported(a, &a->owed) == ERR_OK; /* EC-15: after the PUT was answered */
    if (a->awaiting)
        net_timer_set(a->deliver_timer, ANSWER_MS);
    else
        deliver_later(a); /* or sooner, when the link is ready */
}

/* PUT, then the reported state, then its answer; from the start again whenever one of them fails. */
static void deliver(void *ctx)
{
    struct agent *a = ctx;
    err_t e;

    if (a->putting || a->owed.status == GDA_NONE)
        return;
    net_timer_stop(a->deliver_timer);
    a->awaiting = false;
    e = put_status(a, &a->owed, on_status_put);
    a->putting = e == ERR_OK;
    if (e)
        status_undelivered(a, err_str(e));
}

/* The cloud has the status and the reported state. */
static void delivered(struct agent *a)
{
    elog(ELOG_DEBUG, "The cloud has the deployment's status.",
         ELOG_S("deploymentId", a->owed.ref.deployment_id), ELOG_S("status", gda_status_str(a->owed.status)));
    store_forget_report(a->o.store);
    net_timer_stop(a->deliver_timer);
    a->owed = (struct gda_report){ 0 };
    a->awaiting = false;
    backoff_reset(&a->deliver_backoff);
    ask_what_is_desired(a);
}

static void owe(struct agent *a, const struct gda_report *r)
{
    struct problem why;

    a->owed = *r;
    backoff_reset(&a->deliver_backoff);
    if (store_save_report(a->o.store, r, &why))
        elog(ELOG_WARN, "The deployment's status cannot be kept on disk.", ELOG_S("errorString", why.text));
    deliver(a);
}

/* --- the end of a deployment
 * ---------------------------------------------------------------------------------------- */

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
    owe(a, &r);
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

/* --- the steps
 * ----------------------------------------------------------------------------------------------------- */

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

    return started(put_status(a, &r, on_answer), why);
}

static err_t finish_announce(struct agent *a, struct http_answer *answer, struct problem *why)
{
    struct gda_report r = { .ref = a->ref, .status = GDA_IN_PROGRESS };

    (void)answer;
    (void)why;
    (void)publish_reported(a, &r); /* the link may be down: the final status is what counts */
    return ERR_OK;
}

static err_t start_document(struct agent *a, struct problem *why)
{
    autofree char *url = deployment_url(a, &a->ref, "");

    return started(
        url ? request(a, "GET", url, (struct slice){ 0 }, DEPLOYDOC_MAX_BYTES, on_answer) : ERR_NOMEM, why);
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
    autofree char *tail = NULL, *url = NULL;

    if (a->artifact == a->doc->count)
        return ERR_OK;
    d = &a->doc->artifacts[a->artifact];
    tail = mem_printf("/artifacts/%s", d->name);
    url = tail ? deployment_url(a, &a->ref, tail) : NULL;
    /* EC-9: stops at `size`; one byte more of room because 0 stands for the client's default. */
    return started(url ? request(a, "GET", url, (struct slice){ 0 }, d->size + 1, on_answer) : ERR_NOMEM,
                   why);
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
    int64_t wait;

    if (!transient(e) || ++a->tries >= DOWNLOAD_TRIES)
        return false;
    wait = wait_ms(a, &a->backoff);
    elog(ELOG_WARN, "A request of the deployment failed, it is tried again.",
         ELOG_S("deploymentId", a->ref.deployment_id), ELOG_S("errorString", why), ELOG_N("retryInMs", wait));
    net_timer_set(a->retry, wait);
    return true;
}

static void on_answer(void *ctx, struct http_answer *answer)
{
    struct agent *a = ctx;
    struct problem why = { 0 };
    err_t e = judge(answer, &why);

    if (e == ERR_CANCELLED)
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

/* --- messages
 * ------------------------------------------------------------------------------------------------------ */

static void on_get_accepted(struct agent *a, struct slice payload)
{
    struct gda_ref desired;
    struct gda_report reported;
    struct problem why;

    if (gda_parse_get(payload, &desired, &reported, &why)) {
        elog(ELOG_ERROR, "The deployment shadow cannot be read.", ELOG_S("errorString", why.text));
        return;
    }
    if (a->busy)
        return; /* EC-4: asked again when this one has ended and its status was delivered */
    if (!gda_should_start(&desired, &reported) ||
        strcmp(desired.deployment_id, a->owed.ref.deployment_id) == 0)
        elog(ELOG_DEBUG, "Nothing to deploy.", ELOG_S("desired", desired.deployment_id));
    else
        begin(a, &desired);
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

/* Is it the answer to the reported state that is awaited? */
static bool is_awaited(struct agent *a, const char *token)
{
    char want[TOKEN_MAX];

    token_of(&a->owed, want);
    return a->awaiting && strcmp(token, want) == 0;
}

static void on_update_accepted(struct agent *a, struct slice payload)
{
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code;

    if (gda_parse_answer(payload, token, &code, message) == ERR_OK && is_awaited(a, token))
        delivered(a);
}

static void on_update_rejected(struct agent *a, struct slice payload)
{
    char token[GDA_ID_MAX], message[GDA_MESSAGE_MAX];
    int64_t code;

    if (gda_parse_answer(payload, token, &code, message))
        return;
    elog(ELOG_ERROR, "The cloud refuses the reported state of the deployment.", ELOG_N("code", code),
         ELOG_S("errorString", message));
    if (is_awaited(a, token))
        deliver_later(a);
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
    if (a->owed.status != GDA_NONE)
        deliver(a); /* then asks what is desired */
    else
        ask_what_is_desired(a);
}

/* --- life
 * ----------------------------------------------------------------------------------------------------------
 */

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

static err_t recover(struct agent *a, struct problem *why)
{
    struct gda_report failed;
    err_t e = store_recover(a->o.store, &failed, why);

    if (e)
        return e;
    if (failed.status == GDA_NONE) {
        store_read_report(a->o.store, &a->owed);
        return ERR_OK;
    }
    elog(ELOG_ERROR, "Deployment failed.", ELOG_S("deploymentId", failed.ref.deployment_id),
         ELOG_S("errorString", failed.message));
    a->owed = failed;
    return store_save_report(a->o.store, &failed, why);
}

static err_t make_names(struct agent *a)
{
    const struct config *c = a->o.config;

    a->base_url = mem_printf("https://%s:%lld/greengrass/groups/", c->gg_host, (long long)c->gg_http_port);
    a->get_topic = mem_printf("$aws/things/%s-gda/shadow/get", c->thing_name);
    a->update_topic = mem_printf("$aws/things/%s-gda/shadow/update", c->thing_name);
    return a->base_url && a->get_topic && a->update_topic ? ERR_OK : ERR_NOMEM;
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
    a->deliver_backoff = backoff_of(RETRY_BASE_MS, RETRY_MAX_MS);
    e = make_names(a);
    e = e ? e : net_timer_new(opts->loop, on_retry, a, &a->retry);
    e = e ? e : net_timer_new(opts->loop, deliver, a, &a->deliver_timer);
    e = e ? problem_set(why, e, "out of memory") : recover(a, why);
    e = e ? e : run_group_on_disk(a, why);
    if (e) {
        agent_free(a);
        return e;
    }
    *ret = a;
    return ERR_OK;
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    net_timer_free(a->retry);
    net_timer_free(a->deliver_timer);
    deploydoc_free(a->doc);
    group_free(a->group);
    group_free(a->next_group);
    buf_done(&a->document);
    buf_done(&a->group_text);
    free(a->base_url);
    free(a->get_topic);
    free(a->update_topic);
    free(a);
}
