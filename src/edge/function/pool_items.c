/* src/edge/function/pool_items.c - work items: taken in, queued, ended once, kept for who asked. */
#include "base/json.h"
#include "base/mem.h"
#include "edge/function/pool_impl.h"
#include "edge/problem.h"

#include <stdio.h>
#include <string.h>

enum { REFUSED_ITEMS, REFUSED_BYTES };

/* ---- life ---- */

struct slice item_context(const struct item *it)
{
    return slice_head(buf_slice(&it->data), it->context_n);
}

struct slice item_payload(const struct item *it)
{
    return slice_skip(buf_slice(&it->data), it->context_n);
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

static err_t make_item(struct pool *p, const struct pool_item *from, const char *invoker, struct item **ret)
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

/* Results nobody fetched yet make room for new work, oldest first. */
static void push_out_results(struct pool *p, size_t need)
{
    struct item *it;

    while (p->bytes + need > p->limits.bytes_max && (it = TAILQ_FIRST(&p->results))) {
        TAILQ_REMOVE(&p->results, it, in_queue);
        p->kept--;
        p->stats.results_dropped++;
        item_free(p, it);
    }
}

static err_t check_room(struct pool *p, const struct pool_item *item, const char *invoker, int64_t now_ms)
{
    size_t bytes = item->context.n + item->payload.n;

    if (p->live >= (size_t)p->limits.max_items) {
        p->stats.refused_items++;
        log_refusal(p, REFUSED_ITEMS, item, invoker, now_ms);
        return ERR_BUSY;
    }
    push_out_results(p, bytes);
    if (!pool_has_room(p, 1, bytes)) {
        p->stats.refused_bytes++;
        log_refusal(p, REFUSED_BYTES, item, invoker, now_ms);
        return ERR_BUSY;
    }
    return ERR_OK;
}

/* ---- the queue ---- */

static void enqueue(struct pool *p, struct item *it)
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

static void keep_result(struct pool *p, struct item *it, int64_t now_ms)
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
    keep_result(p, it, now_ms);
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
    push_out_results(p, result->n);
    it->result = *result;
    *result = BUF_INIT(0);
    p->bytes += it->result.n;
    keep_result(p, it, now_ms);
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
        e = make_item(p, &nothing, who, &it);
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

    e = e ? e : make_item(p, item, invoker, &it);
    if (e)
        return e;
    p->stats.invoked++;
    it->fn = fn;
    it->owner = owner;
    memcpy(ret_id, it->id, sizeof(it->id));
    enqueue(p, it);
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

/* ---- results ---- */

static struct item *find_asked(const struct item_list *list, uint64_t owner, const char *id, bool asked)
{
    struct item *it;

    for (it = TAILQ_FIRST(list); it; it = asked ? TAILQ_NEXT(it, in_asked) : TAILQ_NEXT(it, in_queue))
        if (it->owner == owner && strcmp(it->id, id) == 0)
            return it;
    return NULL;
}

static struct pool_answer answer_of(const struct item *it)
{
    return (struct pool_answer){ it->function_error, buf_slice(&it->result) };
}

void item_free_given(struct pool *p)
{
    if (p->given)
        item_free(p, p->given);
    p->given = NULL;
}

static void give_result(struct pool *p, struct item *it, struct pool_answer *ret)
{
    TAILQ_REMOVE(&p->results, it, in_queue);
    p->kept--;
    item_free_given(p);
    p->given = it;
    pool_wake(p); /* where it is freed */
    *ret = answer_of(it);
}

err_t pool_get_result(struct pool *p, const char *token, const char *id, uint64_t waiter, int64_t now_ms,
                      struct pool_answer *ret)
{
    const struct worker *w = worker_by_token(p, token);
    struct item *it;

    if (!w)
        return ERR_AUTH;
    items_expire(p, now_ms);
    it = find_asked(&p->results, w->no, id, false);
    if (it) {
        give_result(p, it, ret);
        return ERR_OK;
    }
    it = find_asked(&p->asked, w->no, id, true);
    it = it ? it : find_asked(&p->told, w->no, id, false);
    if (!it)
        return ERR_NOT_FOUND;
    pool_drop_waiter(p, it->waiter, ERR_CONFLICT);
    it->waiter = waiter;
    return ERR_MORE;
}

void items_forget_waiter(struct pool *p, uint64_t waiter)
{
    struct item *it;

    TAILQ_FOREACH (it, &p->asked, in_asked)
        if (it->waiter == waiter)
            it->waiter = POOL_NOBODY;
    TAILQ_FOREACH (it, &p->told, in_queue)
        if (it->waiter == waiter)
            break;
    if (!it)
        return;
    TAILQ_REMOVE(&p->told, it, in_queue);
    it->waiter = POOL_NOBODY;
    TAILQ_INSERT_TAIL(&p->results, it, in_queue);
}

static void forget_owner_in(struct pool *p, struct item_list *list, uint64_t owner)
{
    struct item *it, *next;

    for (it = TAILQ_FIRST(list); it; it = next) {
        next = TAILQ_NEXT(it, in_queue);
        if (it->owner != owner)
            continue;
        TAILQ_REMOVE(list, it, in_queue);
        p->kept--;
        p->stats.results_dropped++;
        pool_drop_waiter(p, it->waiter, ERR_NOT_FOUND);
        item_free(p, it);
    }
}

void items_forget_owner(struct pool *p, uint64_t owner)
{
    struct item *it, *next;

    for (it = TAILQ_FIRST(&p->asked); it; it = next) {
        next = TAILQ_NEXT(it, in_asked);
        if (it->owner != owner)
            continue;
        TAILQ_REMOVE(&p->asked, it, in_asked);
        pool_drop_waiter(p, it->waiter, ERR_NOT_FOUND);
        it->waiter = POOL_NOBODY;
        it->owner = 0;
    }
    forget_owner_in(p, &p->results, owner);
    forget_owner_in(p, &p->told, owner);
}

void items_expire(struct pool *p, int64_t now_ms)
{
    struct item *it;

    while ((it = TAILQ_FIRST(&p->results)) &&
           (it->expires_ms <= now_ms || p->kept > (size_t)p->limits.max_results)) {
        TAILQ_REMOVE(&p->results, it, in_queue);
        p->kept--;
        p->stats.results_dropped++;
        item_free(p, it);
    }
}

void items_tell(struct pool *p)
{
    struct item *it;

    while ((it = TAILQ_FIRST(&p->told))) {
        struct pool_answer answer = answer_of(it);
        uint64_t waiter = it->waiter;
        TAILQ_REMOVE(&p->told, it, in_queue);
        p->kept--;
        if (p->waiter_events)
            p->waiter_events->on_result(p->waiter_ctx, waiter, &answer);
        item_free(p, it);
    }
}

/* An answer over payload_max, or over what all may take together. */
static err_t refuse_result(struct pool *p, struct item *it, int64_t now_ms)
{
    POOL_LOG(p, ELOG_ERROR, "A function's result is too big and was dropped.", ELOG_S("invocationId", it->id),
             ELOG_S("funcArn", it->fn->arn), ELOG_N("limit", (int64_t)p->limits.payload_max));
    item_end_unhandled(p, it, "Function.ResponseSizeTooLarge", "the result is larger than the core takes",
                       now_ms);
    return ERR_TOO_BIG;
}

static err_t end_with_result(struct pool *p, struct item *it, const char *function_error, struct slice body,
                             int64_t now_ms)
{
    if (body.n > p->limits.payload_max)
        return refuse_result(p, it, now_ms);
    if (it->owner) {
        push_out_results(p, body.n);
        if (p->bytes + body.n > p->limits.bytes_max)
            return refuse_result(p, it, now_ms);
    }
    item_end(p, it, function_error[0] ? "Handled" : "", body, now_ms);
    return ERR_OK;
}

err_t pool_result(struct pool *p, const char *token, const char *arn, const char *id,
                  const char *function_error, struct slice body, int64_t now_ms)
{
    struct worker *w = worker_by_token(p, token);
    struct item *it;

    if (!w || strcmp(w->arn, arn) != 0)
        return ERR_AUTH;
    if (!w->item || w->tell_work || strcmp(w->item->id, id) != 0)
        return ERR_NOT_FOUND;
    it = worker_answered(p, w, now_ms);
    return end_with_result(p, it, function_error, body, now_ms);
}
