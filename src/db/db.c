#include "db/db.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "db/backend.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DB_ARGS_MAX 30000 /* sql.md rule 11 */

struct db_rows {
    struct db_stmt *st;
    bool on_row;
};

err_t db_fail(struct db *db, err_t e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(db->error, sizeof(db->error), fmt, ap);
    va_end(ap);
    if (db->in_tx && !db->tx_failed)
        db->tx_failed = e;
    return e;
}

err_t db_open(const char *url, struct db **ret, char *why)
{
    const char *colon = strchr(url, ':');
    const char *slash = strchr(url, '/');

    if (strncmp(url, "sqlite:", 7) == 0)
        return db_sqlite_open(url + 7, ret, why);
    if (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0)
        return db_postgres_open(url, ret, why);
    if (!colon || (slash && slash < colon))
        return db_sqlite_open(url, ret, why);
    if (why)
        (void)snprintf(why, DB_WHY_MAX,
                       "cannot open the database \"%.*s:...\": it is neither sqlite:PATH nor"
                       " postgresql://...",
                       (int)(colon - url), url); /* the rest may hold a password */
    return ERR_UNSUPPORTED;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_cache_clear(db);
    db->ops->close(db);
}

void db_close_ptr(struct db **db)
{
    db_close(*db);
}

const char *db_error(const struct db *db)
{
    return db->error;
}

/* --- statements --------------------------------------------------------------------------------- */

static err_t check_args(struct db *db, const struct db_value *args, size_t count)
{
    if (count > DB_ARGS_MAX)
        return db_fail(db, ERR_TOO_BIG, "over %d arguments", DB_ARGS_MAX);
    for (size_t i = 0; i < count; i++)
        if (args[i].type == DB_TYPE_TEXT && !utf8_valid_no_nul(args[i].s))
            return db_fail(db, ERR_INVALID, "argument $%zu is not UTF-8 text without U+0000", i + 1);
    return ERR_OK;
}

static err_t start(struct db *db, const char *sql, const struct db_value *args, size_t count,
                   struct db_stmt **ret)
{
    struct db_stmt *st;

    /* PostgreSQL refuses everything after a failure inside a transaction; so do we, everywhere. */
    if (db->in_tx && db->tx_failed)
        return ERR_WRONG_STATE;
    err_t e = check_args(db, args, count);
    if (e || (e = db_stmt_acquire(db, sql, &st)))
        return e;
    if ((e = db->ops->bind(st, args, count))) {
        db_stmt_release(st);
        return e;
    }
    *ret = st;
    return ERR_OK;
}

err_t db_run(struct db *db, const char *sql, const struct db_value *args, size_t count, int64_t *ret_changed)
{
    struct db_stmt *st;
    err_t e = start(db, sql, args, count, &st);

    if (e)
        return e;
    do /* a RETURNING must be stepped to its end to take effect as a whole */
        e = db->ops->step(st);
    while (!e);
    if (e == ERR_EOF && ret_changed)
        *ret_changed = db->ops->changed(db);
    db_stmt_release(st);
    return e == ERR_EOF ? ERR_OK : e;
}

err_t db_query(struct db *db, const char *sql, const struct db_value *args, size_t count,
               struct db_rows **ret)
{
    autofree struct db_rows *rows = mem_calloc(1, sizeof(*rows));
    err_t e = rows ? start(db, sql, args, count, &rows->st) : ERR_NOMEM;

    if (!e)
        *ret = steal(&rows);
    return e;
}

err_t db_next(struct db_rows *rows)
{
    err_t e = rows->st->db->ops->step(rows->st);

    rows->on_row = !e;
    return e;
}

void db_rows_free(struct db_rows *rows)
{
    if (!rows)
        return;
    db_stmt_release(rows->st);
    free(rows);
}

void db_rows_free_ptr(struct db_rows **rows)
{
    db_rows_free(*rows);
}

/* --- columns ------------------------------------------------------------------------------------ */

/* The column's type, which must be `want` or NULL. */
static bool has_value(const struct db_rows *rows, int col, enum db_type want)
{
    assert(rows->on_row);
    enum db_type type = rows->st->db->ops->col_type(rows->st, col);
    assert(type == want || type == DB_TYPE_NULL);
    return type == want;
}

bool db_is_null(const struct db_rows *rows, int col)
{
    assert(rows->on_row);
    return rows->st->db->ops->col_type(rows->st, col) == DB_TYPE_NULL;
}

int64_t db_int(const struct db_rows *rows, int col)
{
    return has_value(rows, col, DB_TYPE_INT) ? rows->st->db->ops->col_int(rows->st, col) : 0;
}

struct slice db_text(const struct db_rows *rows, int col)
{
    if (!has_value(rows, col, DB_TYPE_TEXT))
        return (struct slice){ (const uint8_t *)"", 0 };
    return rows->st->db->ops->col_bytes(rows->st, col);
}

const char *db_str(const struct db_rows *rows, int col)
{
    return has_value(rows, col, DB_TYPE_TEXT) ? (const char *)rows->st->db->ops->col_bytes(rows->st, col).p
                                              : NULL;
}

struct slice db_blob(const struct db_rows *rows, int col)
{
    if (!has_value(rows, col, DB_TYPE_BLOB))
        return (struct slice){ (const uint8_t *)"", 0 };
    return rows->st->db->ops->col_bytes(rows->st, col);
}

/* --- conveniences ------------------------------------------------------------------------------- */

err_t db_each(struct db *db, const char *sql, const struct db_value *args, size_t count, db_row_fn fn,
              void *ctx)
{
    auto_rows struct db_rows *rows = NULL;
    err_t e = db_query(db, sql, args, count, &rows);

    if (e)
        return e;
    while (!(e = db_next(rows)))
        if ((e = fn(ctx, rows)))
            return e;
    return e == ERR_EOF ? ERR_OK : e;
}

err_t db_one(struct db *db, const char *sql, const struct db_value *args, size_t count, db_row_fn fn,
             void *ctx)
{
    auto_rows struct db_rows *rows = NULL;
    err_t e = db_query(db, sql, args, count, &rows);

    if (!e)
        e = db_next(rows);
    if (e)
        return e == ERR_EOF ? ERR_NOT_FOUND : e;
    return fn(ctx, rows);
}

static err_t take_int(void *ctx, const struct db_rows *row)
{
    int64_t *ret = ctx;

    *ret = db_int(row, 0);
    return ERR_OK;
}

err_t db_one_int(struct db *db, const char *sql, const struct db_value *args, size_t count, int64_t *ret)
{
    return db_one(db, sql, args, count, take_int, ret);
}
