#include "../cm.h"

#include "fixture.h"

#include <string.h>

static void values_come_back_as_they_went(void **state)
{
    struct db *db = *state;
    auto_rows struct db_rows *rows = NULL;
    int64_t changed = -1;

    assert_int_equal(db_run(db, "INSERT INTO things (name, weight, data) VALUES ($1, $2, $3), ($4, NULL, $5)",
                            DB_ARGS(DB_TEXT("a\xc3\xa9"), DB_INT(INT64_MAX), DB_BLOB(SLICE_LIT("\0\x01\xff")),
                                    DB_SLICE(SLICE_LIT("")), DB_BLOB(((struct slice){ 0 }))),
                            &changed),
                     ERR_OK);
    assert_int_equal(changed, 2);
    assert_int_equal(db_query(db, "SELECT name, weight, data, id FROM things ORDER BY id", DB_NO_ARGS, &rows),
                     ERR_OK);
    assert_int_equal(db_next(rows), ERR_OK);
    assert_string_equal(db_str(rows, 0), "a\xc3\xa9");
    assert_int_equal(db_text(rows, 0).n, 3);
    assert_true(db_int(rows, 1) == INT64_MAX);
    assert_true(slice_eq(db_blob(rows, 2), SLICE_LIT("\0\x01\xff")));
    assert_false(db_is_null(rows, 0));
    assert_int_equal(db_next(rows), ERR_OK);
    assert_string_equal(db_str(rows, 0), ""); /* empty text is not NULL */
    assert_true(db_is_null(rows, 1));
    assert_int_equal(db_int(rows, 1), 0);
    assert_false(db_is_null(rows, 2)); /* nor is an empty blob */
    assert_int_equal(db_blob(rows, 2).n, 0);
    assert_int_equal(db_next(rows), ERR_EOF);
}

static void null_reads_as_nothing(void **state)
{
    auto_rows struct db_rows *rows = NULL;

    assert_int_equal(db_query(*state, "SELECT $1, $2", DB_ARGS(DB_NULL, DB_TEXT(NULL)), &rows), ERR_OK);
    assert_int_equal(db_next(rows), ERR_OK);
    assert_true(db_is_null(rows, 0) && db_is_null(rows, 1));
    assert_null(db_str(rows, 0));
    assert_int_equal(db_text(rows, 1).n, 0);
    assert_int_equal(db_blob(rows, 1).n, 0);
}

/* $n means argument n, in whatever order and however often the statement names it. */
static void arguments_by_number(void **state)
{
    auto_rows struct db_rows *rows = NULL;

    assert_int_equal(db_query(*state, "SELECT CAST($2 AS BIGINT), CAST($1 AS BIGINT), CAST($2 AS BIGINT)",
                              DB_ARGS(DB_INT(1), DB_INT(2)), &rows),
                     ERR_OK);
    assert_int_equal(db_next(rows), ERR_OK);
    assert_int_equal(db_int(rows, 0), 2);
    assert_int_equal(db_int(rows, 1), 1);
    assert_int_equal(db_int(rows, 2), 2);
}

#define ONE_TEXT(lit)                                                                 \
    {                                                                                 \
        1,                                                                            \
        {                                                                             \
            {                                                                         \
                .type = DB_TYPE_TEXT, .s = {(const uint8_t *)(lit), sizeof(lit) - 1 } \
            }                                                                         \
        }                                                                             \
    }

static const struct {
    const char *what, *sql;
    struct {
        size_t count;
        struct db_value v[2];
    } args;
    err_t want;
} bad[] = {
    { "not UTF-8", "INSERT INTO things (name) VALUES ($1)", ONE_TEXT("\xff"), ERR_INVALID },
    { "a surrogate", "INSERT INTO things (name) VALUES ($1)", ONE_TEXT("\xed\xa0\x80"), ERR_INVALID },
    { "U+0000", "INSERT INTO things (name) VALUES ($1)", ONE_TEXT("a\0b"), ERR_INVALID },
    { "unique", "INSERT INTO things (name) VALUES ($1)", ONE_TEXT("taken"), ERR_EXISTS },
    { "primary key", "INSERT INTO things (id, name) VALUES (1, $1)", ONE_TEXT("x"), ERR_EXISTS },
    { "not null", "INSERT INTO things (weight) VALUES (1)", { 0 }, ERR_CONFLICT },
    { "check", "INSERT INTO things (name, weight) VALUES ($1, -1)", ONE_TEXT("x"), ERR_CONFLICT },
    { "foreign key", "INSERT INTO parts (thing, n) VALUES (99, 1)", { 0 }, ERR_CONFLICT },
    { "strict type", "INSERT INTO things (name, weight) VALUES ($1, $1)", ONE_TEXT("x"), ERR_INVALID },
    { "no such table", "SELECT 1 FROM nothing", { 0 }, ERR_INVALID },
    { "too few arguments", "SELECT $1, $2", { 1, { { .type = DB_TYPE_INT } } }, ERR_INVALID },
    { "too many arguments",
      "SELECT $1",
      { 2, { { .type = DB_TYPE_INT }, { .type = DB_TYPE_INT } } },
      ERR_INVALID },
    { "a gap in the numbers", "SELECT $2", { 1, { { .type = DB_TYPE_INT } } }, ERR_INVALID },
    { "question marks", "SELECT ?", { 1, { { .type = DB_TYPE_INT } } }, ERR_INVALID },
    { "two statements", "SELECT 1; SELECT 2", { 0 }, ERR_INVALID },
    { "no statement", " ; ", { 0 }, ERR_INVALID },
    { "a double-quoted string", "SELECT \"text\"", { 0 }, ERR_INVALID }, /* sql.md rule 7 */
};

static void refused(void **state)
{
    struct db *db = *state;

    assert_int_equal(add_thing(db, "taken"), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t changed = -7;
        print_message("  %s\n", bad[i].what);
        assert_int_equal(db_run(db, bad[i].sql, bad[i].args.v, bad[i].args.count, &changed), bad[i].want);
        assert_int_equal(changed, -7);
        assert_true(db_error(db)[0]);
        assert_int_equal(count_things(db), 1);
    }
}

/* The values of a failed statement do not reach the log. */
static void errors_do_not_quote_values(void **state)
{
    struct db *db = *state;

    assert_int_equal(add_thing(db, "hush"), ERR_OK);
    assert_int_equal(add_thing(db, "hush"), ERR_EXISTS);
    assert_null(strstr(db_error(db), "hush"));
    assert_non_null(strstr(db_error(db), on_postgres() ? "things_name_key" : "things.name"));
}

static void returning_takes_effect(void **state)
{
    struct db *db = *state;
    int64_t id = 0;

    assert_int_equal(
        db_one_int(db, "INSERT INTO things (name) VALUES ($1) RETURNING id", DB_ARGS(DB_TEXT("a")), &id),
        ERR_OK);
    assert_int_equal(id, 1);
    assert_int_equal(db_run(db, "INSERT INTO things (name) VALUES ($1), ($2) RETURNING id",
                            DB_ARGS(DB_TEXT("b"), DB_TEXT("c")), NULL),
                     ERR_OK);
    assert_int_equal(count_things(db), 3);
}

static void upsert_reports_its_rows(void **state)
{
    struct db *db = *state;
    int64_t changed;

    assert_int_equal(add_thing(db, "a"), ERR_OK);
    assert_int_equal(db_run(db, "INSERT INTO things (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
                            DB_ARGS(DB_TEXT("a")), &changed),
                     ERR_OK);
    assert_int_equal(changed, 0);
}

struct walk {
    int rows;
    int stop_at;
    struct db *db;
};

static err_t on_row(void *ctx, const struct db_rows *row)
{
    struct walk *w = ctx;

    assert_int_equal(db_int(row, 0), ++w->rows);
    return w->rows == w->stop_at ? ERR_CANCELLED : ERR_OK;
}

static void each_and_one(void **state)
{
    struct db *db = *state;
    struct walk all = { 0 }, some = { .stop_at = 2 }, first = { 0 }, none = { 0 };
    const char *three = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
    int64_t n = -7;

    assert_int_equal(db_each(db, three, DB_NO_ARGS, on_row, &all), ERR_OK);
    assert_int_equal(all.rows, 3);
    assert_int_equal(db_each(db, three, DB_NO_ARGS, on_row, &some), ERR_CANCELLED);
    assert_int_equal(some.rows, 2);
    assert_int_equal(db_one(db, three, DB_NO_ARGS, on_row, &first), ERR_OK);
    assert_int_equal(first.rows, 1);
    assert_int_equal(db_one(db, "SELECT id FROM things", DB_NO_ARGS, on_row, &none), ERR_NOT_FOUND);
    assert_int_equal(db_each(db, "SELECT id FROM things", DB_NO_ARGS, on_row, &none), ERR_OK);
    assert_int_equal(none.rows, 0);
    assert_int_equal(db_one_int(db, "SELECT id FROM things", DB_NO_ARGS, &n), ERR_NOT_FOUND);
    assert_int_equal(n, -7);
}

/* The same statement inside its own rows: each use has its own place. */
static err_t again(void *ctx, const struct db_rows *row)
{
    struct walk *w = ctx;
    struct walk inner = { 0 };

    w->rows++;
    assert_int_equal(db_int(row, 0), w->rows);
    return db_each(w->db, "SELECT 1 UNION ALL SELECT 2", DB_NO_ARGS, on_row, &inner);
}

static void queries_nest(void **state)
{
    struct walk w = { .db = *state };

    assert_int_equal(db_each(*state, "SELECT 1 UNION ALL SELECT 2", DB_NO_ARGS, again, &w), ERR_OK);
    assert_int_equal(w.rows, 2);
}

static void too_many_arguments(void **state)
{
    autofree struct db_value *many = mem_calloc(30001, sizeof(*many));

    assert_int_equal(db_run(*state, "SELECT 1", many, 30001, NULL), ERR_TOO_BIG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_went),
        TEST(null_reads_as_nothing),
        TEST(arguments_by_number),
        TEST(refused),
        TEST(errors_do_not_quote_values),
        TEST(returning_takes_effect),
        TEST(upsert_reports_its_rows),
        TEST(each_and_one),
        TEST(queries_nest),
        TEST(too_many_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
