#include "../cm.h"

#include "fixture.h"

#include <string.h>

static const struct db_migration good[] = {
    { "first", "CREATE TABLE a (x {int} UNIQUE, y {text}, z {blob}, w {int} DEFAULT 3) {strict}" },
    { "second",
      "CREATE TABLE b (id {id}, x {int} REFERENCES a (x)) {strict}; CREATE INDEX b_by_x ON b (x);" },
    { "third", "ALTER TABLE a ADD COLUMN v {int}" },
};

static struct db *open_memory(void)
{
    struct db *db = NULL;

    assert_int_equal(empty_database(&db), ERR_OK);
    return db;
}

static int64_t tables(struct db *db)
{
    const char *sql =
        on_postgres() ? "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
                        " AND tablename IN ('a', 'b', 'c')"
                      : "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('a', 'b', 'c')";
    int64_t n = -1;

    assert_int_equal(db_one_int(db, sql, DB_NO_ARGS, &n), ERR_OK);
    return n;
}

/* However many steps were applied before, the rest follows, and a second run does nothing. */
static void from_every_stage(void **state)
{
    (void)state;
    for (size_t n = 0; n <= ARRAY_LEN(good); n++) {
        auto_db struct db *db = open_memory();
        assert_int_equal(db_migrate(db, good, n), ERR_OK);
        assert_int_equal(db_migrate(db, good, ARRAY_LEN(good)), ERR_OK);
        assert_int_equal(db_migrate(db, good, ARRAY_LEN(good)), ERR_OK);
        assert_int_equal(tables(db), 2);
        assert_int_equal(db_run(db, "INSERT INTO a (v, x) VALUES (1, 2)", DB_NO_ARGS, NULL), ERR_OK);
        /* {strict} was honoured */
        assert_int_equal(db_run(db, "INSERT INTO a (x) VALUES ('text')", DB_NO_ARGS, NULL), ERR_INVALID);
    }
}

/* A step that fails in its second statement leaves nothing of its first. */
static void a_step_is_a_transaction(void **state)
{
    const struct db_migration steps[] = {
        good[0],
        { "broken", "CREATE TABLE c (x {int}) {strict}; CREATE TABLE a (x {int}) {strict}" },
        good[1],
    };
    auto_db struct db *db = open_memory();

    (void)state;
    assert_int_equal(db_migrate(db, steps, ARRAY_LEN(steps)), ERR_INVALID);
    assert_int_equal(tables(db), 1);
    assert_int_equal(db_migrate(db, good, ARRAY_LEN(good)), ERR_OK);
    assert_int_equal(tables(db), 2);
}

static void another_programs_data(void **state)
{
    const struct db_migration other[] = { good[0], { "else", "CREATE TABLE b (x {int}) {strict}" } };
    auto_db struct db *db = open_memory();

    (void)state;
    assert_int_equal(db_migrate(db, good, 2), ERR_OK);
    assert_int_equal(db_migrate(db, good, 1), ERR_CORRUPT); /* an older program */
    assert_non_null(strstr(db_error(db), "\"second\""));
    assert_int_equal(db_migrate(db, other, 2), ERR_CORRUPT);
    assert_int_equal(db_migrate(db, good, 3), ERR_OK); /* nothing was harmed */
}

static void unknown_tokens(void **state)
{
    static const char *const sql[] = { "CREATE TABLE a (x {bool})", "CREATE TABLE a (x {int)", "{", "{}" };
    auto_db struct db *db = open_memory();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        const struct db_migration step = { "s", sql[i] };
        assert_int_equal(db_migrate(db, &step, 1), ERR_INVALID);
        assert_non_null(strstr(db_error(db), "unknown token"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_every_stage),
        cmocka_unit_test(a_step_is_a_transaction),
        cmocka_unit_test(another_programs_data),
        cmocka_unit_test(unknown_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
