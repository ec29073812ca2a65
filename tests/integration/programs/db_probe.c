/* tests/integration/programs/db_probe.c - src/db for a test that kills it.
 *
 *   db_probe URL write     commit pairs of rows forever, printing each number when, and only when, it is
 *                          committed
 *   db_probe URL persist   the same, but a failure is waited out
 *   db_probe URL read      print the numbers there are; a pair of which one half is missing is "torn N"
 */
#include "base/mem.h"
#include "db/db.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const struct db_migration steps[] = {
    { "one", "CREATE TABLE a (n {int} PRIMARY KEY) {strict}; CREATE TABLE b (n {int} PRIMARY KEY) {strict}" },
};

static err_t add_pair(struct db *db, void *ctx)
{
    const int64_t *n = ctx;
    err_t e = db_run(db, "INSERT INTO a (n) VALUES ($1)", DB_ARGS(DB_INT(*n)), NULL);

    return e ? e : db_run(db, "INSERT INTO b (n) VALUES ($1)", DB_ARGS(DB_INT(*n)), NULL);
}

static err_t write_forever(struct db *db, bool persist)
{
    const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
    int64_t n = 0;
    err_t e = db_one_int(db, "SELECT coalesce(max(n), 0) FROM a", DB_NO_ARGS, &n);

    while (!e || persist) {
        if (e)
            (void)nanosleep(&pause, NULL);
        n++;
        e = db_tx(db, add_pair, &n);
        if (!e && (printf("%lld\n", (long long)n) < 0 || fflush(stdout)))
            return ERR_IO;
    }
    return e;
}

static err_t print_row(void *ctx, const struct db_rows *row)
{
    (void)ctx;
    return printf("%s%lld\n", db_is_null(row, 1) ? "torn " : "", (long long)db_int(row, 0)) < 0 ? ERR_IO
                                                                                                : ERR_OK;
}

static err_t read_all(struct db *db)
{
    return db_each(db,
                   "SELECT a.n, b.n FROM a LEFT JOIN b ON a.n = b.n"
                   " UNION SELECT b.n, a.n FROM b LEFT JOIN a ON a.n = b.n ORDER BY 1",
                   DB_NO_ARGS, print_row, NULL);
}

int main(int argc, char **argv)
{
    auto_db struct db *db = NULL;
    char why[DB_WHY_MAX] = "";

    if (argc != 3)
        return 2;
    err_t e = db_open(argv[1], &db, why);
    if (!e)
        e = db_migrate(db, steps, ARRAY_LEN(steps));
    if (!e)
        e = argv[2][0] == 'r' ? read_all(db) : write_forever(db, argv[2][0] == 'p');
    if (e)
        (void)fprintf(stderr, "%s: %s %s\n", err_str(e), why, db ? db_error(db) : "");
    return e != ERR_OK;
}
