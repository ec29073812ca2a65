#include "../cm.h"

#include "fixture.h"

struct plan {
    int runs;
    err_t result;
    bool ignore; /* go on after a failed statement */
};

static err_t two_inserts(struct db *db, void *ctx)
{
    struct plan *p = ctx;
    err_t e = add_thing(db, "a");

    p->runs++;
    if (!e)
        e = add_thing(db, "b");
    return e ? e : p->result;
}

static void commits_and_rolls_back(void **state)
{
    struct plan good = { 0 }, bad = { .result = ERR_DENIED };

    assert_int_equal(db_tx(*state, two_inserts, &bad), ERR_DENIED);
    assert_int_equal(count_things(*state), 0);
    assert_int_equal(db_tx(*state, two_inserts, &good), ERR_OK);
    assert_int_equal(count_things(*state), 2);
    assert_int_equal(good.runs + bad.runs, 2);
    assert_int_equal(db_tx(*state, two_inserts, &good), ERR_EXISTS);
    assert_int_equal(count_things(*state), 2);
}

static err_t duplicate(struct db *db, void *ctx)
{
    struct plan *p = ctx;
    err_t e = add_thing(db, "x");

    assert_int_equal(e, ERR_OK);
    e = add_thing(db, "x");
    assert_int_equal(e, ERR_EXISTS);
    if (!p->ignore)
        return e;
    /* sql.md rule 10: a failed statement ends the transaction, on every engine */
    assert_int_equal(add_thing(db, "y"), ERR_WRONG_STATE);
    return ERR_OK;
}

static void a_failed_statement_ends_it(void **state)
{
    struct plan honest = { 0 }, careless = { .ignore = true };

    assert_int_equal(db_tx(*state, duplicate, &honest), ERR_EXISTS);
    assert_int_equal(db_tx(*state, duplicate, &careless), ERR_EXISTS);
    assert_int_equal(count_things(*state), 0);
    assert_int_equal(add_thing(*state, "after"), ERR_OK); /* and nothing of it is left behind */
}

static err_t nested(struct db *db, void *ctx)
{
    struct plan inner = { 0 };

    (void)ctx;
    assert_int_equal(db_tx(db, two_inserts, &inner), ERR_WRONG_STATE);
    assert_int_equal(inner.runs, 0);
    return ERR_OK;
}

static void they_do_not_nest(void **state)
{
    assert_int_equal(db_tx(*state, nested, NULL), ERR_OK);
}

static err_t busy_once(struct db *db, void *ctx)
{
    struct plan *p = ctx;
    err_t e = add_thing(db, "a");

    p->runs++;
    return e ? e : p->runs < 3 ? ERR_BUSY : ERR_OK;
}

static err_t always_busy(struct db *db, void *ctx)
{
    struct plan *p = ctx;

    (void)db;
    p->runs++;
    return ERR_BUSY;
}

/* The callback runs again, on a database as it was before. */
static void busy_is_retried(void **state)
{
    struct plan p = { 0 }, forever = { 0 };

    assert_int_equal(db_tx(*state, busy_once, &p), ERR_OK);
    assert_int_equal(p.runs, 3);
    assert_int_equal(count_things(*state), 1);
    assert_int_equal(db_tx(*state, always_busy, &forever), ERR_BUSY);
    assert_int_equal(forever.runs, 5);
}

static err_t fill_blobs(struct db *db, void *ctx)
{
    static const uint8_t big[4000];
    err_t e = ERR_OK;

    (void)ctx;
    for (int i = 0; !e && i < 10000; i++)
        e = db_run(db, "INSERT INTO things (name, data) VALUES (CAST($1 AS TEXT), $2)",
                   DB_ARGS(DB_INT(i), DB_BLOB(SLICE_ARRAY(big))), NULL);
    return e;
}

/* SQLite rolls back by itself when the disk is full; the handle stays good. */
static void a_full_disk(void **state)
{
    if (on_postgres())
        skip();
    assert_int_equal(db_run(*state, "PRAGMA max_page_count = 60", DB_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(db_tx(*state, fill_blobs, NULL), ERR_NO_SPACE);
    assert_int_equal(count_things(*state), 0);
    assert_int_equal(add_thing(*state, "small"), ERR_OK);
}

struct parts {
    int lose; /* the part that is busy: the whole must run again */
    int runs;
    err_t result[3];
};

static err_t duplicate_thing(struct db *db, void *ctx)
{
    err_t e = add_thing(db, ctx);

    return e ? e : add_thing(db, ctx);
}

static err_t one_thing(struct db *db, void *ctx)
{
    return add_thing(db, ctx);
}

static err_t refuses(struct db *db, void *ctx)
{
    err_t e = add_thing(db, ctx);

    return e ? e : ERR_DENIED;
}

static err_t busy_part(struct db *db, void *ctx)
{
    struct parts *p = ctx;
    err_t e = add_thing(db, "busy");

    return e ? e : p->runs < p->lose ? ERR_BUSY : ERR_OK;
}

static err_t four_parts(struct db *db, void *ctx)
{
    struct parts *p = ctx;
    err_t ignored, e;

    p->runs++;
    if ((e = db_tx_part(db, one_thing, (char[]){ "a" }, &p->result[0])) ||
        (e = db_tx_part(db, duplicate_thing, (char[]){ "b" }, &p->result[1])) ||
        (e = db_tx_part(db, refuses, (char[]){ "c" }, &p->result[2])))
        return e;
    e = db_tx_part(db, busy_part, p, &ignored);
    if (e) { /* the transaction is lost: nothing more may be tried in it */
        assert_int_equal(db_tx_part(db, one_thing, (char[]){ "d" }, &ignored), ERR_WRONG_STATE);
        assert_int_equal(add_thing(db, "d"), ERR_WRONG_STATE);
    }
    return e;
}

static void a_failed_part_takes_nothing_else_with_it(void **state)
{
    struct parts p = { 0 };
    err_t untouched = ERR_TIMEOUT;

    assert_int_equal(db_tx_part(*state, one_thing, (char[]){ "x" }, &untouched), ERR_WRONG_STATE);
    assert_int_equal(untouched, ERR_TIMEOUT);
    assert_int_equal(db_tx(*state, four_parts, &p), ERR_OK);
    assert_int_equal(p.result[0], ERR_OK);
    assert_int_equal(p.result[1], ERR_EXISTS);
    assert_int_equal(p.result[2], ERR_DENIED);
    assert_int_equal(count_things(*state), 2); /* a, busy */
}

static void a_busy_part_runs_the_whole_again(void **state)
{
    struct parts p = { .lose = 3 };

    assert_int_equal(db_tx(*state, four_parts, &p), ERR_OK);
    assert_int_equal(p.runs, 3);
    assert_int_equal(count_things(*state), 2);
}

static void a_handle_that_only_reads(void **state)
{
    struct plan p = { 0 };

    assert_int_equal(add_thing(*state, "a"), ERR_OK);
    assert_int_equal(db_read_only(*state), ERR_OK);
    assert_int_equal(add_thing(*state, "b"), ERR_DENIED);
    assert_int_equal(db_tx(*state, two_inserts, &p), ERR_DENIED);
    assert_int_equal(count_things(*state), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commits_and_rolls_back),
        TEST(a_failed_statement_ends_it),
        TEST(they_do_not_nest),
        TEST(busy_is_retried),
        TEST(a_full_disk),
        TEST(a_failed_part_takes_nothing_else_with_it),
        TEST(a_busy_part_runs_the_whole_again),
        TEST(a_handle_that_only_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
