/* The database threads: order, batches, a failing job among good ones, the end. */
#include "../cm.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cloud/store.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct scene {
    char dir[64];
    struct net_loop *loop;
    struct store *store;
};

struct job {
    struct store_job job;
    const char *name;
    bool fail;
    int runs;
    int *order;
    int done_as; /* 1 for the first */
    err_t result;
};

static int setup(void **state)
{
    struct scene *s = mem_calloc(1, sizeof(*s));
    char path[100], why[DB_WHY_MAX];

    strcpy(s->dir, "/tmp/sedge-store-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(path, sizeof(path), "%s/db", s->dir);
    assert_int_equal(net_loop_new(&s->loop), ERR_OK);
    assert_int_equal(store_new(path, &s->store, why), ERR_OK);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    store_free(s->store);
    net_loop_free(s->loop);
    assert_int_equal(file_remove_tree(s->dir), ERR_OK);
    free(s);
    return 0;
}

static err_t run(struct store_job *job, struct db *db)
{
    struct job *j = CONTAINER_OF(job, struct job, job);
    err_t e =
        db_run(db, "INSERT INTO settings (name, content) VALUES ($1, '')", DB_ARGS(DB_TEXT(j->name)), NULL);

    j->runs++;
    return e ? e : j->fail ? ERR_INVALID : ERR_OK;
}

static void done(struct store_job *job, err_t result)
{
    struct job *j = CONTAINER_OF(job, struct job, job);

    j->result = result;
    j->done_as = ++*j->order;
}

static void submit(struct scene *s, struct job *j, size_t n, int *order)
{
    for (size_t i = 0; i < n; i++) {
        j[i].job = (struct store_job){ .run = run, .done = done };
        j[i].order = order;
        assert_int_equal(store_submit(s->store, s->loop, &j[i].job), ERR_OK);
    }
}

static void wait_for(struct scene *s, const int *order, int n)
{
    int64_t end = clock_mono_ms() + 20000;

    while (*order < n && clock_mono_ms() < end)
        assert_int_equal(net_loop_turn(s->loop, 10), ERR_OK);
    assert_int_equal(*order, n);
}

/* A job that fails after it wrote takes nothing of the others' with it, and leaves nothing of its own. */
static void a_failing_job_fails_alone(void **state)
{
    struct scene *s = *state;
    struct job jobs[] = {
        { .name = "a" }, { .name = "b", .fail = true }, { .name = "c" }, { .name = "a" }, { .name = "d" }
    };
    struct job again[] = { { .name = "b" } };
    static const err_t want[] = { ERR_OK, ERR_INVALID, ERR_OK, ERR_EXISTS, ERR_OK };
    int order = 0;

    submit(s, jobs, ARRAY_LEN(jobs), &order);
    wait_for(s, &order, ARRAY_LEN(jobs));
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        assert_int_equal(jobs[i].result, want[i]);
        assert_int_equal(jobs[i].done_as, i + 1); /* in the order they came */
        assert_int_equal(jobs[i].runs, 1);        /* nobody works twice for another's failure */
    }
    submit(s, again, 1, &order);
    wait_for(s, &order, ARRAY_LEN(jobs) + 1);
    assert_int_equal(again[0].result, ERR_OK);
}

/* What was handed over before the end is done, and told. */
static void the_end_finishes_what_was_begun(void **state)
{
    struct scene *s = *state;
    struct job jobs[200] = { 0 }, late = { .job = { .run = run, .done = done } };
    char names[200][8];
    int order = 0;

    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%zu", i);
        jobs[i].name = names[i];
    }
    submit(s, jobs, ARRAY_LEN(jobs), &order);
    store_stop(s->store);
    assert_false(store_is_idle(s->store)); /* their `done` has yet to run */
    assert_int_equal(store_submit(s->store, s->loop, &late.job), ERR_BUSY);
    while (!store_is_idle(s->store))
        assert_int_equal(net_loop_turn(s->loop, 0), ERR_OK);
    assert_int_equal(order, ARRAY_LEN(jobs));
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
        assert_int_equal(jobs[i].result, ERR_OK);
}

static err_t slow(struct store_job *job, struct db *db)
{
    struct timespec t = { .tv_nsec = 300 * 1000 * 1000 };

    (void)db;
    (void)job;
    (void)nanosleep(&t, NULL);
    return ERR_OK;
}

static err_t quick(struct store_job *job, struct db *db)
{
    (void)job;
    (void)db;
    return ERR_OK;
}

/* Nothing grows without bound: the queue has a cap. */
static void the_queue_has_a_cap(void **state)
{
    struct scene *s = *state;
    struct job *jobs = mem_calloc(STORE_QUEUE_MAX + STORE_BATCH_MAX + 2, sizeof(*jobs));
    err_t e = ERR_OK;
    int order = 0, n = 0;

    jobs[0].job = (struct store_job){ .run = slow, .done = done };
    jobs[0].order = &order;
    assert_int_equal(store_submit(s->store, s->loop, &jobs[n++].job), ERR_OK);
    while (!e) {
        jobs[n] = (struct job){ .job = { .run = quick, .done = done }, .order = &order };
        e = store_submit(s->store, s->loop, &jobs[n].job);
        n += !e;
        assert_in_range(n, 1, STORE_QUEUE_MAX + STORE_BATCH_MAX + 1);
    }
    assert_int_equal(e, ERR_BUSY);
    wait_for(s, &order, n);
    free(jobs);
}

/* A job that goes first passes those that wait, not one another, and has room when others have none. */
static void the_first_go_first(void **state)
{
    struct scene *s = *state;
    struct job jobs[] = { { .job.run = slow, .name = "" },
                          { .job.run = quick },
                          { .job = { .run = quick, .first = true } },
                          { .job = { .run = quick, .first = true } } };
    int order = 0;

    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i].job.done = done;
        jobs[i].order = &order;
        assert_int_equal(store_submit(s->store, s->loop, &jobs[i].job), ERR_OK);
    }
    wait_for(s, &order, ARRAY_LEN(jobs));
    assert_true(jobs[2].done_as < jobs[3].done_as);
    assert_true(jobs[3].done_as < jobs[1].done_as);
}

static void waiting_for_a_job(void **state)
{
    struct scene *s = *state;
    struct job j = { .job.run = run, .name = "a" };

    assert_int_equal(store_wait(s->store, &j.job), ERR_OK);
    assert_int_equal(store_wait(s->store, &j.job), ERR_EXISTS);
    assert_true(store_is_idle(s->store));
    store_stop(s->store);
    assert_int_equal(store_wait(s->store, &j.job), ERR_BUSY);
}

static sem_t may_end;

/* Holds the write transaction open until the reader was answered. */
static err_t write_until_read(struct store_job *job, struct db *db)
{
    struct timespec limit;
    err_t e = run(job, db);

    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 10;
    return e ? e : sem_timedwait(&may_end, &limit) == 0 ? ERR_OK : ERR_TIMEOUT;
}

static err_t count(struct store_job *job, struct db *db)
{
    struct job *j = CONTAINER_OF(job, struct job, job);
    int64_t n = -1;
    err_t e = db_one_int(db, "SELECT count(*) FROM settings WHERE name = 'held'", DB_NO_ARGS, &n);

    j->runs = (int)n;
    return e;
}

static err_t insert_as_reader(struct store_job *job, struct db *db)
{
    return run(job, db);
}

static void a_reader_waits_for_no_writer(void **state)
{
    struct scene *s = *state;
    int written = 0, read = 0;
    struct job w = { .job = { .run = write_until_read, .done = done }, .name = "held", .order = &written };
    struct job r = { .job = { .run = count, .done = done, .reads = true }, .order = &read };
    struct job bad = { .job = { .run = insert_as_reader, .done = done, .reads = true },
                       .name = "x",
                       .order = &read };

    assert_int_equal(sem_init(&may_end, 0, 0), 0);
    assert_int_equal(store_submit(s->store, s->loop, &w.job), ERR_OK);
    assert_int_equal(store_submit(s->store, s->loop, &r.job), ERR_OK);
    wait_for(s, &read, 1);
    assert_int_equal(r.result, ERR_OK);
    assert_int_equal(r.runs, 0); /* not committed: not seen */
    assert_int_equal(store_submit(s->store, s->loop, &bad.job), ERR_OK);
    wait_for(s, &read, 2);
    assert_int_equal(bad.result, ERR_DENIED);
    assert_int_equal(sem_post(&may_end), 0);
    wait_for(s, &written, 1);
    assert_int_equal(w.result, ERR_OK);
    assert_int_equal(store_submit(s->store, s->loop, &r.job), ERR_OK);
    wait_for(s, &read, 3);
    assert_int_equal(r.runs, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failing_job_fails_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_finishes_what_was_begun, setup, teardown),
        cmocka_unit_test_setup_teardown(the_queue_has_a_cap, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_go_first, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_for_a_job, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_waits_for_no_writer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
