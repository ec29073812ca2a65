/* Work items and results, scenario by scenario: FN clauses are named where they are proved. */
#include "../../cm.h"
#include "base/mem.h"
#include "pool_steps.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- limits ---- */

/* FN-4 */
static void the_work_queue_has_an_end(void **state)
{
    struct world *w = world_with("A demand 3000", "P pinned 3000");
    char id[37];

    (void)state;
    for (int i = 0; i < 8; i++)
        event(w, i % 2 ? "A" : "P", "x");
    assert_int_equal(invoke(w, "A", NULL, false, "x", id), ERR_BUSY);
    assert_int_equal(invoke(w, "P", NULL, false, "x", id), ERR_BUSY);
    assert_int_equal(stats(w).refused_items, 2);
    assert_true(world_logged(w, "Work item dropped, the work queue is full."));
    assert_true(
        world_logged(w, "\"reason\": \"maxWorkItemCount\", \"limit\": 8, \"droppedSinceLastLine\": 1"));
    world_pass(w, 1000);
    assert_int_equal(invoke(w, "P", NULL, false, "x", id), ERR_BUSY);
    assert_true(
        world_logged(w, "\"droppedSinceLastLine\": 2")); /* one line a second, and nothing uncounted */
    takes(w, world_proc(w, "P"), "x");
    assert_int_equal(invoke(w, "P", NULL, false, "x", id), ERR_BUSY); /* under way counts too */
    assert_int_equal(answer(w, world_proc(w, "P"), "", ""), ERR_OK);
    event(w, "P", "x");
    world_free(w);
}

static void bytes_have_an_end(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    char big[1002], id[37];

    (void)state;
    memset(big, 'x', sizeof(big));
    big[1001] = 0;
    assert_int_equal(invoke(w, "P", NULL, false, big, id), ERR_TOO_BIG);
    big[1000] = 0;
    for (int i = 0; i < 5; i++) {
        assert_true(pool_has_room(w->pool, 1, 1000));
        event(w, "P", big);
    }
    assert_false(pool_has_room(w->pool, 1, 1));
    assert_true(pool_has_room(w->pool, 3, 0));
    assert_false(pool_has_room(w->pool, 4, 0));
    assert_int_equal(invoke(w, "P", NULL, false, "x", id), ERR_BUSY);
    assert_int_equal(stats(w).refused_bytes, 1);
    assert_true(world_logged(w, "\"reason\": \"queued bytes\""));
    for (int i = 0; i < 5; i++) {
        char got[64];
        assert_int_equal(poll_for(w, world_proc(w, "P"), got), ERR_OK);
        assert_int_equal(answer(w, world_proc(w, "P"), "", ""), ERR_OK);
    }
    assert_int_equal(stats(w).bytes, 0);
    world_free(w);
}

static void a_result_that_is_too_big(void **state)
{
    struct world_proc *caller;
    struct world *w = with_caller(&caller);
    char big[1002], id[37];

    (void)state;
    memset(big, 'x', sizeof(big));
    big[1001] = 0;
    assert_int_equal(invoke(w, "P", caller->token, true, "x", id), ERR_OK);
    takes(w, world_proc(w, "P"), "x");
    assert_int_equal(answer(w, world_proc(w, "P"), "", big), ERR_TOO_BIG);
    expect_unhandled(w, caller, id, "Function.ResponseSizeTooLarge");
    waits(w, world_proc(w, "P")); /* and it goes on working */
    world_free(w);
}

/* ---- results ---- */

/* FN-9 */
static void a_result_goes_to_its_invoker_once(void **state)
{
    struct world_proc *caller;
    struct world *w = with_caller(&caller);
    struct world_proc *p = world_proc(w, "P");
    struct pool_answer a;
    char id[37];

    (void)state;
    assert_int_equal(invoke(w, "P", caller->token, true, "x", id), ERR_OK);
    takes(w, p, "x");
    assert_int_equal(pool_get_result(w->pool, p->token, id, 1, w->now, &a), ERR_NOT_FOUND);
    assert_int_equal(pool_get_result(w->pool, "Basic wrong", id, 1, w->now, &a), ERR_AUTH);
    assert_int_equal(pool_get_result(w->pool, caller->token, "no-id", 1, w->now, &a), ERR_NOT_FOUND);
    assert_int_equal(pool_get_result(w->pool, caller->token, id, 1, w->now, &a), ERR_MORE);
    assert_int_equal(pool_get_result(w->pool, caller->token, id, 2, w->now, &a), ERR_MORE);
    world_settle(w);
    sees(w, SAW_READY, 0, "P");
    sees(w, SAW_DROP, 1, NULL);
    assert_int_equal(answer(w, p, "Handled", "{\"errorMessage\":\"no\"}"), ERR_OK);
    sees(w, SAW_RESULT, 2, "{\"errorMessage\":\"no\"}");
    sees_nothing(w);
    assert_int_equal(pool_get_result(w->pool, caller->token, id, 3, w->now, &a), ERR_NOT_FOUND);
    assert_int_equal(stats(w).results, 0);
    assert_int_equal(stats(w).bytes, 0);
    world_free(w);
}

static void results_are_kept_for_a_time_and_in_number(void **state)
{
    struct world_proc *caller;
    struct world *w = with_caller(&caller);
    struct world_proc *p = world_proc(w, "P");
    struct pool_answer a;
    char id[6][37];

    (void)state;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(invoke(w, "P", caller->token, true, "x", id[i]), ERR_OK);
        takes(w, p, "x");
        assert_int_equal(answer(w, p, "", "ok"), ERR_OK);
    }
    assert_int_equal(stats(w).results, 4);
    assert_int_equal(stats(w).results_dropped, 2);
    assert_int_equal(pool_get_result(w->pool, caller->token, id[1], 1, w->now, &a), ERR_NOT_FOUND);
    assert_int_equal(pool_get_result(w->pool, caller->token, id[2], 1, w->now, &a), ERR_OK);
    assert_string_equal(a.function_error, "");
    world_pass(w, 59999);
    assert_int_equal(pool_get_result(w->pool, caller->token, id[3], 1, w->now, &a), ERR_OK);
    world_pass(w, 1);
    assert_int_equal(stats(w).results, 0);
    assert_int_equal(pool_get_result(w->pool, caller->token, id[4], 1, w->now, &a), ERR_NOT_FOUND);
    world_free(w);
}

static void what_a_dead_invoker_asked_for_goes(void **state)
{
    struct world_proc *caller;
    struct world *w = with_caller(&caller);
    struct world_proc *p = world_proc(w, "P");
    struct pool_answer a;
    char done[37], under_way[37];

    (void)state;
    assert_int_equal(invoke(w, "P", caller->token, true, "x", done), ERR_OK);
    takes(w, p, "x");
    assert_int_equal(answer(w, p, "", "ok"), ERR_OK);
    assert_int_equal(invoke(w, "P", caller->token, true, "y", under_way), ERR_OK);
    assert_int_equal(pool_get_result(w->pool, caller->token, under_way, 5, w->now, &a), ERR_MORE);
    takes(w, p, "y");
    sees(w, SAW_READY, 0, "P");
    world_end(w, caller, EXIT(1));
    assert_int_equal(stats(w).results, 0);
    assert_int_equal(answer(w, p, "", "ok"), ERR_OK); /* it still counts, nobody hears it */
    assert_int_equal(stats(w).results, 0);
    assert_int_equal(stats(w).bytes, 0);
    assert_int_equal(stats(w).succeeded, 2);
    world_free(w);
}

/* ---- workers that misbehave ---- */

static void wrong_tokens_ids_and_functions(void **state)
{
    struct world *w = world_with("P pinned 3000", "Q pinned 3000");
    struct world_proc *p = world_proc(w, "P"), *q = world_proc(w, "Q");
    struct pool_work work = { .id = "untouched" };
    char id[37] = "untouched";
    struct slice none = { 0 };

    (void)state;
    event(w, "P", "x");
    assert_int_equal(pool_poll(w->pool, "Basic wrong", "P", 1, w->now, &work), ERR_AUTH);
    assert_int_equal(pool_poll(w->pool, "", "P", 1, w->now, &work), ERR_AUTH);
    assert_int_equal(pool_poll(w->pool, q->token, "P", 1, w->now, &work), ERR_AUTH);
    assert_string_equal(work.id, "untouched");
    takes(w, p, "x");
    assert_int_equal(pool_result(w->pool, q->token, "P", p->hand, "", none, w->now), ERR_AUTH);
    assert_int_equal(pool_result(w->pool, q->token, "Q", p->hand, "", none, w->now), ERR_NOT_FOUND);
    assert_int_equal(pool_result(w->pool, p->token, "Q", p->hand, "", none, w->now), ERR_AUTH);
    assert_int_equal(pool_result(w->pool, p->token, "P", "wrong-id", "", none, w->now), ERR_NOT_FOUND);
    assert_int_equal(pool_result(w->pool, p->token, "P", "", "", none, w->now), ERR_NOT_FOUND);
    assert_int_equal(stats(w).items, 1);
    assert_int_equal(answer(w, p, "", ""), ERR_OK);
    assert_int_equal(answer(w, p, "", ""), ERR_NOT_FOUND); /* twice */
    assert_int_equal(invoke(w, "P", "Basic wrong", false, "x", id), ERR_AUTH);
    assert_int_equal(invoke(w, "NOBODY", p->token, false, "x", id), ERR_NOT_FOUND);
    assert_string_equal(id, "untouched");
    assert_string_equal(pool_function_of(w->pool, q->token), "Q");
    assert_null(pool_function_of(w->pool, "Basic wrong"));
    world_free(w);
}

static void a_worker_that_polls_twice(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");
    char got[64];

    (void)state;
    waits(w, p);
    waits(w, p);
    sees(w, SAW_READY, 0, "P");
    sees(w, SAW_DROP, last_waiter - 1, NULL);
    event(w, "P", "one");
    event(w, "P", "two");
    sees(w, SAW_WORK, last_waiter, "one");
    assert_int_equal(poll_for(w, p, got), ERR_MORE); /* it owes an answer: nothing before that */
    sees_nothing(w);
    world_pass(w, 3000);
    assert_true(p->stop_asked); /* which is what the timeout is for */
    sees(w, SAW_DROP, last_waiter, NULL);
    sees_nothing(w);
    world_free(w);
}

static void a_worker_that_polls_before_it_answers_is_served_after(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");

    (void)state;
    event(w, "P", "one");
    event(w, "P", "two");
    takes(w, p, "one");
    waits(w, p);
    assert_int_equal(answer(w, p, "", ""), ERR_OK);
    sees(w, SAW_READY, 0, "P");
    sees(w, SAW_WORK, last_waiter, "two");
    world_free(w);
}

static void work_for_a_dead_connection_goes_back(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");

    (void)state;
    waits(w, p);
    event(w, "P", "one");
    event(w, "P", "two");
    sees(w, SAW_READY, 0, "P");
    sees(w, SAW_WORK, last_waiter, "one");
    pool_forget_waiter(w->pool, last_waiter, w->now);
    takes(w, p, "one"); /* the same, not the one behind it */
    assert_int_equal(answer(w, p, "", ""), ERR_OK);
    for (int i = 0; i < 2; i++) {
        takes(w, p, "two");
        pool_forget_waiter(w->pool, last_waiter, w->now);
    }
    takes(w, p, "two");
    pool_forget_waiter(w->pool, last_waiter, w->now); /* the third time */
    assert_true(world_logged(w, "WorkItem reached max retry limit."));
    waits(w, p);
    sees_nothing(w);
    pool_forget_waiter(w->pool, last_waiter, w->now);
    event(w, "P", "three");
    sees_nothing(w);
    takes(w, p, "three");
    world_free(w);
}

/* ---- inside the core ---- */

struct hook {
    err_t says;
    const char *error;
    char invoker[64], context[64];
};

static err_t hook_invoked(void *ctx, const char *invoker_arn, struct slice context, struct slice payload,
                          struct buf *result, char function_error[POOL_ERROR_MAX])
{
    struct hook *h = ctx;

    (void)snprintf(h->invoker, sizeof(h->invoker), "%s", invoker_arn);
    (void)snprintf(h->context, sizeof(h->context), "%.*s", SLICE_FMT(context));
    (void)snprintf(function_error, POOL_ERROR_MAX, "%s", h->error);
    assert_int_equal(buf_add(result, payload), ERR_OK);
    return h->says;
}

static void names_inside_the_core(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");
    struct hook h = { .error = "Handled" };
    struct pool_item item = { .target = "arn:aws:lambda:::function:GGShadowService:1",
                              .token = p->token,
                              .context = slice_str("e30="),
                              .payload = slice_str("body"),
                              .wants_result = true };
    struct pool_answer a;
    char id[37] = "";

    (void)state;
    assert_int_equal(pool_add_builtin(w->pool, "arn:aws:lambda:::function:GGShadowService", hook_invoked, &h),
                     ERR_OK);
    assert_int_equal(pool_add_builtin(w->pool, "arn:aws:lambda:::function:GGShadowService", hook_invoked, &h),
                     ERR_EXISTS);
    assert_int_equal(pool_invoke(w->pool, &item, w->now, id), ERR_OK);
    assert_string_equal(h.invoker, "P");
    assert_string_equal(h.context, "e30=");
    assert_int_equal(pool_get_result(w->pool, p->token, id, 1, w->now, &a), ERR_OK);
    assert_string_equal(a.function_error, "Handled");
    assert_memory_equal(a.body.p, "body", 4);
    item.target = "arn:aws:lambda:::function:GGShadowService";
    item.wants_result = false;
    h.says = ERR_BUSY;
    (void)snprintf(id, sizeof(id), "untouched");
    assert_int_equal(pool_invoke(w->pool, &item, w->now, id), ERR_BUSY);
    assert_string_equal(id, "untouched");
    item.target = "arn:aws:lambda:::function:GGShadowServiceX";
    assert_int_equal(pool_invoke(w->pool, &item, w->now, id), ERR_NOT_FOUND);
    item.target = "arn:aws:lambda:::function:GGShadowService:2";
    assert_int_equal(pool_invoke(w->pool, &item, w->now, id), ERR_NOT_FOUND);
    world_settle(w);
    assert_int_equal(stats(w).bytes, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_work_queue_has_an_end),
        cmocka_unit_test(bytes_have_an_end),
        cmocka_unit_test(a_result_that_is_too_big),
        cmocka_unit_test(a_result_goes_to_its_invoker_once),
        cmocka_unit_test(results_are_kept_for_a_time_and_in_number),
        cmocka_unit_test(what_a_dead_invoker_asked_for_goes),
        cmocka_unit_test(wrong_tokens_ids_and_functions),
        cmocka_unit_test(a_worker_that_polls_twice),
        cmocka_unit_test(a_worker_that_polls_before_it_answers_is_served_after),
        cmocka_unit_test(work_for_a_dead_connection_goes_back),
        cmocka_unit_test(names_inside_the_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
