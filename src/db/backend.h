/* src/db/backend.h - what a database engine does for src/db. For the files of this room only.
 *
 * An engine embeds struct db and struct db_stmt first in its own, so that the rooms above see neither. The
 * rules that hold for every engine (text is UTF-8, a failed statement ends its transaction, statements are
 * kept by their text) are kept by db.c, tx.c and cache.c, once.
 */
#pragma once
#include "db/db.h"

#include <string.h>

#define DB_CACHE_MAX 256

struct db_ops;

/* A prepared statement. */
struct db_stmt {
    struct db *db;
    char *sql;   /* owned */
    bool busy;   /* a query is stepping through it */
    bool cached; /* otherwise it is finalized when the query ends */
};

struct db {
    const struct db_ops *ops;
    struct db_stmt *cache[DB_CACHE_MAX]; /* most recently used first */
    size_t cached;
    bool in_tx;
    bool read_only;
    err_t tx_failed; /* the first failure inside the transaction */
    char error[DB_WHY_MAX];
};

struct db_ops {
    /* What the tokens of a migration become. */
    const char *type_int, *type_text, *type_blob, *type_id, *strict;
    const char *begin;      /* a transaction that will write */
    const char *begin_read; /* one that reads a snapshot */
    const char *read_only;  /* makes a connection refuse to write */
    const char *migrating,
        *migrated; /* around migrations, so that one program at a time does them; or NULL */

    void (*close)(struct db *db);                  /* frees db */
    err_t (*exec)(struct db *db, const char *sql); /* several statements, no arguments, no rows */
    err_t (*prepare)(struct db *db, const char *sql, struct db_stmt **ret); /* exactly one statement */
    void (*finalize)(struct db_stmt *st);
    err_t (*bind)(struct db_stmt *st, const struct db_value *args, size_t count);
    err_t (*step)(struct db_stmt *st);       /* ERR_OK: a row; ERR_EOF: done */
    void (*reset)(struct db_stmt *st);       /* also forgets the arguments */
    int64_t (*changed)(const struct db *db); /* rows the last statement changed */
    bool (*tx_open)(const struct db *db);    /* does the engine still have the transaction? */

    enum db_type (*col_type)(const struct db_stmt *st, int col);
    int64_t (*col_int)(const struct db_stmt *st, int col);
    struct slice (*col_bytes)(const struct db_stmt *st, int col); /* text or blob, a NUL behind */
};

/* cache.c: a statement for `sql`, not busy; it is marked busy. Give it back with db_stmt_release. */
err_t db_stmt_acquire(struct db *db, const char *sql, struct db_stmt **ret);
void db_stmt_release(struct db_stmt *st);
void db_cache_clear(struct db *db);

/* Nothing but what may stand behind a statement? */
static inline bool db_only_blanks(const char *sql)
{
    return sql[strspn(sql, " \t\r\n;")] == 0;
}

/* Set db_error's text; returns e and, inside a transaction, marks it as failed. */
err_t db_fail(struct db *db, err_t e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* sqlite.c, postgres.c. why as in db_open. */
err_t db_sqlite_open(const char *path, struct db **ret, char *why);
err_t db_postgres_open(const char *url, struct db **ret, char *why);
