/* src/db/db.h - prepared statements, transactions and migrations in the one SQL of docs/db.md.
 *
 * Blocking. One thread owns a struct db and everything that comes from it (the cloud's writer thread);
 * nothing here is locked. Back ends stand behind struct db_ops (db/backend.h): SQLite and PostgreSQL.
 *
 *     err_t e = db_run(db, "INSERT INTO things (name, version) VALUES ($1, $2)"
 *                          " ON CONFLICT (name) DO NOTHING",
 *                      DB_ARGS(DB_TEXT(name), DB_INT(1)), &changed);
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct db; /* opaque */

/* url: "sqlite:PATH", a plain path, "sqlite::memory:" (tests), or "postgresql://..." as libpq takes it. The
 * file is made 0600 when missing, in WAL mode with synchronous=FULL; a PostgreSQL session commits
 * synchronously: what db_tx committed survives power loss. A PostgreSQL server on another host must be asked
 * for with sslmode=verify-full (ERR_DENIED). One that goes away is ERR_UNAVAILABLE and found again by a later
 * call. ERR_UNSUPPORTED: another kind of url; ERR_INVALID, ERR_UNAVAILABLE, ERR_DENIED, ERR_NOT_FOUND (no
 * such folder), ERR_IO, ERR_CORRUPT, ERR_NO_SPACE, ERR_BUSY (another process holds it). why: DB_WHY_MAX bytes
 * for a sentence about the failure, without the url's secrets; may be NULL. */
#define DB_WHY_MAX 512
err_t db_open(const char *url, struct db **ret, char *why);
void db_close(struct db *db); /* NULL is fine; rolls back what is open */
void db_close_ptr(struct db **db);
#define auto_db __attribute__((cleanup(db_close_ptr)))

/* About the last failed call on this handle: for logs. Valid until the next call. */
const char *db_error(const struct db *db);

/* One step of the schema; SQL text of one or more statements with ';' between, in which {int} {text}
 * {blob} {id} stand for the back end's types and {strict} for what a CREATE TABLE ends with. */
struct db_migration {
    const char *name; /* recorded; a step that was applied is never applied again */
    const char *sql;
};
/* Apply those not yet applied, in order, each in a transaction of its own.
 * ERR_CORRUPT: the data was written by a newer program (it records a step that is not in the list, or in
 * another order); ERR_INVALID: SQL refused. */
err_t db_migrate(struct db *db, const struct db_migration *steps, size_t count);

enum db_type { DB_TYPE_NULL, DB_TYPE_INT, DB_TYPE_TEXT, DB_TYPE_BLOB };

/* An argument for $1, $2, ... Borrowed for the call. */
struct db_value {
    enum db_type type;
    int64_t i;
    struct slice s;
};

#define DB_NULL ((struct db_value){ .type = DB_TYPE_NULL })
#define DB_INT(v) ((struct db_value){ .type = DB_TYPE_INT, .i = (v) })
#define DB_BLOB(v) ((struct db_value){ .type = DB_TYPE_BLOB, .s = (v) })
#define DB_SLICE(v) ((struct db_value){ .type = DB_TYPE_TEXT, .s = (v) }) /* text in a slice */
/* Text in a C string; NULL gives SQL NULL. */
static inline struct db_value DB_TEXT(const char *s) {
    return (struct db_value){ .type = s ? DB_TYPE_TEXT : DB_TYPE_NULL, .s = slice_str(s) };
}

/* The two parameters (values, count) of the calls below. */
#define DB_ARGS(...)                          \
    (const struct db_value[]){ __VA_ARGS__ }, \
        sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)
#define DB_NO_ARGS NULL, 0

/* Run a statement that gives no rows (rows are ignored). Statements are prepared once per text and kept.
 * ret_changed: rows inserted, updated or deleted; may be NULL.
 * ERR_INVALID: text that is not UTF-8 or holds U+0000, wrong SQL, wrong number of arguments;
 * ERR_EXISTS: a unique or primary key; ERR_CONFLICT: another constraint (foreign key, CHECK, NOT NULL);
 * ERR_NO_SPACE, ERR_BUSY, ERR_IO, ERR_CORRUPT, ERR_NOMEM. Inside db_tx any failure ends the transaction. */
err_t db_run(struct db *db, const char *sql, const struct db_value *args, size_t count, int64_t *ret_changed);

/* Run a query step by step:
 *     struct db_rows *rows = NULL;
 *     err_t e = db_query(db, sql, DB_ARGS(...), &rows);
 *     while (!e && !(e = db_next(rows)))
 *         ... db_int(rows, 0), db_text(rows, 1) ...
 *     db_rows_free(rows);
 *     if (e != ERR_EOF) return e;
 */
struct db_rows;
err_t db_query(struct db *db, const char *sql, const struct db_value *args, size_t count,
               struct db_rows **ret);
err_t db_next(struct db_rows *rows); /* ERR_OK: a row; ERR_EOF: no more; else as db_run */
void db_rows_free(struct db_rows *rows);
void db_rows_free_ptr(struct db_rows **rows);
#define auto_rows __attribute__((cleanup(db_rows_free_ptr)))

/* Columns of the current row, from 0. NULL reads as 0 or the empty slice; db_is_null tells. A column of
 * another type is our own bug (assert). Slices are followed by a NUL and die with db_next or db_rows_free. */
bool db_is_null(const struct db_rows *rows, int col);
int64_t db_int(const struct db_rows *rows, int col);
struct slice db_text(const struct db_rows *rows, int col);
const char *db_str(const struct db_rows *rows, int col); /* text as C string; NULL for SQL NULL */
struct slice db_blob(const struct db_rows *rows, int col);

/* The same with a call per row; fn returns ERR_OK to go on, anything else ends the query with it. */
typedef err_t (*db_row_fn)(void *ctx, const struct db_rows *row);
err_t db_each(struct db *db, const char *sql, const struct db_value *args, size_t count, db_row_fn fn,
              void *ctx);
/* Exactly the first row, if there is one: fn is called at most once. ERR_NOT_FOUND when there is none. */
err_t db_one(struct db *db, const char *sql, const struct db_value *args, size_t count, db_row_fn fn,
             void *ctx);
/* One integer of one row (a count, a RETURNING id). ERR_NOT_FOUND. */
err_t db_one_int(struct db *db, const char *sql, const struct db_value *args, size_t count, int64_t *ret);

/* Run fn in a transaction: commit when it returns ERR_OK (then, and only then, db_tx returns ERR_OK and the
 * data is durable), otherwise roll back and return its error. fn MAY RUN TWICE (a busy database, a
 * serialisation failure): it must not keep results of an attempt, and does no I/O of its own. Transactions do
 * not nest: ERR_WRONG_STATE. */
typedef err_t (*db_tx_fn)(struct db *db, void *ctx);
err_t db_tx(struct db *db, db_tx_fn fn, void *ctx);

/* Inside db_tx: run fn so that its failure undoes what fn did and nothing else. ERR_OK: the transaction
 * stands, *ret_part is what fn (or a statement of it) came to. Otherwise the whole transaction is lost (a
 * conflict with another one, a full disk): return the error from the db_tx callback, which rolls back or
 * tries again. Parts do not nest. ERR_WRONG_STATE outside db_tx. */
err_t db_tx_part(struct db *db, db_tx_fn fn, void *ctx, err_t *ret_part);

/* From here on this handle only reads: a statement that would write fails (ERR_DENIED), and a transaction
 * sees one snapshot of the data and waits for no writer. */
err_t db_read_only(struct db *db);

/* Copy the SQLite database at `from` as it is at one moment into the new file `to` (0600), also while others
 * write to it: they do not wait. ERR_EXISTS: `to` is there; others as db_open. why: DB_WHY_MAX bytes. */
err_t db_sqlite_copy(const char *from, const char *to, char *why);
/* Is the SQLite database at `path` whole? ERR_CORRUPT. */
err_t db_sqlite_check(const char *path, char *why);
