/* src/edge/deploy/courier.c */
#include "edge/deploy/courier.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "edge/backoff.h"
#include "edge/elog.h"

#include <stdio.h>

#define RETRY_BASE_MS 1000
#define RETRY_MAX_MS 60000
#define ANSWER_MS 30000 /* for the shadow's answer to the reported state */
#define TOKEN_MAX 64    /* AWS: clientToken has at most 64 bytes */
#define DOCUMENT_MAX 16384

struct courier {
    struct courier_opts o;
    char *update_topic;
    struct gda_report owed; /* GDA_NONE: nothing */
    bool putting;           /* a PUT is under way */
    bool ended;
    bool awaiting; /* the reported state was published, its answer is awaited */
    struct net_timer *timer;
    struct backoff backoff;
};

static void token_of(const struct gda_report *r, char token[TOKEN_MAX])
{
    (void)snprintf(token, TOKEN_MAX, "%.36s-%s", r->ref.deployment_id, gda_status_str(r->status));
}

err_t courier_publish(struct courier *c, const struct gda_report *r)
{
    autobuf text = BUF_INIT(DOCUMENT_MAX);
    char token[TOKEN_MAX];
    err_t e;

    token_of(r, token);
    e = gda_write_reported(&text, r, token);
    return e ? e : c->o.publish(c->o.publish_ctx, c->update_topic, buf_slice(&text));
}

static void try_later(struct courier *c)
{
    uint32_t random = 0;

    (void)crypto_random(c->o.crypto, &random, sizeof(random)); /* without entropy: no jitter */
    net_timer_set(c->timer, backoff_next(&c->backoff, random));
}

static void undelivered(struct courier *c, const char *why)
{
    elog(ELOG_ERROR, "Greengrass deployment error: failed to report deployment status back to cloud",
         ELOG_S("deploymentId", c->owed.ref.deployment_id), ELOG_S("errorString", why));
    try_later(c);
}

/* 404 and 409 are answers too: the cloud has its own end of this deployment. */
static bool is_final(err_t e)
{
    return e == ERR_OK || e == ERR_NOT_FOUND || e == ERR_CONFLICT;
}

static void on_put(void *ctx, struct http_answer *answer)
{
    struct courier *c = ctx;
    struct problem why;
    err_t e = dataplane_judge(answer, &why);

    c->putting = false;
    if (e == ERR_CANCELLED || c->ended)
        return; /* the core ends; the status is on disk */
    if (!is_final(e)) {
        undelivered(c, why.text);
        return;
    }
    if (e)
        elog(ELOG_WARN, "The cloud does not take the status of a deployment.",
             ELOG_S("deploymentId", c->owed.ref.deployment_id), ELOG_S("errorString", why.text));
    c->awaiting = courier_publish(c, &c->owed) == ERR_OK; /* EC-15: after the PUT was answered */
    if (c->awaiting)
        net_timer_set(c->timer, ANSWER_MS);
    else
        try_later(c); /* or sooner, when the link is ready */
}

static void deliver(void *ctx)
{
    struct courier *c = ctx;
    err_t e;

    if (c->putting || c->owed.status == GDA_NONE)
        return;
    net_timer_stop(c->timer);
    c->awaiting = false;
    e = dataplane_put_status(c->o.dataplane, &c->owed, on_put, c);
    c->putting = e == ERR_OK;
    if (e)
        undelivered(c, err_str(e));
}

void courier_end(struct courier *c)
{
    c->ended = true;
    net_timer_stop(c->timer);
}

void courier_hurry(struct courier *c)
{
    deliver(c);
}

bool courier_owes(const struct courier *c)
{
    return c->owed.status != GDA_NONE;
}

void courier_restore(struct courier *c)
{
    store_read_report(c->o.store, &c->owed);
}

void courier_owe(struct courier *c, const struct gda_report *r)
{
    struct problem why;

    c->owed = *r;
    backoff_reset(&c->backoff);
    if (store_save_report(c->o.store, r, &why))
        elog(ELOG_WARN, "The deployment's status cannot be kept on disk.", ELOG_S("errorString", why.text));
    deliver(c);
}

/* Is it the answer that is awaited? */
static bool is_awaited(const struct courier *c, const char *token)
{
    char want[TOKEN_MAX];

    token_of(&c->owed, want);
    return c->awaiting && strcmp(token, want) == 0;
}

void courier_on_accepted(struct courier *c, const char *token)
{
    if (!is_awaited(c, token))
        return;
    elog(ELOG_DEBUG, "The cloud has the deployment's status.",
         ELOG_S("deploymentId", c->owed.ref.deployment_id), ELOG_S("status", gda_status_str(c->owed.status)));
    store_forget_report(c->o.store);
    net_timer_stop(c->timer);
    c->owed = (struct gda_report){ 0 };
    c->awaiting = false;
    c->o.on_delivered(c->o.ctx);
}

void courier_on_rejected(struct courier *c, const char *token)
{
    if (is_awaited(c, token))
        try_later(c);
}

err_t courier_new(const struct courier_opts *opts, struct courier **ret)
{
    struct courier *c = mem_calloc(1, sizeof(*c));
    err_t e;

    if (!c)
        return ERR_NOMEM;
    c->o = *opts;
    c->backoff = backoff_of(RETRY_BASE_MS, RETRY_MAX_MS);
    c->update_topic = mem_printf("$aws/things/%s-gda/shadow/update", opts->dataplane->config->thing_name);
    e = c->update_topic ? net_timer_new(opts->dataplane->loop, deliver, c, &c->timer) : ERR_NOMEM;
    if (e) {
        courier_free(c);
        return e;
    }
    *ret = c;
    return ERR_OK;
}

void courier_free(struct courier *c)
{
    if (!c)
        return;
    net_timer_free(c->timer);
    free(c->update_topic);
    free(c);
}
