/* src/edge/function/pool_results.c - results: posted by workers, kept for a while, fetched once by who asked.
 */
#include "edge/function/pool_impl.h"

#include <string.h>

/* ---- posted ---- */

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
        items_push_out(p, body.n);
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

/* ---- kept ---- */

/* Results nobody fetched yet make room for new work, oldest first. */
void items_push_out(struct pool *p, size_t need)
{
    struct item *it;

    while (p->bytes + need > p->limits.bytes_max && (it = TAILQ_FIRST(&p->results))) {
        TAILQ_REMOVE(&p->results, it, in_queue);
        p->kept--;
        p->stats.results_dropped++;
        item_free(p, it);
    }
}

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

    for (it = TAILQ_FIRST(&p->asked); it; it = TAILQ_NEXT(it, in_asked))
        if (it->waiter == waiter)
            it->waiter = POOL_NOBODY;
    for (it = TAILQ_FIRST(&p->told); it; it = TAILQ_NEXT(it, in_queue))
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
