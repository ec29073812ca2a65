#include "cloud/provisioning/fleet.h"
#include "cloud/gateway/reserved.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/provisioning/fleet_handlers.h"
#include "cloud/provisioning/fleet_message.h"
#include "cloud/provisioning/fleet_topic.h"
#include "cloud/provisioning/hook.h"
#include "cloud/provisioning/ownership.h"

#include <stdio.h>

#define UNDER_WAY_MAX 256u
#define SWEEP_MS 60000
#define SWEEP_SOON_MS 100
#define TOPIC_MAX 512u

struct request {
    struct store_job job; /* first */
    struct fleet *fleet;
    struct request *next, **link; /* all of the fleet's */
    uint64_t ticket;
    struct fleet_topic topic; /* .template is call's parameter from here on */
    char *topic_text;
    char *hook; /* the target that is being asked */
    struct api_call call;
};

struct fleet {
    const struct api_parts *parts;
    struct broker *broker;
    struct hooks *hooks;
    struct request *requests;
    struct request *inside; /* while on_message is on the stack: it answers the ticket itself */
    size_t n;
    struct net_timer *sweep;
    struct store_job sweep_job;
    struct api_call sweep_call;
    bool sweeping;
};

static const struct api_op ops[] = {
    [FLEET_CREATE_KEYS] = { "CreateKeysAndCertificate", "", "", fleet_create_keys,
                            API_NEEDS_KEY | API_RAW_BODY },
    [FLEET_CREATE_CSR] = { "CreateCertificateFromCsr", "", "", fleet_create_csr, API_RAW_BODY },
    [FLEET_REGISTER] = { "RegisterThing", "", "", fleet_register, API_RAW_BODY },
};
static const struct api_op sweep_op = { "SweepOwnershipTokens", "", "", ownership_sweep, API_RAW_BODY };

/* ---- answers ---- */

/* The API's errors in the words of this service (2.6, FP-5). */
static const struct {
    enum api_error error;
    int status;
    const char *code;
} codes[] = {
    { API_INVALID_REQUEST, 400, "InvalidParameters" },
    { API_REGISTRATION_FAILURE, 400, "InvalidParameters" },
    { API_ENCODING, 400, "InvalidPayload" },
    { API_UNAUTHORIZED, 403, "InvalidCertificateOwnershipToken" },
    { API_FORBIDDEN, 403, "AccessDenied" },
    { API_NOT_FOUND, 404, "ResourceNotFound" },
    { API_CONFLICTING_UPDATE, 409, "ResourceConflict" },
    { API_THROTTLING, 429, "Throttled" },
};

static json_t *rejection(const struct request *r)
{
    const char *code = "InternalError";
    int status = 500;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].error == r->call.error) {
            status = codes[i].status;
            code = codes[i].code;
        }
    }
    if (r->call.error == API_INVALID_REQUEST && r->topic.op == FLEET_CREATE_CSR)
        code = "InvalidCSR";
    return json_pack("{s:i,s:s,s:s}", "statusCode", status, "errorCode", code, "errorMessage",
                     r->call.message);
}

static void request_free(struct request *r)
{
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    r->fleet->n--;
    api_call_done(&r->call);
    free(r->topic_text);
    free(r->hook);
    free(r);
}

/* To the connection that asked, then its acknowledgement. Frees r. */
static void reply(struct request *r, const char *level, json_t *members, struct slice private_pem)
{
    struct broker *b = r->fleet->broker;
    autofree char *topic = mem_printf("%s/%s", r->topic_text, level);
    auto_json *own = members;
    autobuf payload = BUF_SECRET(FLEET_MESSAGE_MAX);
    err_t e = topic && own ? fleet_answer_write(&payload, r->topic.cbor, own, private_pem) : ERR_NOMEM;

    if (!e) {
        struct broker_message m = { .topic = slice_str(topic),
                                    .payload = buf_slice(&payload),
                                    .secret = true };
        e = broker_reply(b, r->ticket, &m);
    }
    if (e && e != ERR_NOT_FOUND)
        log_error("provisioning answer on %s not sent: %s", r->topic_text, err_str(e));
    if (r->fleet->inside == r)
        r->fleet->inside = NULL;
    else
        broker_answer(b, r->ticket, BROKER_ALLOW);
    request_free(r);
}

static void reject(struct request *r)
{
    char text[LOG_ESC_MAX];

    log_warn("provisioning refused op=%s principal=%s: %s", r->call.op->name, r->call.cert_id,
             log_esc(text, slice_str(r->call.message)));
    reply(r, "rejected", rejection(r), (struct slice){ 0 });
}

static void reject_with(struct request *r, enum api_error error, const char *message)
{
    api_note(&r->call, error, "%s", message);
    reject(r);
}

/* ---- the work ---- */

static void submit(struct request *r)
{
    if (store_submit(r->fleet->parts->store, r->fleet->parts->loop, &r->job))
        reject_with(r, API_THROTTLING, "too many requests are waiting for the database, try again");
}

static err_t run(struct store_job *job, struct db *db)
{
    struct request *r = CONTAINER_OF(job, struct request, job);

    return api_call_run(&r->call, db);
}

/* Anything but true is no (2.6). */
static err_t take_hook_answer(struct request *r, const json_t *answer)
{
    json_t *overrides = json_object_get(answer, "parameterOverrides");

    if (!json_is_true(json_object_get(answer, "allowProvisioning")))
        return ERR_DENIED;
    if (overrides && !json_is_null(overrides) &&
        json_object_set(r->call.body, FLEET_OVERRIDES, overrides) != 0)
        return ERR_NOMEM;
    return api_call_add(&r->call, FLEET_HOOK_DONE, r->hook);
}

static void on_hook(void *ctx, const json_t *answer, const char *why)
{
    struct request *r = ctx;
    err_t e;

    if (!answer) {
        log_warn("provisioning hook %s failed: %s", r->hook, why);
        reject_with(r, API_FORBIDDEN, "the pre-provisioning hook did not answer");
    } else if ((e = take_hook_answer(r, answer))) {
        reject_with(r, e == ERR_DENIED ? API_FORBIDDEN : API_INTERNAL,
                    e == ERR_DENIED ? "the pre-provisioning hook did not allow it" : err_str(e));
    } else {
        submit(r);
    }
}

static void ask_hook(struct request *r, const char *target, const json_t *event)
{
    err_t e = ERR_NOMEM;

    free(r->hook);
    if ((r->hook = mem_strdup(target)))
        e = hook_ask(r->fleet->hooks, target, event, on_hook, r);
    if (e == ERR_NOT_FOUND)
        log_warn("provisioning hook %s: DIR/hooks.conf does not say what it is", target);
    if (e)
        reject_with(r, e == ERR_BUSY ? API_THROTTLING : API_FORBIDDEN,
                    e == ERR_BUSY ? "too many hooks are being asked, try again"
                                  : "the pre-provisioning hook cannot be asked");
}

static void done(struct store_job *job, err_t result)
{
    struct request *r = CONTAINER_OF(job, struct request, job);
    struct api_call *c = &r->call;
    const char *target;

    if (result && !c->error) /* the handler was content, the commit failed */
        api_note(c, API_INTERNAL, "the change could not be stored: %s", err_str(result));
    if (c->error) {
        reject(r);
    } else if ((target = json_get_str(c->reply, "hookTarget"))) {
        auto_json *event = json_incref(json_get_obj(c->reply, "hookEvent"));
        ask_hook(r, target, event);
    } else {
        r->fleet->parts->apply(r->fleet->parts->apply_ctx, &c->effects);
        log_info("provisioning op=%s principal=%s done", c->op->name, c->cert_id);
        reply(r, "accepted", json_incref(c->reply), buf_slice(&c->key_private));
    }
}

static void on_key(void *ctx, err_t e, struct buf *private_pem, struct buf *public_pem)
{
    struct request *r = ctx;

    if (!e)
        e = buf_add(&r->call.key_private, buf_slice(private_pem));
    if (!e)
        e = buf_add(&r->call.key_public, buf_slice(public_pem));
    if (e)
        reject_with(r, API_INTERNAL, "a key pair could not be made");
    else
        submit(r);
}

/* ---- requests ---- */

static err_t fill(struct request *r, const struct broker_message *m)
{
    autofree char *client = mem_str(m->client_id), *template = mem_str(r->topic.template);
    err_t e;

    r->topic_text = mem_str(m->topic);
    r->call.cert_id = mem_str(m->principal);
    if (!client || !template || !r->topic_text || !r->call.cert_id)
        return ERR_NOMEM;
    if ((e = api_call_add(&r->call, "clientId", client)))
        return e;
    return r->topic.op == FLEET_REGISTER ? api_call_add(&r->call, "templateName", template) : ERR_OK;
}

static err_t request_new(struct fleet *f, const struct broker_message *m, uint64_t ticket,
                         const struct fleet_topic *t, struct request **ret)
{
    struct request *r = mem_calloc(1, sizeof(*r));
    err_t e;

    if (!r)
        return ERR_NOMEM;
    *r = (struct request){ .job = { .run = run, .done = done },
                           .fleet = f,
                           .next = f->requests,
                           .link = &f->requests,
                           .ticket = ticket,
                           .topic = *t };
    if (r->next)
        r->next->link = &r->next;
    f->requests = r;
    f->n++;
    api_call_init(&r->call, f->parts->env, &ops[t->op]);
    if ((e = fill(r, m))) {
        request_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

static void start(struct request *r, struct slice payload)
{
    char why[FLEET_WHY_MAX] = "";
    err_t e;

    if (r->fleet->n > UNDER_WAY_MAX) {
        reject_with(r, API_THROTTLING, "too many devices are being provisioned, try again");
    } else if ((e = fleet_request_read(payload, r->topic.cbor, &r->call.body, why))) {
        reject_with(r, e == ERR_NOMEM ? API_INTERNAL : API_ENCODING, why[0] ? why : err_str(e));
    } else if (r->topic.op != FLEET_CREATE_KEYS) {
        submit(r);
    } else if ((e = keymaker_start(r->fleet->parts->keymaker, on_key, r))) {
        reject_with(r, e == ERR_BUSY ? API_THROTTLING : API_INTERNAL,
                    "no key pair can be made now, try again");
    }
}

/* What is no request has no place on these topics: a forged answer would be somebody else's key. */
static err_t on_message(void *ctx, const struct broker_message *m, uint64_t ticket)
{
    struct fleet *f = ctx;
    struct fleet_topic t;
    struct request *r;
    err_t e;

    if ((e = fleet_topic_parse(m->topic, &t)) || (e = request_new(f, m, ticket, &t, &r)))
        return e;
    f->inside = r;
    start(r, m->payload);
    if (!f->inside) /* refused already */
        return ERR_OK;
    f->inside = NULL;
    return ERR_MORE;
}

/* ---- what was not used ---- */

static err_t sweep_run(struct store_job *job, struct db *db)
{
    struct fleet *f = CONTAINER_OF(job, struct fleet, sweep_job);

    return api_call_run(&f->sweep_call, db);
}

static void sweep_done(struct store_job *job, err_t result)
{
    struct fleet *f = CONTAINER_OF(job, struct fleet, sweep_job);
    bool more = !result && json_get_bool(f->sweep_call.reply, "more", false);

    if (!result)
        f->parts->apply(f->parts->apply_ctx, &f->sweep_call.effects);
    api_call_done(&f->sweep_call);
    f->sweeping = false;
    net_timer_set(f->sweep, more ? SWEEP_SOON_MS : SWEEP_MS);
}

static void on_sweep(void *ctx)
{
    struct fleet *f = ctx;

    if (f->sweeping)
        return;
    api_call_init(&f->sweep_call, f->parts->env, &sweep_op);
    f->sweep_job = (struct store_job){ .run = sweep_run, .done = sweep_done };
    f->sweeping = !store_submit(f->parts->store, f->parts->loop, &f->sweep_job);
    if (!f->sweeping) {
        api_call_done(&f->sweep_call);
        net_timer_set(f->sweep, SWEEP_MS);
    }
}

err_t fleet_new(const struct api_parts *parts, struct broker *b, struct hooks *hooks, struct fleet **ret)
{
    struct fleet *f = mem_calloc(1, sizeof(*f));
    err_t e;

    if (!f)
        return ERR_NOMEM;
    f->parts = parts;
    f->broker = b;
    f->hooks = hooks;
    if ((e = net_timer_new(parts->loop, on_sweep, f, &f->sweep)) ||
        (e = reserved_register(f->broker, RESERVED_PROVISIONING, on_message, f))) {
        fleet_free(f);
        return e;
    }
    net_timer_set(f->sweep, 0);
    *ret = f;
    return ERR_OK;
}

void fleet_free(struct fleet *f)
{
    if (!f)
        return;
    net_timer_free(f->sweep);
    for (struct request *r = f->requests, *next; r; r = next) { /* they waited for a key or a hook */
        next = r->next;
        request_free(r);
    }
    if (f->sweeping)
        api_call_done(&f->sweep_call);
    free(f);
}
