/* src/edge/function/pool_invoke.c - invocations: taken in, refused, answered inside the core. */
#include "base/mem.h"
#include "edge/function/pool_impl.h"

#include <stdio.h>
#include <string.h>

enum { REFUSED_ITEMS, REFUSED_BYTES };

/* ---- refusing ---- */

bool pool_has_room(const struct pool *p, size_t items, size_t bytes)
{
    return items <= (size_t)p->limits.max_items - p->live && p->bytes <= p->limits.bytes_max &&
           bytes <= p->limits.bytes_max - p->bytes;
}

static void log_refusal(struct pool *p, int kind, const struct pool_item *item, const char *invoker,
                        int64_t now_ms)
{
    static const struct {
        const char *reason, *remedy;
    } said[] = {
        { "maxWorkItemCount", "functions take fewer items than arrive: make them faster, send less, or raise "
                              "runtime.maxWorkItemCount" },
        { "queued bytes",
          "the payloads that wait fill their memory: make functions faster or payloads smaller" },
    };
    struct refusals *r = &p->refusals[kind];

    r->count++;
    if (now_ms < r->next_ms)
        return;
    r->next_ms = now_ms + 1000;
    POOL_LOG(p, ELOG_WARN, "Work item dropped, the work queue is full.", ELOG_S("invoker", invoker),
             ELOG_S("funcArn", item->target), ELOG_S("reason", said[kind].reason),
             ELOG_N("limit", kind == REFUSED_ITEMS ? p->limits.max_items : (int64_t)p->limits.bytes_max),
             ELOG_N("droppedSinceLastLine", r->count), ELOG_S("remedy", said[kind].remedy));
    r->count = 0;
}

static err_t check_room(struct pool *p, const struct pool_item *item, const char *invoker, int64_t now_ms)
{
    size_t bytes = item->context.n + item->payload.n;

    if (p->live >= (size_t)p->limits.max_items) {
        p->stats.refused_items++;
        log_refusal(p, REFUSED_ITEMS, item, invoker, now_ms);
        return ERR_BUSY;
    }
    items_push_out(p, bytes);
    if (!pool_has_room(p, 1, bytes)) {
        p->stats.refused_bytes++;
        log_refusal(p, REFUSED_BYTES, item, invoker, now_ms);
        return ERR_BUSY;
    }
    return ERR_OK;
}

/* ---- invoking ---- */

static const struct builtin *find_builtin(const struct pool *p, const char *arn)
{
    for (size_t i = 0; i < p->builtin_count; i++) {
        size_t n = strlen(p->builtins[i].arn);
        if (strncmp(arn, p->builtins[i].arn, n) == 0 && (!arn[n] || strcmp(arn + n, ":1") == 0))
            return &p->builtins[i];
    }
    return NULL;
}

static void keep_builtin_result(struct pool *p, struct item *it, const char *function_error,
                                struct buf *result, int64_t now_ms)
{
    (void)snprintf(it->function_error, sizeof(it->function_error), "%s", function_error);
    items_push_out(p, result->n);
    it->result = *result;
    *result = BUF_INIT(0);
    p->bytes += it->result.n;
    item_keep(p, it, now_ms);
}

static err_t invoke_builtin(struct pool *p, const struct builtin *b, const struct pool_item *item,
                            const char *invoker, uint64_t owner, int64_t now_ms, char ret_id[POOL_ID_MAX])
{
    static const struct pool_item nothing = { 0 };
    char function_error[POOL_ERROR_MAX] = "", id[POOL_ID_MAX];
    autobuf result = BUF_INIT(p->limits.payload_max);
    autofree char *who = mem_strdup(invoker); /* the callback may change the group */
    struct item *it = NULL;
    err_t e = who ? p->driver->new_uuid(p->ctx, id) : ERR_NOMEM;

    e = e ? e : b->fn(b->ctx, who, item->context, item->payload, &result, function_error);
    if (!e && owner)
        e = item_new(p, &nothing, who, &it);
    if (e)
        return e;
    if (it) {
        it->owner = owner;
        memcpy(it->id, id, sizeof(id));
        keep_builtin_result(p, it, function_error, &result, now_ms);
    }
    memcpy(ret_id, id, sizeof(id));
    return ERR_OK;
}

/* While its workers do not start, and until the next attempt, nothing is queued for it. */
static bool is_out_of_order(const struct pool_fn *fn, int64_t now_ms)
{
    return fn->failed && now_ms < fn->not_before_ms;
}

static err_t invoke_function(struct pool *p, struct pool_fn *fn, const struct pool_item *item,
                             const char *invoker, uint64_t owner, int64_t now_ms, char ret_id[POOL_ID_MAX])
{
    struct item *it;
    err_t e = check_room(p, item, invoker, now_ms);

    e = e ? e : item_new(p, item, invoker, &it);
    if (e)
        return e;
    p->stats.invoked++;
    it->fn = fn;
    it->owner = owner;
    memcpy(ret_id, it->id, sizeof(it->id));
    item_enqueue(p, it);
    if (is_out_of_order(fn, now_ms))
        item_end_unhandled(p, item_take_next(p, fn), "Function.StartFailed", fn->why, now_ms);
    return ERR_OK;
}

static err_t check_sizes(const struct pool *p, const struct pool_item *item)
{
    return item->payload.n > p->limits.payload_max || item->context.n > POOL_CONTEXT_MAX ? ERR_TOO_BIG
                                                                                         : ERR_OK;
}

err_t pool_invoke(struct pool *p, const struct pool_item *item, int64_t now_ms, char ret_id[POOL_ID_MAX])
{
    const struct worker *w = item->token ? worker_by_token(p, item->token) : NULL;
    const char *invoker = item->invoker ? item->invoker : w ? w->arn : "core";
    uint64_t owner = w && item->wants_result ? w->no : 0;
    const struct builtin *b = find_builtin(p, item->target);
    struct pool_fn *fn = b ? NULL : pool_find_fn(p, item->target);
    err_t e = check_sizes(p, item);

    if (item->token && !w)
        return ERR_AUTH;
    if (!b && !fn)
        return ERR_NOT_FOUND;
    if (e)
        return e;
    return b ? invoke_builtin(p, b, item, invoker, owner, now_ms, ret_id)
             : invoke_function(p, fn, item, invoker, owner, now_ms, ret_id);
}
