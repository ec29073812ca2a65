#include "base/mem.h"
#include "base/reader.h"
#include "db/backend.h"

#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS "5000"

/* What a bytea, an integer and a boolean are called on the wire (pg_type.dat); everything else we select is
 * text. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_VARCHAR = 1043
};

static const struct {
    Oid oid;
    enum db_type type;
} column_types[] = {
    { OID_TEXT, DB_TYPE_TEXT },    { OID_INT8, DB_TYPE_INT },  { OID_BYTEA, DB_TYPE_BLOB },
    { OID_INT4, DB_TYPE_INT },     { OID_INT2, DB_TYPE_INT },  { OID_BOOL, DB_TYPE_INT },
    { OID_VARCHAR, DB_TYPE_TEXT }, { OID_NAME, DB_TYPE_TEXT },
};

struct postgres {
    struct db db; /* first */
    PGconn *conn;
    unsigned connection; /* counts reconnects: statements prepared on an earlier one are gone */
    unsigned long names; /* for prepared statements */
    int64_t changed;
};

struct postgres_stmt {
    struct db_stmt st; /* first */
    char name[32];     /* on the server */
    unsigned connection;
    size_t parameters;
    /* bound: */
    const char **values;
    int *lengths, *formats;
    char (*ints)[24];
    size_t bound;
    /* the answer, whole */
    PGresult *rows;
    int row;
};

static struct postgres *postgres_of(const struct db *db)
{
    return (struct postgres *)(uintptr_t)db;
}

static struct postgres_stmt *stmt_of(const struct db_stmt *st)
{
    return (struct postgres_stmt *)(uintptr_t)st;
}

static void result_free(PGresult **r)
{
    PQclear(*r); /* NULL is fine */
}
#define auto_result __attribute__((cleanup(result_free)))

/* --- result codes ------------------------------------------------------------------------------- */

/* SQLSTATE: a whole code or a class of two characters (PostgreSQL manual, appendix A). First match counts. */
static const struct {
    const char *state;
    err_t e;
} states[] = {
    { "23505", ERR_EXISTS },      /* unique_violation */
    { "23", ERR_CONFLICT },       /* integrity constraints */
    { "40001", ERR_BUSY },        /* serialization_failure */
    { "40P01", ERR_BUSY },        /* deadlock_detected */
    { "55P03", ERR_BUSY },        /* lock_not_available */
    { "53100", ERR_NO_SPACE },    /* disk_full */
    { "53200", ERR_NOMEM },       /* out_of_memory */
    { "53300", ERR_UNAVAILABLE }, /* too_many_connections */
    { "54", ERR_TOO_BIG },        /* program limits */
    { "25006", ERR_DENIED },      /* read_only_sql_transaction */
    { "42501", ERR_DENIED },      /* insufficient_privilege */
    { "28", ERR_DENIED },         /* authorization */
    { "3D000", ERR_NOT_FOUND },   /* no such database */
    { "08", ERR_UNAVAILABLE },    /* connection */
    { "57P", ERR_UNAVAILABLE },   /* the server is shut down, starting */
    { "58", ERR_IO },             /* system errors */
    { "XX001", ERR_CORRUPT },
    { "XX002", ERR_CORRUPT },
};

static err_t err_from_state(const char *state)
{
    for (size_t i = 0; state && i < ARRAY_LEN(states); i++) {
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
            return states[i].e;
    }
    return state ? ERR_INVALID : ERR_UNAVAILABLE; /* no state: libpq lost the server */
}

/* The server's primary message alone: its details quote values. */
static err_t fail(struct db *db, const PGresult *r, const char *sql)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

    if (!text)
        text = "the connection to PostgreSQL is lost";
    return db_fail(db, err_from_state(state), "%s (PostgreSQL %s) in: %.200s", text, state ? state : "-",
                   sql);
}

static bool good(const PGresult *r)
{
    ExecStatusType s = PQresultStatus(r);

    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_EMPTY_QUERY;
}

/* --- the connection ----------------------------------------------------------------------------- */

/* Durable commits whatever the server's default, times as waiting for SQLite, notices not on our stderr. */
static const char settings[] = "SET synchronous_commit = on; SET lock_timeout = " BUSY_MS
                               "; SET client_min_messages = warning; SET standard_conforming_strings = on";

static err_t exec_raw(struct db *db, const char *sql)
{
    auto_result PGresult *r = PQexec(postgres_of(db)->conn, sql);

    return good(r) ? ERR_OK : fail(db, r, sql);
}

static void no_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

static err_t prepare_connection(struct postgres *p)
{
    (void)PQsetNoticeReceiver(p->conn, no_notice, NULL);
    p->connection++;
    err_t e = exec_raw(&p->db, settings);
    return !e && p->db.read_only ? exec_raw(&p->db, p->db.ops->read_only) : e;
}

/* A server that was restarted is found again between transactions; inside one, the transaction is lost. */
static err_t connected(struct db *db)
{
    struct postgres *p = postgres_of(db);

    if (PQstatus(p->conn) == CONNECTION_OK)
        return ERR_OK;
    if (db->in_tx)
        return db_fail(db, ERR_UNAVAILABLE, "the connection to PostgreSQL was lost inside a transaction");
    PQreset(p->conn);
    if (PQstatus(p->conn) != CONNECTION_OK)
        return db_fail(db, ERR_UNAVAILABLE, "PostgreSQL cannot be reached: %.400s", PQerrorMessage(p->conn));
    return prepare_connection(p);
}

static err_t exec_sql(struct db *db, const char *sql)
{
    err_t e = connected(db);

    return e ? e : exec_raw(db, sql);
}

/* --- statements --------------------------------------------------------------------------------- */

static err_t prepare_on_server(struct postgres *p, struct postgres_stmt *st)
{
    (void)snprintf(st->name, sizeof(st->name), "s%lu", ++p->names);
    auto_result PGresult *r = PQprepare(p->conn, st->name, st->st.sql, 0, NULL);
    if (!good(r))
        return fail(&p->db, r, st->st.sql);
    auto_result PGresult *d = PQdescribePrepared(p->conn, st->name);
    if (!good(d))
        return fail(&p->db, d, st->st.sql);
    st->parameters = (size_t)PQnparams(d);
    st->connection = p->connection;
    return ERR_OK;
}

static void unbind(struct postgres_stmt *st)
{
    free(st->values);
    free(st->lengths);
    free(st->formats);
    free(st->ints);
    st->values = NULL;
    st->lengths = st->formats = NULL;
    st->ints = NULL;
    st->bound = 0;
}

static void finalize(struct db_stmt *base)
{
    struct postgres_stmt *st = stmt_of(base);
    struct postgres *p = postgres_of(base->db);
    char sql[48];

    PQclear(st->rows);
    unbind(st);
    /* Inside a failed transaction the server refuses; the name is then left to the connection's end. */
    if (st->name[0] && st->connection == p->connection && PQtransactionStatus(p->conn) != PQTRANS_INERROR) {
        (void)snprintf(sql, sizeof(sql), "DEALLOCATE %s", st->name);
        PQclear(PQexec(p->conn, sql));
    }
    free(base->sql);
    free(st);
}

static err_t prepare(struct db *db, const char *sql, struct db_stmt **ret)
{
    struct postgres_stmt *st;
    err_t e;

    if (db_only_blanks(sql))
        return db_fail(db, ERR_INVALID, "not exactly one statement: %.200s", sql);
    st = mem_calloc(1, sizeof(*st));
    if (!st || !(st->st.sql = mem_strdup(sql))) {
        free(st);
        return db_fail(db, ERR_NOMEM, "out of memory");
    }
    st->st.db = db;
    if ((e = connected(db)) || (e = prepare_on_server(postgres_of(db), st))) {
        finalize(&st->st);
        return e;
    }
    *ret = &st->st;
    return ERR_OK;
}

static void bind_value(struct postgres_stmt *st, size_t i, const struct db_value *v)
{
    switch (v->type) {
    case DB_TYPE_INT: /* as text: it fits whatever integer type the server inferred */
        (void)snprintf(st->ints[i], sizeof(st->ints[i]), "%lld", (long long)v->i);
        st->values[i] = st->ints[i];
        break;
    case DB_TYPE_TEXT:
    case DB_TYPE_BLOB: /* binary, so that no terminator is needed: text's binary form is its bytes */
        st->values[i] = v->s.n ? (const char *)v->s.p : "";
        st->lengths[i] = (int)v->s.n;
        st->formats[i] = 1;
        break;
    default:
        st->values[i] = NULL;
    }
}

static err_t bind(struct db_stmt *base, const struct db_value *args, size_t count)
{
    struct postgres_stmt *st = stmt_of(base);
    struct postgres *p = postgres_of(base->db);
    err_t e = connected(base->db);

    if (!e && st->connection != p->connection)
        e = prepare_on_server(p, st);
    if (e)
        return e;
    if (st->parameters != count)
        return db_fail(base->db, ERR_INVALID, "%zu arguments for %zu parameters: %.200s", count,
                       st->parameters, base->sql);
    st->values = mem_calloc(count + 1, sizeof(*st->values));
    st->lengths = mem_calloc(count + 1, sizeof(*st->lengths));
    st->formats = mem_calloc(count + 1, sizeof(*st->formats));
    st->ints = mem_calloc(count + 1, sizeof(*st->ints));
    if (!st->values || !st->lengths || !st->formats || !st->ints)
        return db_fail(base->db, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (args[i].s.n > INT_MAX)
            return db_fail(base->db, ERR_TOO_BIG, "argument $%zu is over 2 GB", i + 1);
        bind_value(st, i, &args[i]);
    }
    st->bound = count;
    return ERR_OK;
}

/* DB_TYPE_NULL: none of ours (a sum is numeric, for example). */
static enum db_type type_of_oid(Oid oid)
{
    for (size_t i = 0; i < ARRAY_LEN(column_types); i++) {
        if (column_types[i].oid == oid)
            return column_types[i].type;
    }
    return DB_TYPE_NULL;
}

/* The answer is fetched whole: lists are pages (sql.md rule 5), and other statements may run meanwhile. */
static err_t execute(struct postgres_stmt *st)
{
    struct postgres *p = postgres_of(st->st.db);

    st->rows = PQexecPrepared(p->conn, st->name, (int)st->bound, st->values, st->lengths, st->formats, 1);
    st->row = -1;
    if (!good(st->rows))
        return fail(&p->db, st->rows, st->st.sql);
    p->changed = strtoll(PQcmdTuples(st->rows), NULL, 10);
    for (int col = 0; col < PQnfields(st->rows); col++) {
        if (type_of_oid(PQftype(st->rows, col)) == DB_TYPE_NULL)
            return db_fail(&p->db, ERR_INVALID, "column %d has a type we do not read (CAST it): %.200s", col,
                           st->st.sql);
    }
    return ERR_OK;
}

static err_t step(struct db_stmt *base)
{
    struct postgres_stmt *st = stmt_of(base);
    err_t e = st->rows ? ERR_OK : execute(st);

    if (e)
        return e;
    return ++st->row < PQntuples(st->rows) ? ERR_OK : ERR_EOF;
}

static void reset(struct db_stmt *base)
{
    struct postgres_stmt *st = stmt_of(base);

    PQclear(st->rows);
    st->rows = NULL;
    unbind(st);
}

static int64_t changed(const struct db *db)
{
    return postgres_of(db)->changed;
}

static bool tx_open(const struct db *db)
{
    PGTransactionStatusType s = PQtransactionStatus(postgres_of(db)->conn);

    return s == PQTRANS_INTRANS || s == PQTRANS_INERROR;
}

/* --- columns ------------------------------------------------------------------------------------ */

static enum db_type col_type(const struct db_stmt *base, int col)
{
    const struct postgres_stmt *st = stmt_of(base);

    return PQgetisnull(st->rows, st->row, col) ? DB_TYPE_NULL : type_of_oid(PQftype(st->rows, col));
}

static struct slice col_bytes(const struct db_stmt *base, int col)
{
    const struct postgres_stmt *st = stmt_of(base);

    return slice_of(PQgetvalue(st->rows, st->row, col), (size_t)PQgetlength(st->rows, st->row, col));
}

/* Big endian, 1 to 8 bytes, the first one signed. */
static int64_t col_int(const struct db_stmt *base, int col)
{
    struct slice s = col_bytes(base, col);
    uint64_t v = s.n && (s.p[0] & 0x80) ? UINT64_MAX : 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return (int64_t)v;
}

/* --- opening ------------------------------------------------------------------------------------ */

static void close_db(struct db *db)
{
    PQfinish(postgres_of(db)->conn);
    free(db);
}

static const struct db_ops ops = {
    .type_int = "BIGINT",
    .type_text = "TEXT COLLATE \"C\"",
    .type_blob = "BYTEA",
    .type_id = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    .strict = "",
    .begin = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
    .begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    .read_only = "SET default_transaction_read_only = on",
    .migrating = "SELECT pg_advisory_lock(7305804402465138277)", /* "sedge..." as a number: ours */
    .migrated = "SELECT pg_advisory_unlock(7305804402465138277)",
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

static const char *option(const PQconninfoOption *o, const char *name)
{
    for (; o->keyword; o++) {
        if (strcmp(o->keyword, name) == 0 && o->val && *o->val)
            return o->val;
    }
    return NULL;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
}

/* Each host of a list must be on this machine, or the server must prove who it is (promise 8). */
static bool stays_here(const char *hosts)
{
    autofree char *copy = mem_strdup(hosts);
    char *rest = copy;

    for (const char *host; copy && (host = strsep(&rest, ","));) {
        if (*host && *host != '/' && *host != '@' && !is_loopback(host))
            return false;
    }
    return copy != NULL;
}

static err_t check_url(const char *url, char *why)
{
    char *message = NULL;
    PQconninfoOption *o = PQconninfoParse(url, &message);
    err_t e = ERR_OK;

    if (!o) {
        (void)snprintf(why, DB_WHY_MAX,
                       "the database's url is not understood by libpq"); /* it may hold a password */
        PQfreemem(message);
        return ERR_INVALID;
    }
    const char *address = option(o, "hostaddr"), *host = option(o, "host"), *mode = option(o, "sslmode");
    if ((address && !stays_here(address)) || (!address && host && !stays_here(host))) {
        if (!mode || strcmp(mode, "verify-full") != 0) {
            (void)snprintf(
                why, DB_WHY_MAX,
                "PostgreSQL on another host must prove who it is: add sslmode=verify-full (and sslrootcert)");
            e = ERR_DENIED;
        }
    }
    PQconninfoFree(o);
    return e;
}

static err_t open_conn(struct postgres *p, const char *url)
{
    const char *const names[] = { "fallback_application_name", "connect_timeout", "client_encoding", "dbname",
                                  NULL };
    const char *const values[] = { "sedge", "10", "UTF8", url, NULL };

    p->conn = PQconnectdbParams(names, values, 1);
    if (!p->conn)
        return db_fail(&p->db, ERR_NOMEM, "out of memory");
    if (PQstatus(p->conn) != CONNECTION_OK)
        return db_fail(&p->db, ERR_UNAVAILABLE, "%.400s", PQerrorMessage(p->conn));
    return prepare_connection(p);
}

err_t db_postgres_open(const char *url, struct db **ret, char *why)
{
    char unused[DB_WHY_MAX];
    struct postgres *p;
    err_t e = check_url(url, why ? why : unused);

    if (e)
        return e;
    if (!(p = mem_calloc(1, sizeof(*p))))
        return ERR_NOMEM;
    p->db.ops = &ops;
    if ((e = open_conn(p, url))) {
        if (why)
            (void)snprintf(why, DB_WHY_MAX, "cannot open the database: %.400s", p->db.error);
        close_db(&p->db);
        return e;
    }
    *ret = &p->db;
    return ERR_OK;
}
