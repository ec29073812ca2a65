#include "base/file.h"
#include "base/mem.h"
#include "db/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sqlite {
    struct db db; /* first */
    sqlite3 *conn;
};

struct sqlite_stmt {
    struct db_stmt st; /* first */
    sqlite3_stmt *raw;
};

#define BUSY_MS 5000

static sqlite3 *conn_of(const struct db *db)
{
    return ((const struct sqlite *)db)->conn;
}

static sqlite3_stmt *raw_of(const struct db_stmt *st)
{
    return ((const struct sqlite_stmt *)st)->raw;
}

/* --- result codes ------------------------------------------------------------------------------- */

static err_t err_from_constraint(int extended)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_EXISTS;
    case SQLITE_CONSTRAINT_DATATYPE: /* a STRICT column of another type */
        return ERR_INVALID;
    default:
        return ERR_CONFLICT;
    }
}

static err_t err_from_sqlite(int extended, int system_errno)
{
    switch (extended & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_DONE:
        return ERR_EOF;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_IOERR: /* a failed fsync or shared-memory file reports a full disk this way */
        return system_errno == ENOSPC || system_errno == EDQUOT ? ERR_NO_SPACE : ERR_IO;
    case SQLITE_CONSTRAINT:
        return err_from_constraint(extended);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_CANTOPEN:
        return system_errno ? file_err(system_errno) : ERR_IO;
    case SQLITE_TOOBIG:
        return ERR_TOO_BIG;
    default: /* SQLITE_ERROR, MISMATCH, RANGE, MISUSE: the statement is wrong */
        return ERR_INVALID;
    }
}

static err_t fail(struct db *db, int rc, const char *sql)
{
    sqlite3 *conn = conn_of(db);
    err_t e = err_from_sqlite(rc, sqlite3_system_errno(conn));

    return db_fail(db, e, "%s (SQLite %d) in: %.200s", sqlite3_errmsg(conn), rc, sql);
}

/* --- statements --------------------------------------------------------------------------------- */

static err_t exec_sql(struct db *db, const char *sql)
{
    int rc = sqlite3_exec(conn_of(db), sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : fail(db, rc, sql);
}

static void finalize(struct db_stmt *st)
{
    (void)sqlite3_finalize(raw_of(st)); /* repeats the error of the last step */
    free(st->sql);
    free(st);
}

static err_t prepare(struct db *db, const char *sql, struct db_stmt **ret)
{
    struct sqlite_stmt *st = mem_calloc(1, sizeof(*st));
    const char *tail = NULL;

    if (!st || !(st->st.sql = mem_strdup(sql))) {
        free(st);
        return db_fail(db, ERR_NOMEM, "out of memory");
    }
    st->st.db = db;
    int rc = sqlite3_prepare_v3(conn_of(db), sql, -1, SQLITE_PREPARE_PERSISTENT, &st->raw, &tail);
    if (rc != SQLITE_OK || !st->raw || !db_only_blanks(tail)) {
        err_t e = rc != SQLITE_OK ? fail(db, rc, sql)
                                  : db_fail(db, ERR_INVALID, "not exactly one statement: %.200s", sql);
        finalize(&st->st);
        return e;
    }
    *ret = &st->st;
    return ERR_OK;
}

static int bind_value(sqlite3_stmt *raw, int at, const struct db_value *v)
{
    /* A NULL pointer would bind SQL NULL; empty text and blobs are values. */
    const void *bytes = v->s.n ? (const void *)v->s.p : "";

    switch (v->type) {
    case DB_TYPE_INT:
        return sqlite3_bind_int64(raw, at, v->i);
    case DB_TYPE_TEXT:
        return sqlite3_bind_text64(raw, at, bytes, v->s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    case DB_TYPE_BLOB:
        return sqlite3_bind_blob64(raw, at, bytes, v->s.n, SQLITE_TRANSIENT);
    default:
        return sqlite3_bind_null(raw, at);
    }
}

/* $n is a name to SQLite, numbered in order of appearance. */
static err_t bind(struct db_stmt *st, const struct db_value *args, size_t count)
{
    sqlite3_stmt *raw = raw_of(st);
    char name[24];

    if ((size_t)sqlite3_bind_parameter_count(raw) != count)
        return db_fail(st->db, ERR_INVALID, "%zu arguments for %d parameters: %.200s", count,
                       sqlite3_bind_parameter_count(raw), st->sql);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "$%zu", i + 1);
        int at = sqlite3_bind_parameter_index(raw, name);
        if (at == 0)
            return db_fail(st->db, ERR_INVALID, "no parameter %s: %.200s", name, st->sql);
        int rc = bind_value(raw, at, &args[i]);
        if (rc != SQLITE_OK)
            return fail(st->db, rc, st->sql);
    }
    return ERR_OK;
}

static err_t step(struct db_stmt *st)
{
    int rc = sqlite3_step(raw_of(st));

    if (rc == SQLITE_ROW)
        return ERR_OK;
    return rc == SQLITE_DONE ? ERR_EOF : fail(st->db, rc, st->sql);
}

static void reset(struct db_stmt *st)
{
    (void)sqlite3_reset(raw_of(st)); /* repeats the error of the last step */
    (void)sqlite3_clear_bindings(raw_of(st));
}

static int64_t changed(const struct db *db)
{
    return sqlite3_changes64(conn_of(db));
}

static bool tx_open(const struct db *db)
{
    return !sqlite3_get_autocommit(conn_of(db));
}

static enum db_type col_type(const struct db_stmt *st, int col)
{
    switch (sqlite3_column_type(raw_of(st), col)) {
    case SQLITE_INTEGER:
        return DB_TYPE_INT;
    case SQLITE_TEXT:
        return DB_TYPE_TEXT;
    case SQLITE_BLOB:
        return DB_TYPE_BLOB;
    default: /* NULL; a float cannot come out of our SQL (sql.md rule 8) */
        return DB_TYPE_NULL;
    }
}

static int64_t col_int(const struct db_stmt *st, int col)
{
    return sqlite3_column_int64(raw_of(st), col);
}

static struct slice col_bytes(const struct db_stmt *st, int col)
{
    sqlite3_stmt *raw = raw_of(st);
    const void *p = sqlite3_column_type(raw, col) == SQLITE_TEXT ? (const void *)sqlite3_column_text(raw, col)
                                                                 : sqlite3_column_blob(raw, col);
    int n = sqlite3_column_bytes(raw, col);

    return slice_of(p ? p : "", (size_t)n);
}

/* --- opening ------------------------------------------------------------------------------------ */

static void close_db(struct db *db)
{
    struct sqlite *s = (struct sqlite *)db;

    (void)sqlite3_close(s->conn); /* its statements are gone, so it cannot be busy */
    free(s);
}

static const struct db_ops ops = {
    .type_int = "INTEGER",
    .type_text = "TEXT",
    .type_blob = "BLOB",
    .type_id = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .strict = "STRICT",
    .begin = "BEGIN IMMEDIATE",
    .begin_read = "BEGIN DEFERRED",
    .read_only = "PRAGMA query_only=ON",
    .close = close_db,
    .exec = exec_sql,
    .prepare = prepare,
    .finalize = finalize,
    .bind = bind,
    .step = step,
    .reset = reset,
    .changed = changed,
    .tx_open = tx_open,
    .col_type = col_type,
    .col_int = col_int,
    .col_bytes = col_bytes,
};

/* SQLite would make the file with the process's umask, and not fsync the folder that names it. */
static err_t create_file(const char *path)
{
    autoclose int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0)
        return file_sync_parent(path);
    return errno == EEXIST ? ERR_OK : file_err(errno);
}

static err_t configure(struct sqlite *s)
{
    static const struct {
        int option, value;
    } options[] = {
        { SQLITE_DBCONFIG_DQS_DDL, 0 }, /* sql.md rule 7: "x" is never a string */
        { SQLITE_DBCONFIG_DQS_DML, 0 },        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 }, { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (sqlite3_db_config(s->conn, options[i].option, options[i].value, NULL) != SQLITE_OK)
            return db_fail(&s->db, ERR_UNSUPPORTED, "SQLite lacks option %d", options[i].option);
    (void)sqlite3_busy_timeout(s->conn, BUSY_MS);
    /* NORMAL would lose acknowledged commits at power loss. */
    return exec_sql(&s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
}

static err_t open_conn(struct sqlite *s, const char *path)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, &s->conn, flags, NULL);

    if (!s->conn)
        return db_fail(&s->db, ERR_NOMEM, "out of memory");
    return rc == SQLITE_OK ? configure(s) : fail(&s->db, rc, "open");
}

err_t db_sqlite_open(const char *path, struct db **ret, char *why)
{
    struct sqlite *s = mem_calloc(1, sizeof(*s));
    err_t e = s ? ERR_OK : ERR_NOMEM;

    if (!e)
        s->db.ops = &ops;
    if (!e && strcmp(path, ":memory:") != 0 && (e = create_file(path)))
        (void)db_fail(&s->db, e, "%s", strerror(errno));
    if (!e)
        e = open_conn(s, path);
    if (e) {
        if (why)
            (void)snprintf(why, DB_WHY_MAX, "cannot open the database %.150s: %.300s", path,
                           s ? s->db.error : "out of memory");
        if (s)
            close_db(&s->db);
        return e;
    }
    *ret = &s->db;
    return ERR_OK;
}

/* ---- copies ---- */

/* All pages in one step: a reader of a WAL sees one moment, and keeps no writer waiting. */
static int copy_pages(sqlite3 *to, sqlite3 *from)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc = b ? sqlite3_backup_step(b, -1) : sqlite3_errcode(to);

    if (b && sqlite3_backup_finish(b) != SQLITE_OK && rc == SQLITE_DONE)
        rc = sqlite3_errcode(to);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

err_t db_sqlite_copy(const char *from, const char *to, char *why)
{
    struct db *source = NULL;
    sqlite3 *target = NULL;
    err_t e = db_sqlite_open(from, &source, why);
    int rc;

    if (e)
        return e;
    if (access(to, F_OK) == 0)
        e = ERR_EXISTS;
    if (!e && !(e = create_file(to))) {
        rc = sqlite3_open_v2(to, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
        rc = rc == SQLITE_OK ? copy_pages(target, ((struct sqlite *)source)->conn) : rc;
        if (rc != SQLITE_OK)
            e = fail(source, rc, "copy");
        (void)sqlite3_close(target);
    }
    if (e && why)
        (void)snprintf(why, DB_WHY_MAX, "cannot copy the database %.150s to %.150s: %s", from, to,
                       err_str(e));
    db_close(source);
    return e;
}

static err_t check_row(void *ctx, const struct db_rows *row)
{
    (void)ctx;
    return strcmp(db_str(row, 0), "ok") == 0 ? ERR_OK : ERR_CORRUPT;
}

err_t db_sqlite_check(const char *path, char *why)
{
    struct db *db = NULL;
    err_t e = db_sqlite_open(path, &db, why);

    if (e)
        return e;
    e = db_one(db, "PRAGMA quick_check(1)", DB_NO_ARGS, check_row, NULL);
    if (e && why)
        (void)snprintf(why, DB_WHY_MAX, "the database %.150s is not whole: %s", path, err_str(e));
    db_close(db);
    return e;
}
