/* The pool's workers, scenario by scenario: FN clauses are named where they are proved. */
#include "../../cm.h"
#include "base/mem.h"
#include "pool_steps.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

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
    expect_unhandled(w, caller, id[2], "failed to initialize with reason exit status 1");
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
    sees(w, SAW_FAILED, 0,
         "failed to initialize with reason unable to create worker process for P. cannot find executable "
         "nodejs12.x");
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
        cmocka_unit_test(a_new_group_waits_for_the_end_of_the_old),
        cmocka_unit_test(a_group_that_cannot_be),
        cmocka_unit_test(the_words_of_health),
        cmocka_unit_test(a_function_that_could_not_be_started_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
