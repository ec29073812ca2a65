#include "../cm.h"

#include "db/backend.h"
#include "fixture.h"

#include <stdio.h>

static void use(struct db *db, int i)
{
    char sql[40];
    int64_t n;

    (void)snprintf(sql, sizeof(sql), "SELECT %d", i);
    assert_int_equal(db_one_int(db, sql, DB_NO_ARGS, &n), ERR_OK);
    assert_int_equal(n, i);
}

/* Far more texts than there is room for: the cache stays at its size, and every statement still works. */
static void bounded(void **state)
{
    for (int i = 0; i < DB_CACHE_MAX * 2; i++)
        use(*state, i);
    struct db *db = *state;
    assert_int_equal(db->cached, DB_CACHE_MAX);
    use(*state, 0);
    use(*state, DB_CACHE_MAX * 2 - 1);
}

static void what_was_used_last_stays(void **state)
{
    struct db *db = *state;

    use(db, 7);
    struct db_stmt *seven = db->cache[0];
    for (int i = 100; i < 100 + DB_CACHE_MAX * 2; i++) {
        use(db, i);
        use(db, 7);
        assert_ptr_equal(db->cache[0], seven);
    }
}

/* More open queries than there is room for: those above it are finalized when they end. */
static void all_busy(void **state)
{
    struct db *db = *state;
    static struct db_rows *rows[DB_CACHE_MAX + 10];
    char sql[40];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(sql, sizeof(sql), "SELECT %zu", i);
        assert_int_equal(db_query(db, sql, DB_NO_ARGS, &rows[i]), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(db_next(rows[i]), ERR_OK);
        assert_int_equal(db_int(rows[i], 0), i);
        db_rows_free(rows[i]);
    }
    assert_int_equal(db->cached, DB_CACHE_MAX);
    db_rows_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(bounded), TEST(what_was_used_last_stays), TEST(all_busy) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
