/* What is SQLite's own: the file, its mode, its settings, its faults. */
#include "../cm.h"

#include "base/file.h"
#include "db/db.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sedge-test-sqlite-XXXXXX";
static const struct db_migration schema[] = { { "one", "CREATE TABLE t (x {int}) {strict}" } };

static int setup(void **state)
{
    (void)state;
    return !mkdtemp(root);
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(root) != ERR_OK;
}

static char *path_of(const char *name)
{
    return mem_printf("%s/%s", root, name);
}

static char *pragma(struct db *db, const char *sql)
{
    auto_rows struct db_rows *rows = NULL;

    assert_int_equal(db_query(db, sql, DB_NO_ARGS, &rows), ERR_OK);
    assert_int_equal(db_next(rows), ERR_OK);
    return mem_printf("%s", db_str(rows, 0));
}

static int64_t pragma_int(struct db *db, const char *sql)
{
    int64_t n = -1;

    assert_int_equal(db_one_int(db, sql, DB_NO_ARGS, &n), ERR_OK);
    return n;
}

static void what_is_committed_is_there_again(void **state)
{
    autofree char *path = path_of("a.db");
    autofree char *url = mem_printf("sqlite:%s", path);
    struct stat st;

    (void)state;
    (void)umask(0);
    for (int i = 0; i < 3; i++) {
        auto_db struct db *db = NULL;
        assert_int_equal(db_open(i % 2 ? path : url, &db, NULL), ERR_OK);
        assert_int_equal(db_migrate(db, schema, 1), ERR_OK);
        assert_int_equal(pragma_int(db, "SELECT count(*) FROM t"), i);
        assert_int_equal(db_run(db, "INSERT INTO t (x) VALUES (1)", DB_NO_ARGS, NULL), ERR_OK);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); /* whatever the umask */
}

static void settings(void **state)
{
    autofree char *path = path_of("s.db");
    auto_db struct db *db = NULL;

    (void)state;
    assert_int_equal(db_open(path, &db, NULL), ERR_OK);
    autofree char *mode = pragma(db, "PRAGMA journal_mode");
    assert_string_equal(mode, "wal");
    assert_int_equal(pragma_int(db, "PRAGMA synchronous"), 2); /* FULL: NORMAL loses acknowledged commits */
    assert_int_equal(pragma_int(db, "PRAGMA foreign_keys"), 1);
}

static void places_that_do_not_open(void **state)
{
    autofree char *missing = path_of("none/x.db"), *junk = path_of("junk.db"),
                  *empty_name = mem_strdup("sqlite:");
    const struct {
        const char *url;
        err_t want;
        const char *says;
    } cases[] = {
        { missing, ERR_NOT_FOUND, "No such file" },
        { junk, ERR_CORRUPT, "not a database" },
        { empty_name, ERR_NOT_FOUND, "cannot open" },
        { root, ERR_IO, "cannot open" }, /* a folder */
        { "mysql://user:hush@host/db", ERR_UNSUPPORTED, "neither sqlite" },
        { "sqlite3:x", ERR_UNSUPPORTED, "neither sqlite" },
    };
    char block[4096];

    (void)state;
    memset(block, 'x', sizeof(block));
    assert_int_equal(file_write_durable(junk, slice_of(block, sizeof(block)), 0600), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct db *db = (struct db *)state;
        char why[DB_WHY_MAX] = "";
        print_message("  %s\n", cases[i].url);
        assert_int_equal(db_open(cases[i].url, &db, why), cases[i].want);
        assert_ptr_equal(db, state);
        assert_non_null(strstr(why, cases[i].says));
        assert_null(strstr(why, "hush"));
        assert_int_equal(db_open(cases[i].url, &db, NULL), cases[i].want);
    }
    db_close(NULL);
}

/* Another process in the middle of a write: a reader is not disturbed, a reader's snapshot is whole. */
static void a_second_connection(void **state)
{
    autofree char *path = path_of("two.db");
    auto_db struct db *a = NULL, *b = NULL;
    auto_rows struct db_rows *rows = NULL;

    (void)state;
    assert_int_equal(db_open(path, &a, NULL), ERR_OK);
    assert_int_equal(db_migrate(a, schema, 1), ERR_OK);
    assert_int_equal(db_open(path, &b, NULL), ERR_OK);
    assert_int_equal(db_run(a, "INSERT INTO t (x) VALUES (1), (2)", DB_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(db_query(b, "SELECT x FROM t ORDER BY x", DB_NO_ARGS, &rows), ERR_OK);
    assert_int_equal(db_next(rows), ERR_OK);
    assert_int_equal(db_run(a, "DELETE FROM t", DB_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(db_next(rows), ERR_OK);
    assert_int_equal(db_int(rows, 0), 2);
    assert_int_equal(db_next(rows), ERR_EOF);
}

/* The text of an application-defined schema cannot reach what is not safe. */
static void defensive(void **state)
{
    autofree char *path = path_of("d.db");
    auto_db struct db *db = NULL;

    (void)state;
    assert_int_equal(db_open(path, &db, NULL), ERR_OK);
    assert_int_equal(db_run(db, "DELETE FROM sqlite_master", DB_NO_ARGS, NULL), ERR_INVALID);
    assert_int_equal(db_run(db, "CREATE TABLE q (x TEXT CHECK (x <> \"text\"))", DB_NO_ARGS, NULL),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_there_again),
        cmocka_unit_test(settings),
        cmocka_unit_test(places_that_do_not_open),
        cmocka_unit_test(a_second_connection),
        cmocka_unit_test(defensive),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
