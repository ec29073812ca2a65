/* src/edge/function/pool_items.c - work items: made, queued, ended once. */
#include "base/json.h"
#include "base/mem.h"
#include "edge/function/pool_impl.h"
#include "edge/problem.h"

#include <stdio.h>
#include <string.h>

/* ---- life ---- */

struct slice item_context(const struct item *it)
{
    return slice_head(buf_slice(&it->data), it->context_n);
}

struct slice item_payload(const struct item *it)
{
    return slice_skip(buf_slice(&it->data), it->context_n);
}

struct pool_work item_work(const struct item *it)
{
    return (struct pool_work){ it->id, item_context(it), item_payload(it) };
}

/* The bytes of the request are given back before those of the result are asked for. */
static void release_data(struct pool *p, struct item *it)
{
    p->bytes -= it->data.n;
    buf_done(&it->data);
    it->context_n = 0;
}

void item_free(struct pool *p, struct item *it)
{
    release_data(p, it);
    p->bytes -= it->result.n;
    buf_done(&it->result);
    free(it->invoker);
    free(it);
}

static err_t fill_item(struct pool *p, struct item *it, const struct pool_item *from, const char *invoker)
{
    err_t e = p->driver->new_uuid(p->ctx, it->id);

    it->invoker = mem_strdup(invoker);
    e = e ? e : it->invoker ? ERR_OK : ERR_NOMEM;
    e = e ? e : buf_reserve(&it->data, from->context.n + from->payload.n);
    e = e ? e : buf_add(&it->data, from->context);
    e = e ? e : buf_add(&it->data, from->payload);
    it->context_n = from->context.n;
    p->bytes += it->data.n;
    return e;
}

err_t item_new(struct pool *p, const struct pool_item *from, const char *invoker, struct item **ret)
{
    struct item *it = mem_calloc(1, sizeof(*it));
    err_t e;

    if (!it)
        return ERR_NOMEM;
    it->data = BUF_INIT(POOL_CONTEXT_MAX + p->limits.payload_max);
    it->result = BUF_INIT(p->limits.payload_max);
    e = fill_item(p, it, from, invoker);
    if (e) {
        item_free(p, it);
        return e;
    }
    *ret = it;
    return ERR_OK;
}

/* ---- the queue ---- */

void item_enqueue(struct pool *p, struct item *it)
{
    struct pool_fn *fn = it->fn;

    it->state = ITEM_QUEUED;
    it->seq = ++p->last_seq;
    TAILQ_INSERT_TAIL(&fn->queue, it, in_queue);
    fn->queued++;
    p->live++;
    if (it->owner)
        TAILQ_INSERT_TAIL(&p->asked, it, in_asked);
    pool_wake(p);
}

struct item *item_take_next(struct pool *p, struct pool_fn *fn)
{
    struct item *it = TAILQ_FIRST(&fn->queue);

    (void)p;
    if (!it)
        return NULL;
    TAILQ_REMOVE(&fn->queue, it, in_queue);
    fn->queued--;
    it->state = ITEM_TAKEN;
    return it;
}

void item_requeue(struct pool *p, struct item *it)
{
    it->state = ITEM_QUEUED;
    TAILQ_INSERT_HEAD(&it->fn->queue, it, in_queue);
    it->fn->queued++;
    pool_wake(p);
}

/* ---- the end ---- */

static void count_end(struct pool *p, const char *function_error)
{
    if (!function_error[0])
        p->stats.succeeded++;
    else if (strcmp(function_error, "Handled") == 0)
        p->stats.handled++;
    else
        p->stats.unhandled++;
}

void item_keep(struct pool *p, struct item *it, int64_t now_ms)
{
    it->state = ITEM_DONE;
    it->fn = NULL;
    it->expires_ms = now_ms + p->limits.result_ms;
    TAILQ_INSERT_TAIL(it->waiter ? &p->told : &p->results, it, in_queue);
    p->kept++;
    pool_wake(p);
}

void item_end(struct pool *p, struct item *it, const char *function_error, struct slice body, int64_t now_ms)
{
    count_end(p, function_error);
    p->live--;
    release_data(p, it);
    pool_wake(p);
    if (!it->owner) {
        item_free(p, it);
        return;
    }
    TAILQ_REMOVE(&p->asked, it, in_asked);
    (void)snprintf(it->function_error, sizeof(it->function_error), "%s", function_error);
    if (buf_add(&it->result, body)) /* no memory: an error without words */
        (void)snprintf(it->function_error, sizeof(it->function_error), "Unhandled");
    p->bytes += it->result.n;
    item_keep(p, it, now_ms);
}

/* {"errorMessage": ..., "errorType": ...} as the shims report a handler's own errors. */
static void error_body(struct buf *out, const char *type, const char *message)
{
    auto_json *j = json_pack("{s:s, s:s}", "errorMessage", message, "errorType", type);

    if (!j || json_write(out, j, 0))
        buf_clear(out);
}

void item_end_unhandled(struct pool *p, struct item *it, const char *type, const char *message,
                        int64_t now_ms)
{
    autobuf body = BUF_INIT(16384);
    struct problem text; /* clean text: JSON takes it */

    (void)problem_set(&text, ERR_OK, "RequestId: %s Error: %s", it->id, message);
    error_body(&body, type, text.text);
    item_end(p, it, "Unhandled", buf_slice(&body), now_ms);
}

void items_end_queued(struct pool *p, struct pool_fn *fn, const char *type, const char *message,
                      int64_t now_ms)
{
    struct item *it;

    while ((it = item_take_next(p, fn)))
        item_end_unhandled(p, it, type, message, now_ms);
}

bool item_lost_worker(struct pool *p, struct item *it, int64_t now_ms)
{
    if (++it->tries < p->limits.max_tries) {
        p->stats.retried++;
        return false;
    }
    p->stats.gave_up++;
    POOL_LOG(p, ELOG_ERROR, "WorkItem reached max retry limit.", ELOG_S("invocationId", it->id),
             ELOG_S("funcArn", it->fn->arn), ELOG_N("tries", it->tries), ELOG_S("errorString", it->fn->why));
    item_end_unhandled(p, it, "Function.MaxRetries", it->fn->why[0] ? it->fn->why : "its workers were lost",
                       now_ms);
    return true;
}
