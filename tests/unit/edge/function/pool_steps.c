#include "pool_steps.h"
#include "../../cm.h"

#include <stdio.h>
#include <string.h>

uint64_t last_waiter = 100;

err_t invoke(struct world *w, const char *target, const char *token, bool wants, const char *payload,
             char id[37])
{
    struct pool_item item = {
        .target = target, .token = token, .payload = slice_str(payload), .wants_result = wants
    };
    err_t e = pool_invoke(w->pool, &item, w->now, id);

    world_settle(w);
    return e;
}

void event(struct world *w, const char *target, const char *payload)
{
    char id[37];

    assert_int_equal(invoke(w, target, NULL, false, payload, id), ERR_OK);
}

/* The process asks for work; what it got by now, or the empty string, goes to `got`. */
err_t poll_for(struct world *w, struct world_proc *p, char got[64])
{
    struct pool_work work;
    err_t e = pool_poll(w->pool, p->token, p->arn, ++last_waiter, w->now, &work);

    got[0] = 0;
    if (!e) {
        (void)snprintf(p->hand, sizeof(p->hand), "%s", work.id);
        (void)snprintf(got, 64, "%.*s", SLICE_FMT(work.payload));
    }
    world_settle(w);
    return e;
}

void takes(struct world *w, struct world_proc *p, const char *payload)
{
    char got[64];

    assert_int_equal(poll_for(w, p, got), ERR_OK);
    assert_string_equal(got, payload);
}

void waits(struct world *w, struct world_proc *p)
{
    char got[64];

    assert_int_equal(poll_for(w, p, got), ERR_MORE);
}

err_t answer(struct world *w, struct world_proc *p, const char *error, const char *body)
{
    err_t e = pool_result(w->pool, p->token, p->arn, p->hand, error, slice_str(body), w->now);

    world_settle(w);
    return e;
}

void sees(struct world *w, enum world_kind kind, uint64_t waiter, const char *part)
{
    const struct world_event *e = world_next(w);

    assert_non_null(e);
    assert_int_equal(e->kind, kind);
    if (waiter)
        assert_int_equal(e->waiter, waiter);
    if (part && !strstr(e->text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, e->text);
}

void sees_nothing(struct world *w)
{
    assert_null(world_next(w));
}

struct pool_stats stats(const struct world *w)
{
    struct pool_stats s;

    pool_stats(w->pool, &s);
    return s;
}

struct world *world_with(const char *a, const char *b)
{
    struct world *w = world_new(NULL);
    const char *const list[] = { a, b, NULL };

    assert_int_equal(world_group(w, list), ERR_OK);
    sees(w, SAW_DRAINED, 0, NULL); /* there was nothing before */
    return w;
}

/* A result is fetched by its invoker: a second function with a worker of its own. */
struct world *with_caller(struct world_proc **ret_caller)
{
    struct world *w = world_with("P pinned 3000", "CALLER pinned 3000");

    *ret_caller = world_proc(w, "CALLER");
    waits(w, *ret_caller);
    sees(w, SAW_READY, 0, "CALLER");
    return w;
}

void expect_unhandled(struct world *w, struct world_proc *caller, const char *id, const char *part)
{
    struct pool_answer a;

    assert_int_equal(pool_get_result(w->pool, caller->token, id, 7, w->now, &a), ERR_OK);
    assert_string_equal(a.function_error, "Unhandled");
    if (!memmem(a.body.p, a.body.n, part, strlen(part)))
        fail_msg("\"%s\" is not in %.*s", part, SLICE_FMT(a.body));
    assert_memory_equal(a.body.p, "{\"errorMessage\":\"RequestId: ", 28);
}
