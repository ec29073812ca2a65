/* src/edge/ipc/health.c - who works: reference 8.2. Without a token, for whoever is on this machine. */
#include "base/json.h"
#include "base/mem.h"
#include "edge/ipc/ipc_impl.h"

#include <stdio.h>

#define BODY_MAX ((size_t)4 << 20)
#define DEPTH 4

struct listing {
    json_t *workers;
    const json_t *only; /* FuncArns; NULL: all */
    bool failed;
};

static bool asked_for(const json_t *arns, const char *arn)
{
    size_t i;
    const json_t *v;

    json_array_foreach(arns, i, v)
    {
        if (json_is_string(v) && strcmp(json_string_value(v), arn) == 0)
            return true;
    }
    return false;
}

/* ProcessId is a text in every example there is. */
static void add_worker(void *ctx, const struct pool_worker_view *w)
{
    struct listing *l = ctx;
    char pid[24] = "";

    if (l->only && !asked_for(l->only, w->arn))
        return;
    if (w->pid)
        (void)snprintf(pid, sizeof(pid), "%ld", (long)w->pid);
    if (json_array_append_new(l->workers,
                              json_pack("{s:s,s:s,s:s,s:s}", "FuncArn", w->arn, "WorkerId", w->worker_id,
                                        "ProcessId", pid, "WorkerState", w->state)) != 0)
        l->failed = true;
}

static void reply_document(struct ipc *ipc, struct http_request *req, const json_t *doc)
{
    autobuf text = BUF_INIT(BODY_MAX);

    if (!doc || json_write(&text, doc, 0))
        ipc_refuse(ipc, req->token, 503, "out of memory");
    else
        (void)http_reply_json(ipc->server, req->token, 200, buf_slice(&text)); /* gone: dropped */
}

void ipc_health_all(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    auto_json *workers = json_array();
    struct listing l = { .workers = workers };

    if (!ipc_guard(ipc, req))
        return;
    pool_each_worker(ipc->pool, add_worker, &l);
    reply_document(ipc, req, l.failed ? NULL : workers);
}

static json_t *invalid_arns(struct ipc *ipc, const json_t *arns)
{
    json_t *invalid = json_array();
    size_t i;
    json_t *v;

    json_array_foreach(arns, i, v)
    {
        if (!pool_has_function(ipc->pool, json_string_value(v)))
            (void)json_array_append(invalid, v); /* out of memory: one less is named */
    }
    return invalid;
}

static bool all_texts(const json_t *arns)
{
    size_t i;
    const json_t *v;

    json_array_foreach(arns, i, v)
    {
        if (!json_is_string(v))
            return false;
    }
    return true;
}

/* Borrowed from *body; NULL: not a request. */
static const json_t *asked_arns(const struct http_request *req, json_t **body)
{
    const json_t *arns = json_parse(req->body, DEPTH, body, NULL) ? NULL : json_get_arr(*body, "FuncArns");

    return arns && all_texts(arns) ? arns : NULL;
}

void ipc_health_some(void *ctx, struct http_request *req)
{
    struct ipc *ipc = ctx;
    auto_json *body = NULL, *answer = NULL;
    struct listing l = { .only = asked_arns(req, &body) };

    if (!ipc_guard(ipc, req))
        return;
    if (!l.only) {
        ipc_refuse(ipc, req->token, 400, "Invalid request");
        return;
    }
    if (json_array_size(l.only) > POOL_MAX_FUNCTIONS) {
        ipc_refuse(ipc, req->token, 400, "Request exceeds max number of workers");
        return;
    }
    answer = json_pack("{s:[],s:o}", "Workers", "InvalidArns", invalid_arns(ipc, l.only));
    l.workers = json_get_arr(answer, "Workers");
    if (l.workers)
        pool_each_worker(ipc->pool, add_worker, &l);
    reply_document(ipc, req, l.failed ? NULL : answer);
}
