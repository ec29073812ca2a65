#include "cloud/api/request.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cloud/api/page.h"
#include "cloud/loglimit.h"
#include "cloud/metrics.h"
#include "crypto/random.h"

#include <stdio.h>

#define BODY_DEPTH_MAX 24u
#define PLACE_MAX 1024u /* where a list goes on */

struct request {
    struct store_job job; /* first */
    const struct api_parts *parts;
    struct http_server *server;
    struct http_token token;
    struct api_call call;
};

/* Headers that are parameters of operations. */
static const char *const header_params[] = { "x-amzn-principal",
                                             "x-amzn-iot-principal",
                                             "x-amzn-iot-policy",
                                             "x-amzn-iot-thingname",
                                             "x-amz-mqtt5-user-properties",
                                             "x-amz-mqtt5-payload-format-indicator",
                                             "x-amz-mqtt5-correlation-data" };

static void request_free(struct request *r)
{
    api_call_done(&r->call);
    free(r);
}

static void reply(const struct api_parts *parts, struct http_server *srv, struct http_token token, int status,
                  const char *error_name, const char *content_type, struct slice body)
{
    char id[CRYPTO_UUID_MAX] = "";
    struct http_header headers[3] = { { SLICE_LIT("Content-Type"), slice_str(content_type) } };
    size_t n = 1;

    if (crypto_random_uuid(parts->env->crypto, id) == ERR_OK)
        headers[n++] = (struct http_header){ SLICE_LIT("x-amzn-RequestId"), slice_str(id) };
    if (error_name)
        headers[n++] = (struct http_header){ SLICE_LIT("x-amzn-ErrorType"), slice_str(error_name) };
    struct http_response resp = { .status = status, .headers = headers, .header_count = n, .body = body };
    err_t e = http_reply(srv, token, &resp);
    if (e && e != ERR_NOT_FOUND)
        log_warn("api answer not sent: %s", err_str(e));
}

/* Messages quote what the client sent: keep the JSON well formed whatever that was. */
static void make_printable(char *text)
{
    if (utf8_valid(slice_str(text)))
        return;
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    }
}

static void add_trace(const struct api_parts *parts, json_t *body)
{
    char id[CRYPTO_UUID_MAX];

    if (body && crypto_random_uuid(parts->env->crypto, id) == ERR_OK)
        (void)json_object_set_new(body, "traceId", json_string(id)); /* poorer without */
}

static void reply_error(const struct api_parts *parts, struct http_server *srv, struct http_token token,
                        const struct api_op *op, enum api_error error, char *message, json_t *members)
{
    const struct api_error_info *info = api_error_info(error);
    bool greengrass =
        op && (op->flags & API_GREENGRASS) && (error >= API_GG_BAD_REQUEST || error == API_NOT_IMPLEMENTED);
    int status = error == API_THROTTLING && op && (op->flags & API_SHADOW_CODES) ? 429 : info->status;
    autobuf text = BUF_INIT(65536);

    metric_api(op ? op->name : NULL, status);
    make_printable(message);
    auto_json *body = json_pack("{s:s}", greengrass ? "Message" : "message", message);
    if (op && (op->flags & API_TRACED))
        add_trace(parts, body);
    if (body && members)
        (void)json_object_update(body, members); /* without them the answer is poorer, not wrong */
    if (!body || json_write(&text, body, 0))
        buf_clear(&text);
    reply(parts, srv, token, status, info->name, "application/json", buf_slice(&text));
}

void api_request_refuse(const struct api_parts *parts, const struct http_request *req,
                        const struct api_op *op, enum api_error error, const char *message)
{
    char copy[API_MESSAGE_MAX];

    (void)snprintf(copy, sizeof(copy), "%s", message);
    reply_error(parts, req->server, req->token, op, error, copy, NULL);
}

static err_t run(struct store_job *job, struct db *db)
{
    struct request *r = CONTAINER_OF(job, struct request, job);

    return api_call_run(&r->call, db);
}

static int status_of(const struct api_op *op)
{
    if (op->flags & API_CREATED)
        return 201;
    return op->flags & API_NO_CONTENT ? 204 : 200;
}

/* On the home loop, like every answer. */
static void log_refused(const struct api_call *c)
{
    static struct loglimit limit;
    char text[LOG_ESC_MAX], note[LOGLIMIT_NOTE_MAX];

    if (loglimit_pass(&limit, LOGLIMIT_KIND, clock_mono_ms(), note))
        log_warn("https refused %s op=%s certificateId=%s: %s%s", api_error_info(c->error)->name, c->op->name,
                 c->cert_id, log_esc(text, slice_str(c->message)), note);
}

/* Answer, and the end of the request. */
static void conclude(struct request *r)
{
    struct api_call *c = &r->call;

    if (c->error) {
        if (c->cert_id && c->error == API_FORBIDDEN)
            metric_add(METRIC_DENIED_HTTPS, 1);
        if (c->cert_id)
            log_refused(c);
        reply_error(r->parts, r->server, r->token, c->op, c->error, c->message, c->error_members);
    } else {
        metric_api(c->op->name, status_of(c->op));
        reply(r->parts, r->server, r->token, status_of(c->op), NULL,
              c->content_type ? c->content_type : "application/json", buf_slice(&c->text));
    }
    request_free(r);
}

static void on_late(void *ctx, err_t e)
{
    struct request *r = ctx;

    if (e == ERR_CANCELLED) { /* the server ends, and its connections are gone */
        request_free(r);
        return;
    }
    if (e)
        api_note(&r->call, API_INTERNAL, "it could not be done: %s", err_str(e));
    conclude(r);
}

static void done(struct store_job *job, err_t result)
{
    struct request *r = CONTAINER_OF(job, struct request, job);
    struct api_call *c = &r->call;

    if (result && !c->error) /* the handler was content, the commit failed */
        api_note(c, result == ERR_NO_SPACE ? API_UNAVAILABLE : API_INTERNAL,
                 "the change could not be stored: %s", err_str(result));
    if (!c->error)
        r->parts->apply(r->parts->apply_ctx, &c->effects); /* first: who gets the answer may rely on it */
    if (!c->error && c->op->after && api_call_after(c, r->parts->gateway, on_late, r) == ERR_MORE)
        return;
    conclude(r);
}

static void fail(struct request *r, enum api_error error, const char *message)
{
    api_note(&r->call, error, "%s", message);
    reply_error(r->parts, r->server, r->token, r->call.op, error, r->call.message, NULL);
    request_free(r);
}

static void crossed(void *arg, err_t result)
{
    struct request *r = arg;

    done(&r->job, result);
}

static void submit(struct request *r)
{
    if ((r->call.op->flags & API_ACROSS) && r->parts->across) {
        r->parts->across(r->parts->across_ctx, &r->call, crossed, r);
        return;
    }
    if (store_submit(r->parts->store, r->parts->loop, &r->job))
        fail(r, API_THROTTLING, "too many requests are waiting for the database, try again");
}

static void on_key(void *ctx, err_t e, struct buf *private_pem, struct buf *public_pem)
{
    struct request *r = ctx;

    if (!e)
        e = buf_add(&r->call.key_private, buf_slice(private_pem));
    if (!e)
        e = buf_add(&r->call.key_public, buf_slice(public_pem));
    if (e) {
        log_error("a key pair could not be made: %s", err_str(e));
        fail(r, API_INTERNAL, "a key pair could not be made");
        return;
    }
    submit(r);
}

static err_t copy_param(struct api_call *c, const struct http_param *p)
{
    autobuf place = BUF_INIT(PLACE_MAX);
    err_t e;

    if (!api_page_is_token(p->name) || !*p->value)
        return api_call_add(c, p->name, p->value);
    e = api_page_open_token(c->op, p->value, &place);
    return e ? e : api_call_add(c, p->name, buf_str(&place));
}

/* Labels first: the first value of a name counts, so a query cannot replace a label. */
static err_t copy_params(struct api_call *c, const struct http_params *from)
{
    err_t e = ERR_OK;

    for (size_t i = 0; from && i < from->n && !e; i++)
        e = copy_param(c, &from->list[i]);
    return e;
}

static err_t copy_headers(struct api_call *c, const struct http_request *req)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(header_params) && !e; i++) {
        struct slice value = http_request_header(req, header_params[i]);
        if (!value.p)
            continue;
        autofree char *text = mem_str(value);
        e = text ? api_call_add(c, header_params[i], text) : ERR_NOMEM;
    }
    return e;
}

static err_t copy_body(struct api_call *c, struct slice body)
{
    struct json_where where;
    err_t e;

    if (c->op->flags & API_RAW_BODY)
        return buf_add(&c->raw, body);
    if (body.n == 0)
        return (c->body = json_object()) ? ERR_OK : ERR_NOMEM;
    if ((e = json_parse(body, BODY_DEPTH_MAX, &c->body, &where)))
        return e == ERR_INVALID
                   ? api_fail(c, c->op->flags & API_GREENGRASS ? API_GG_BAD_REQUEST : API_INVALID_REQUEST,
                              "the body is not JSON: line %d, column %d: %s", where.line, where.column,
                              where.text)
                   : e;
    return json_is_object(c->body) ? ERR_OK
                                   : api_fail(c, API_INVALID_REQUEST, "the body must be a JSON object");
}

static err_t copy_request(struct api_call *c, const struct http_request *req, const struct api_asker *who)
{
    err_t e;

    (void)snprintf(c->region, sizeof(c->region), "%s", who->region);
    c->authorize = who->authorize;
    if (who->cert_id && !(c->cert_id = mem_strdup(who->cert_id)))
        return ERR_NOMEM;
    (void)snprintf(c->caller.id, sizeof(c->caller.id), "%s", who->access_key ? who->access_key : "");
    if (who->key_policy && !(c->caller.policy = mem_strdup(who->key_policy)))
        return ERR_NOMEM;
    if (who->vars) {
        c->vars = *who->vars;
        *who->vars = (struct policy_vars){ 0 };
    }
    if ((e = copy_params(c, req->labels)) || (e = copy_params(c, req->params)) || (e = copy_headers(c, req)))
        return e;
    return copy_body(c, req->body);
}

void api_request_start(const struct api_parts *parts, const struct http_request *req, const struct api_op *op,
                       const struct api_asker *who)
{
    struct request *r = mem_calloc(1, sizeof(*r));
    err_t e;

    if (!r) {
        api_request_refuse(parts, req, op, API_UNAVAILABLE, "out of memory");
        return;
    }
    *r = (struct request){ .job = { .run = run, .done = done, .reads = (op->flags & API_READS) != 0 },
                           .parts = parts,
                           .server = req->server,
                           .token = req->token };
    api_call_init(&r->call, parts->env, op);
    if ((e = copy_request(&r->call, req, who))) {
        if (!r->call.error)
            api_note(&r->call, e == ERR_NOMEM ? API_UNAVAILABLE : API_INVALID_REQUEST,
                     "the request cannot be read");
        reply_error(parts, r->server, r->token, op, r->call.error, r->call.message, NULL);
        request_free(r);
        return;
    }
    if (!(op->flags & API_NEEDS_KEY)) {
        submit(r);
        return;
    }
    if ((e = keymaker_start(parts->keymaker, on_key, r)))
        fail(r, e == ERR_BUSY ? API_THROTTLING : API_INTERNAL, "no key pair can be made now, try again");
}
