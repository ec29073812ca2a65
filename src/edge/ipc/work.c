/* src/edge/ipc/work.c - invoking, asking for work, answering: reference 4.4.
 *
 * A request that hangs is named to the pool by its token in one number: http_token's generation is never 0
 * and never used twice.
 */
#include "base/json.h"
#include "base/mem.h"
#include "edge/ipc/ipc_impl.h"

#include <stdio.h>

#define TOKEN_MAX 1024
#define INITIALIZED_DEPTH 4

static const char id_header[] = "X-Amz-InvocationId";
static const char context_header[] = "X-Amz-Client-Context";
static const char error_header[] = "X-Amz-Function-Error";
static const char type_header[] = "X-Amz-Invocation-Type";

static uint64_t waiter_of(struct http_token t)
{
    return (uint64_t)t.gen << 32 | t.slot;
}

static struct http_token token_of(uint64_t waiter)
{
    return (struct http_token){ .slot = (uint32_t)waiter, .gen = (uint32_t)(waiter >> 32) };
}

/* ---- what the pool says, in HTTP ---- */

static const struct {
    err_t e;
    int status;
    const char *message;
} refusals[] = {
    { ERR_AUTH, 403, "the token is not of a worker that may do this" },
    { ERR_NOT_FOUND, 404, "no such function in the group, or no such invocation (any more)" },
    { ERR_CONFLICT, 409, "a newer request of the same worker took its place" },
    { ERR_TOO_BIG, 413, "the payload or the client context is too big" },
    { ERR_INVALID, 400, "Invalid request" },
    { ERR_BUSY, 503, "the work queue is full" },
    { ERR_CANCELLED, 503, "the worker is being stopped" },
    { ERR_UNAVAILABLE, 503, "not available now" },
};

static void refuse(struct ipc *ipc, struct http_token to, err_t e)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (refusals[i].e == e) {
            ipc_refuse(ipc, to, refusals[i].status, refusals[i].message);
            return;
        }
    ipc_refuse(ipc, to, 500, err_str(e));
}

static void reply(struct ipc *ipc, struct http_token to, int status, const struct http_header *headers,
                  size_t n, struct slice body)
{
    (void)http_reply(ipc->server, to,
                     &(struct http_response){ status, headers, n, body, false }); /* gone: dropped */
}

static void reply_work(struct ipc *ipc, struct http_token to, const struct pool_work *work)
{
    const struct http_header headers[] = {
        { slice_str(id_header), slice_str(work->id) },
        { slice_str(context_header), work->context },
        HTTP_HEADER("Content-Type", "application/octet-stream"),
    };

    reply(ipc, to, 200, headers, ARRAY_LEN(headers), work->payload);
}

/* The error header is there on success, too, and empty: the Python SDK compares it with "". */
static void reply_result(struct ipc *ipc, struct http_token to, const struct pool_answer *answer)
{
    const struct http_header headers[] = {
        { slice_str(error_header), slice_str(answer->function_error) },
        HTTP_HEADER("Content-Type", "application/octet-stream"),
    };

    reply(ipc, to, 200, headers, ARRAY_LEN(headers), answer->body);
}

static void on_work(void *ctx, uint64_t waiter, const struct pool_work *work)
{
    reply_work(ctx, token_of(waiter), work);
}

static void on_result(void *ctx, uint64_t waiter, const struct pool_answer *answer)
{
    reply_result(ctx, token_of(waiter), answer);
}

static void on_dropped(void *ctx, uint64_t waiter, err_t why)
{
    refuse(ctx, token_of(waiter), why);
}

const struct pool_waiter_events ipc_waiter_events = { on_work, on_result, on_dropped };

void ipc_on_gone(void *ctx, struct http_token token)
{
    struct ipc *ipc = ctx;

    pool_forget_waiter(ipc->pool, waiter_of(token), clock_mono_ms());
}

/* ---- who asks, for what ---- */

struct call {
    char *token, *arn, *id; /* id "" without one */
};

static void call_done(struct call *c)
{
    if (c->token)
        mem_wipe(c->token, strlen(c->token));
    free(c->token);
    free(c->arn);
    free(c->id);
}
#define auto_call __attribute__((cleanup(call_done))) struct call

/* False: answered already. A token that cannot be one is treated as one that is nobody's. */
static bool read_call(struct ipc *ipc, struct http_request *req, struct call *ret)
{
    struct slice token = http_request_header(req, "Authorization");

    if (!ipc_guard(ipc, req))
        return false;
    if (!token.p) {
        ipc_refuse(ipc, req->token, 401, "the Authorization header is missing");
        return false;
    }
    ret->token = token.n <= TOKEN_MAX ? mem_str(token) : NULL;
    ret->arn = mem_strdup(http_params_get(req->labels, "arn"));
    ret->id = mem_str(http_request_header(req, id_header));
    if (ret->token && ret->arn && ret->id && strlen(ret->arn) <= POOL_ARN_MAX)
        return true;
    refuse(ipc, req->token, ret->token ? ERR_INVALID : ERR_AUTH);
    return false;
}

/* ---- the routes ---- */

/* Without the header an invocation waits for its result, as AWS Lambda's does. */
static err_t read_type(const struct http_request *req, bool *ret_wants_result)
{
    struct slice type = http_request_header(req, type_header);

    if (type.n && !slice_eq(type, SLICE_LIT("RequestResponse")) && !slice_eq(type, SLICE_LIT("Event")))
        return ERR_INVALID;
    *ret_wants_result = !slice_eq(type, SLICE_LIT("Event"));
    return ERR_OK;
}

void ipc_invoke(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    char id[POOL_ID_MAX] = "";
    auto_call c = { 0 };
    struct pool_item item = { .context = http_request_header(req, context_header), .payload = req->body };
    err_t e;

    if (!read_call(ipc, req, &c))
        return;
    item.target = c.arn;
    item.token = c.token;
    e = read_type(req, &item.wants_result);
    e = e ? e : pool_invoke(ipc->pool, &item, clock_mono_ms(), id);
    if (e) {
        refuse(ipc, req->token, e);
        return;
    }
    reply(ipc, req->token, item.wants_result ? 200 : 202,
          &(struct http_header){ slice_str(id_header), slice_str(id) }, 1, SLICE_LIT(""));
}

void ipc_get_result(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    struct pool_answer answer;
    auto_call c = { 0 };
    err_t e;

    if (!read_call(ipc, req, &c))
        return;
    e = pool_get_result(ipc->pool, c.token, c.id, waiter_of(req->token), clock_mono_ms(), &answer);
    if (!e)
        reply_result(ipc, req->token, &answer);
    else if (e != ERR_MORE)
        refuse(ipc, req->token, e);
}

void ipc_poll(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    struct pool_work work;
    auto_call c = { 0 };
    err_t e;

    if (!read_call(ipc, req, &c))
        return;
    e = pool_poll(ipc->pool, c.token, c.arn, waiter_of(req->token), clock_mono_ms(), &work);
    if (!e)
        reply_work(ipc, req->token, &work);
    else if (e != ERR_MORE)
        refuse(ipc, req->token, e);
}

static void finish(struct ipc *ipc, struct http_request *req, err_t e)
{
    if (e)
        refuse(ipc, req->token, e);
    else
        reply(ipc, req->token, 200, NULL, 0, SLICE_LIT(""));
}

void ipc_post_result(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    struct slice error = http_request_header(req, error_header);
    auto_call c = { 0 };

    if (read_call(ipc, req, &c))
        finish(ipc, req,
               pool_result(ipc->pool, c.token, c.arn, c.id, error.n ? "Handled" : "", req->body,
                           clock_mono_ms()));
}

void ipc_initialized(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    auto_json *doc = NULL;
    auto_call c = { 0 };
    err_t e;

    if (!read_call(ipc, req, &c))
        return;
    e = json_parse(req->body, INITIALIZED_DEPTH, &doc, NULL);
    if (!e && !json_is_boolean(json_object_get(doc, "Success")))
        e = ERR_INVALID;
    e = e ? e
          : pool_initialized(ipc->pool, c.token, c.arn, json_get_bool(doc, "Success", false),
                             json_get_str(doc, "Response"), clock_mono_ms());
    finish(ipc, req, e);
}
