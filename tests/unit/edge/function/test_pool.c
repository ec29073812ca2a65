/* The pool, scenario by scenario: FN clauses are named where they are proved. */
#include "../../cm.h"
#include "base/mem.h"
#include "pool_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define EXIT(code) ((code) << 8) /* as waitpid reports */

static uint64_t last_waiter = 100;

static err_t invoke(struct world *w, const char *target, const char *token, bool wants, const char *payload,
                    char id[37])
{
    struct pool_item item = {
        .target = target, .token = token, .payload = slice_str(payload), .wants_result = wants
    };
    err_t e = pool_invoke(w->pool, &item, w->now, id);

    world_settle(w);
    return e;
}

static void event(struct world *w, const char *target, const char *payload)
{
    char id[37];

    assert_int_equal(invoke(w, target, NULL, false, payload, id), ERR_OK);
}

/* The process asks for work; what it got by now, or the empty string, goes to `got`. */
static err_t poll_for(struct world *w, struct world_proc *p, char got[64])
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

static void takes(struct world *w, struct world_proc *p, const char *payload)
{
    char got[64];

    assert_int_equal(poll_for(w, p, got), ERR_OK);
    assert_string_equal(got, payload);
}

static void waits(struct world *w, struct world_proc *p)
{
    char got[64];

    assert_int_equal(poll_for(w, p, got), ERR_MORE);
}

static err_t answer(struct world *w, struct world_proc *p, const char *error, const char *body)
{
    err_t e = pool_result(w->pool, p->token, p->arn, p->hand, error, slice_str(body), w->now);

    world_settle(w);
    return e;
}

static void sees(struct world *w, enum world_kind kind, uint64_t waiter, const char *part)
{
    const struct world_event *e = world_next(w);

    assert_non_null(e);
    assert_int_equal(e->kind, kind);
    if (waiter)
        assert_int_equal(e->waiter, waiter);
    if (part && !strstr(e->text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, e->text);
}

static void sees_nothing(struct world *w)
{
    assert_null(world_next(w));
}

static struct pool_stats stats(const struct world *w)
{
    struct pool_stats s;

    pool_stats(w->pool, &s);
    return s;
}

static struct world *world_with(const char *a, const char *b)
{
    struct world *w = world_new(NULL);
    const char *const list[] = { a, b, NULL };

    assert_int_equal(world_group(w, list), ERR_OK);
    sees(w, SAW_DRAINED, 0, NULL); /* there was nothing before */
    return w;
}

/* ---- pinned ---- */

/* FN-2 */
static void pinned_starts_with_the_group_and_keeps_the_order(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");

    (void)state;
    assert_int_equal(world_alive(w, "P"), 1);
    event(w, "P", "one");
    event(w, "P", "two");
    event(w, "P", "three");
    assert_int_equal(world_alive(w, "P"), 1);
    takes(w, p, "one");
    sees(w, SAW_READY, 0, "P");
    assert_int_equal(answer(w, p, "", "ok"), ERR_OK);
    takes(w, p, "two");
    assert_int_equal(answer(w, p, "Handled", "{}"), ERR_OK);
    takes(w, p, "three");
    assert_int_equal(answer(w, p, "", ""), ERR_OK);
    waits(w, p);
    event(w, "P", "four");
    sees(w, SAW_WORK, last_waiter, "four");
    assert_int_equal(stats(w).succeeded, 2);
    assert_int_equal(stats(w).handled, 1);
    assert_int_equal(stats(w).items, 1);
    world_pass(w, 2999);
    assert_int_equal(stats(w).items, 1);
    world_free(w);
}

/* FN-5: from the moment the worker takes it, not from the invocation. */
static void a_timeout_kills_and_restarts(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");
    char id[37];

    (void)state;
    waits(w, p);
    assert_int_equal(invoke(w, "P", p->token, true, "slow", id), ERR_OK);
    sees(w, SAW_READY, 0, "P");
    sees(w, SAW_WORK, last_waiter, "slow");
    (void)snprintf(p->hand, sizeof(p->hand), "%s", id);
    world_pass(w, 2999);
    assert_false(p->stop_asked);
    world_pass(w, 1);
    assert_true(p->stop_asked);
    assert_int_equal(p->grace_ms, 0);
    assert_true(world_logged(w, "[ERROR]-Timing out work item.\t{\"invoker\": \"P\", \"funcArn\": \"P\""));
    assert_int_equal(answer(w, p, "", "late"), ERR_NOT_FOUND); /* posts after the timeout */
    world_end(w, p, SIGKILL);
    assert_true(world_logged(w, "Worker is ungracefully killed."));
    assert_int_equal(world_alive(w, "P"), 0);
    world_pass(w, 200);
    assert_int_equal(world_alive(w, "P"), 1);
    assert_int_equal(stats(w).restarted, 1);
    assert_int_equal(stats(w).timed_out, 1);
    assert_int_equal(stats(w).unhandled, 1);
    world_free(w);
}

/* FN-6: restarts come later and later while the worker never answers, and at once again after an answer. */
static void a_pinned_worker_that_crashes_comes_back_later_and_later(void **state)
{
    static const int64_t waits_ms[] = { 200, 400, 800, 1600 };
    struct world *w = world_with("P pinned 3000", NULL);
    char got[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
        struct world_proc *p = world_proc(w, "P");
        assert_int_equal(poll_for(w, p, got), ERR_MORE);
        world_end(w, p, EXIT(1));
        world_pass(w, waits_ms[i] - 2);
        assert_int_equal(world_alive(w, "P"), 0);
        world_pass(w, 2);
        assert_int_equal(world_alive(w, "P"), 1);
    }
    assert_true(world_logged(w, "Worker is ungracefully killed.\t{\"workerId\": \""));
    assert_true(world_logged(w, "\"funcArn\": \"P\", \"state\": \"exit status 1\""));
    event(w, "P", "one");
    takes(w, world_proc(w, "P"), "one");
    assert_int_equal(answer(w, world_proc(w, "P"), "", ""), ERR_OK);
    world_end(w, world_proc(w, "P"), EXIT(0));
    world_pass(w, 200);
    assert_int_equal(world_alive(w, "P"), 1);
    world_free(w);
}

/* A result is fetched by its invoker: a second function with a worker of its own. */
static struct world *with_caller(struct world_proc **ret_caller)
{
    struct world *w = world_with("P pinned 3000", "CALLER pinned 3000");

    *ret_caller = world_proc(w, "CALLER");
    waits(w, *ret_caller);
    sees(w, SAW_READY, 0, "CALLER");
    return w;
}

static void expect_unhandled(struct world *w, struct world_proc *caller, const char *id, const char *part)
{
    struct pool_answer a;

    assert_int_equal(pool_get_result(w->pool, caller->token, id, 7, w->now, &a), ERR_OK);
    assert_string_equal(a.function_error, "Unhandled");
    if (!memmem(a.body.p, a.body.n, part, strlen(part)))
        fail_msg("\"%s\" is not in %.*s", part, SLICE_FMT(a.body));
    assert_memory_equal(a.body.p, "{\"errorMessage\":\"RequestId: ", 28);
}

/* FN-7 */
static void each_way_to_end_without_an_answer(void **state)
{
    static const struct {
        int status;
        const char *type, *text;
    } cases[] = {
        { EXIT(1), "Runtime.ExitError", "exit status 1" },
        { EXIT(0), "Runtime.ExitError", "exit status 0" },
        { SIGSEGV, "Runtime.ExitError", "signal: Segmentation fault" },
        { SIGKILL, "Runtime.OutOfMemory", "out of memory" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world_proc *caller;
        struct world *w = with_caller(&caller);
        char id[37];
        assert_int_equal(invoke(w, "P", caller->token, true, "x", id), ERR_OK);
        takes(w, world_proc(w, "P"), "x");
        world_end(w, world_proc(w, "P"), cases[i].status);
        expect_unhandled(w, caller, id, cases[i].type);
        assert_int_equal(stats(w).crashed, 1);
        assert_int_equal(invoke(w, "P", caller->token, true, "x", id), ERR_OK);
        world_pass(w, 200);
        takes(w, world_proc(w, "P"), "x");
        world_end(w, world_proc(w, "P"), cases[i].status);
        expect_unhandled(w, caller, id, cases[i].text);
        world_free(w);
    }
}

static void the_timeout_is_told_in_seconds(void **state)
{
    struct world_proc *caller;
    struct world *w = with_caller(&caller);
    char id[37];

    (void)state;
    assert_int_equal(invoke(w, "P", caller->token, true, "x", id), ERR_OK);
    takes(w, world_proc(w, "P"), "x");
    world_pass(w, 3000);
    expect_unhandled(w, caller, id, "Task timed out after 3.00 seconds\",\"errorType\":\"Sandbox.Timedout\"");
    world_free(w);
}

/* FN-8 */
static void a_worker_that_never_gets_to_work(void **state)
{
    struct world_proc *caller;
    struct world *w = with_caller(&caller);
    char id[3][37];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(invoke(w, "P", caller->token, true, "x", id[i]), ERR_OK);
    for (int i = 0; i < 5; i++) {
        assert_non_null(world_proc(w, "P"));
        world_end(w, world_proc(w, "P"), EXIT(1));
        if (i == 2) {
            assert_true(world_logged(w, "WorkItem reached max retry limit.\t{\"invocationId\": \""));
            expect_unhandled(w, caller, id[0], "Function.MaxRetries");
        }
        if (i < 4) {
            sees_nothing(w);
            world_pass(w, 200 << i);
        }
    }
    sees(w, SAW_FAILED, 0, "P: worker with 0");
    expect_unhandled(w, caller, id[1], "Function.StartFailed");
    expect_unhandled(w, caller, id[2], "failed to initialize: exit status 1");
    assert_int_equal(invoke(w, "P", caller->token, true, "x", id[0]), ERR_OK);
    expect_unhandled(w, caller, id[0], "Function.StartFailed"); /* at once: nothing is queued for it */
    assert_int_equal(stats(w).items, 0);
    world_pass(w, 200 << 4); /* and it is tried again */
    assert_int_equal(world_alive(w, "P"), 1);
    waits(w, world_proc(w, "P"));
    sees(w, SAW_READY, 0, "P");
    event(w, "P", "works");
    sees(w, SAW_WORK, 0, "works");
    world_free(w);
}

static void a_worker_that_could_not_be_started(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct world_proc *p = world_proc(w, "P");
        p->alive = false;
        pool_worker_not_started(w->pool, p->no,
                                "cannot find executable nodejs12.x under any of the provided paths", w->now);
        world_settle(w);
        if (i < 4)
            world_pass(w, 200 << i);
    }
    sees(w, SAW_FAILED, 0, "cannot find executable nodejs12.x");
    sees_nothing(w);
    assert_true(world_logged(w, "Failed to start worker.\t{\"workerId\": "));
    world_free(w);
}

static void a_pinned_worker_that_does_not_ask(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);

    (void)state;
    world_pass(w, 30000);
    sees(w, SAW_FAILED, 0, "has not asked for work within 30000 ms");
    assert_false(
        world_proc(w, "P")->stop_asked); /* it may be busy with what it does outside of its handler */
    world_pass(w, 600000);
    sees_nothing(w);
    waits(w, world_proc(w, "P"));
    sees(w, SAW_READY, 0, "P");
    world_free(w);
}

static void initialized_is_ready_too(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");

    (void)state;
    assert_int_equal(pool_initialized(w->pool, p->token, "P", true, NULL, w->now), ERR_OK);
    assert_int_equal(pool_initialized(w->pool, p->token, "OTHER", true, NULL, w->now), ERR_AUTH);
    world_settle(w);
    sees(w, SAW_READY, 0, "P");
    world_pass(w, 3600000);
    assert_false(p->stop_asked);
    sees_nothing(w);
    waits(w, p);
    sees_nothing(w); /* said once */
    world_free(w);
}

static void initialized_may_say_no(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    struct world_proc *p = world_proc(w, "P");

    (void)state;
    assert_int_equal(pool_initialized(w->pool, p->token, "P", false, "no \"bucket\"", w->now), ERR_OK);
    world_settle(w);
    assert_true(p->stop_asked);
    assert_int_equal(p->grace_ms, 3000);
    world_end(w, p, EXIT(0));
    sees(w, SAW_FAILED, 0, "failed to initialize with reason no \"bucket\"");
    world_pass(w, 200);
    assert_int_equal(world_alive(w, "P"), 1);
    world_free(w);
}

/* ---- on demand ---- */

/* FN-3 */
static void on_demand_starts_what_is_asked_for(void **state)
{
    struct world *w = world_with("D demand 3000", NULL);
    struct world_proc *first;

    (void)state;
    assert_int_equal(world_alive(w, "D"), 0);
    event(w, "D", "one");
    assert_int_equal(world_alive(w, "D"), 1);
    first = world_proc(w, "D");
    event(w, "D", "two");
    event(w, "D", "three");
    event(w, "D", "four");
    assert_int_equal(world_alive(w, "D"), 3); /* maxConcurrentLimit of these tests */
    takes(w, first, "one");
    takes(w, world_proc(w, "D"), "two");
    assert_int_equal(answer(w, first, "", ""), ERR_OK);
    takes(w, first, "three"); /* reused */
    assert_int_equal(answer(w, first, "", ""), ERR_OK);
    takes(w, first, "four");
    assert_int_equal(stats(w).started, 3);
    sees_nothing(w);
    world_free(w);
}

static void the_least_recently_used_makes_room(void **state)
{
    struct world *w = world_with("A demand 3000", "B demand 3000");
    struct world_proc *oldest;
    size_t first = w->proc_count;

    (void)state;
    for (int i = 0; i < 3; i++)
        event(w, "A", "x");
    oldest = &w->procs[first + 1];
    for (size_t i = 0; i < 3; i++)
        takes(w, &w->procs[first + i], "x");
    for (size_t i = 0; i < 3; i++) {
        struct world_proc *p = &w->procs[first + (i + 1) % 3];
        world_pass(w, 10);
        assert_int_equal(answer(w, p, "", ""), ERR_OK);
        waits(w, p);
    }
    event(w, "B", "y");
    assert_true(oldest->stop_asked);
    assert_int_equal(oldest->grace_ms, 3000);
    assert_int_equal(world_alive(w, "B"), 0); /* never more than the limit, the leaving one included */
    assert_int_equal(stats(w).on_demand, 3);
    world_end(w, oldest, EXIT(0));
    assert_int_equal(world_alive(w, "B"), 1);
    assert_int_equal(stats(w).reaped, 1);
    takes(w, world_proc(w, "B"), "y");
    world_free(w);
}

static void a_long_queue_of_one_does_not_starve_another(void **state)
{
    struct world *w = world_with("A demand 3000", "B demand 3000");
    struct world_proc *p;

    (void)state;
    for (int i = 0; i < 4; i++)
        event(w, "A", "a");
    event(w, "B", "b");
    event(w, "A", "a");
    event(w, "A", "a");
    p = world_proc(w, "A");
    for (int i = 0; i < 4; i++) { /* what arrived before B's comes first */
        takes(w, p, "a");
        assert_int_equal(answer(w, p, "", ""), ERR_OK);
    }
    waits(w, p); /* more for A is there, but B's has waited longer */
    assert_true(p->stop_asked);
    sees(w, SAW_DROP, last_waiter, NULL);
    world_end(w, p, EXIT(0));
    assert_int_equal(world_alive(w, "B"), 1);
    takes(w, world_proc(w, "B"), "b");
    world_free(w);
}

static void idle_workers_are_stopped(void **state)
{
    struct world *w = world_with("D demand 3000", NULL);
    struct world_proc *p;

    (void)state;
    event(w, "D", "one");
    p = world_proc(w, "D");
    takes(w, p, "one");
    assert_int_equal(answer(w, p, "", ""), ERR_OK);
    waits(w, p);
    world_pass(w, 299999);
    assert_false(p->stop_asked);
    world_pass(w, 1);
    assert_true(p->stop_asked);
    sees(w, SAW_DROP, last_waiter, NULL);
    assert_int_equal(poll_for(w, p, (char[64]){ "" }), ERR_CANCELLED);
    world_end(w, p, EXIT(0));
    assert_true(world_logged(w, "[INFO]-Worker is stopped."));
    assert_int_equal(world_alive(w, NULL), 0);
    world_pass(w, 3600000);
    assert_int_equal(world_alive(w, NULL), 0);
    world_free(w);
}

static void an_on_demand_worker_that_does_not_ask_is_killed(void **state)
{
    struct world *w = world_with("D demand 3000", NULL);
    struct world_proc *p;

    (void)state;
    event(w, "D", "one");
    p = world_proc(w, "D");
    world_pass(w, 30000);
    assert_true(p->stop_asked);
    assert_int_equal(p->grace_ms, 0);
    world_end(w, p, SIGKILL);
    world_pass(w, 200);
    takes(w, world_proc(w, "D"), "one"); /* the item was not lost */
    assert_int_equal(stats(w).retried, 1);
    world_free(w);
}

static void a_crash_on_demand_delays_nobody(void **state)
{
    struct world *w = world_with("D demand 3000", NULL);

    (void)state;
    for (int i = 0; i < 20; i++) {
        event(w, "D", "bad");
        takes(w, world_proc(w, "D"), "bad");
        world_end(w, world_proc(w, "D"), EXIT(1));
    }
    assert_int_equal(stats(w).unhandled, 20);
    world_free(w);
}

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

/* ---- groups ---- */

/* FN-10 */
static void a_new_group_waits_for_the_end_of_the_old(void **state)
{
    struct world *w = world_with("P pinned 3000", "D demand 3000");
    struct world_proc *p = world_proc(w, "P"), *d;
    static const char *const next[] = { "P pinned 3000", "E demand 3000", NULL };
    char id[37];

    (void)state;
    waits(w, p);
    event(w, "D", "one");
    event(w, "D", "two");
    d = world_proc(w, "D");
    takes(w, d, "one");
    sees(w, SAW_READY, 0, "P");
    assert_int_equal(world_group(w, next), ERR_OK);
    sees(w, SAW_DROP, last_waiter - 1, NULL);
    assert_true(p->stop_asked && d->stop_asked);
    assert_int_equal(p->grace_ms, 3000);
    assert_int_equal(stats(w).items, 0);
    assert_int_equal(stats(w).unhandled, 2);
    assert_int_equal(answer(w, d, "", ""), ERR_NOT_FOUND);
    assert_int_equal(invoke(w, "D", NULL, false, "x", id), ERR_NOT_FOUND);
    event(w, "E", "x");
    assert_false(pool_is_drained(w->pool));
    assert_int_equal(world_alive(w, NULL), 3);
    world_pass(w, 2000);
    assert_true(world_logged(w, "wait 1s for container to stop"));
    for (size_t i = 0; i < 3; i++) {
        sees_nothing(w);
        assert_int_equal(world_alive(w, "E"), 0);
        world_end(w, &w->procs[i], EXIT(0));
    }
    sees(w, SAW_DRAINED, 0, NULL);
    assert_true(pool_is_drained(w->pool));
    assert_int_equal(world_alive(w, "P"), 1);
    takes(w, world_proc(w, "E"), "x");
    world_free(w);
}

static void a_group_that_cannot_be(void **state)
{
    struct world *w = world_with("P pinned 3000", NULL);
    static const char *const twice[] = { "Q pinned 3000", "Q demand 3000", NULL };

    (void)state;
    assert_int_equal(world_group(w, twice), ERR_INVALID);
    assert_true(pool_has_function(w->pool, "P"));
    assert_false(pool_has_function(w->pool, "Q"));
    assert_false(world_proc(w, "P")->stop_asked);
    assert_int_equal(pool_set_functions(w->pool, NULL, 0, w->now), ERR_OK);
    world_settle(w);
    assert_false(pool_has_function(w->pool, "P"));
    world_end(w, world_proc(w, "P"), EXIT(0));
    world_pass(w, 1000000);
    assert_int_equal(world_alive(w, NULL), 0);
    assert_int_equal(pool_next_ms(w->pool, w->now), -1);
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

/* ---- health ---- */

static void note_view(void *ctx, const struct pool_worker_view *v)
{
    struct buf *b = ctx;

    assert_int_equal(buf_printf(b, "%s=%s/%d ", v->arn, v->state, v->pid != 0), ERR_OK);
}

static void looks_like(const struct world *w, const char *want)
{
    autobuf b = BUF_INIT(1000);

    pool_each_worker(w->pool, note_view, &b);
    assert_string_equal(buf_str(&b), want);
}

static void the_words_of_health(void **state)
{
    struct world *w = world_with("P pinned 3000", "D demand 3000");
    struct world_proc *p = world_proc(w, "P");

    (void)state;
    looks_like(w, "P=Starting/1 ");
    assert_int_equal(pool_initialized(w->pool, p->token, "P", true, "", w->now), ERR_OK);
    looks_like(w, "P=Initialized/1 ");
    waits(w, p);
    looks_like(w, "P=Waiting/1 ");
    event(w, "P", "x");
    looks_like(w, "P=Working/1 ");
    world_pass(w, 3000);
    looks_like(w, "P=Terminated/1 ");
    world_end(w, p, SIGKILL);
    looks_like(w, "P=Terminated/0 ");
    world_pass(w, 1000);
    for (int i = 0; i < 5; i++) {
        world_end(w, world_proc(w, "P"), EXIT(1));
        if (i < 4)
            world_pass(w, 60000);
    }
    looks_like(w, "P=FailedInitialization/0 ");
    event(w, "D", "x");
    looks_like(w, "D=Starting/1 P=FailedInitialization/0 ");
    world_free(w);
}

static void a_function_that_could_not_be_started_yet(void **state)
{
    struct world *w = world_new(NULL);
    static const char *const list[] = { "P pinned 3000", NULL };

    (void)state;
    w->fail_ids = true; /* no entropy for its name */
    assert_int_equal(world_group(w, list), ERR_OK);
    looks_like(w, "P=NotStarted/0 ");
    world_pass(w, 200);
    looks_like(w, "P=Starting/1 ");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinned_starts_with_the_group_and_keeps_the_order),
        cmocka_unit_test(a_timeout_kills_and_restarts),
        cmocka_unit_test(a_pinned_worker_that_crashes_comes_back_later_and_later),
        cmocka_unit_test(each_way_to_end_without_an_answer),
        cmocka_unit_test(the_timeout_is_told_in_seconds),
        cmocka_unit_test(a_worker_that_never_gets_to_work),
        cmocka_unit_test(a_worker_that_could_not_be_started),
        cmocka_unit_test(a_pinned_worker_that_does_not_ask),
        cmocka_unit_test(initialized_is_ready_too),
        cmocka_unit_test(initialized_may_say_no),
        cmocka_unit_test(on_demand_starts_what_is_asked_for),
        cmocka_unit_test(the_least_recently_used_makes_room),
        cmocka_unit_test(a_long_queue_of_one_does_not_starve_another),
        cmocka_unit_test(idle_workers_are_stopped),
        cmocka_unit_test(an_on_demand_worker_that_does_not_ask_is_killed),
        cmocka_unit_test(a_crash_on_demand_delays_nobody),
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
        cmocka_unit_test(a_new_group_waits_for_the_end_of_the_old),
        cmocka_unit_test(a_group_that_cannot_be),
        cmocka_unit_test(names_inside_the_core),
        cmocka_unit_test(the_words_of_health),
        cmocka_unit_test(a_function_that_could_not_be_started_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
