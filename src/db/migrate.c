#include "base/buf.h"
#include "db/backend.h"
#include "db/db.h"

#include <string.h>

#define SQL_MAX (1024 * 1024)

/* {int} and its like become the engine's types. ERR_INVALID: a token nobody knows. */
static err_t expand(struct db *db, const char *sql, struct buf *out)
{
    const struct {
        const char *token, *text;
    } tokens[] = {
        { "{int}", db->ops->type_int }, { "{text}", db->ops->type_text }, { "{blob}", db->ops->type_blob },
        { "{id}", db->ops->type_id },   { "{strict}", db->ops->strict },
    };
    const char *brace;
    err_t e = ERR_OK;

    for (; !e && (brace = strchr(sql, '{'));) {
        size_t i = 0;
        while (i < ARRAY_LEN(tokens) && strncmp(brace, tokens[i].token, strlen(tokens[i].token)) != 0)
            i++;
        if (i == ARRAY_LEN(tokens))
            return db_fail(db, ERR_INVALID, "migration: unknown token at \"%.20s\"", brace);
        e = buf_add_mem(out, sql, (size_t)(brace - sql));
        if (!e)
            e = buf_add_str(out, tokens[i].text);
        sql = brace + strlen(tokens[i].token);
    }
    return e ? e : buf_add_str(out, sql);
}

static err_t exec_expanded(struct db *db, const char *sql)
{
    autobuf text = BUF_INIT(SQL_MAX);
    err_t e = expand(db, sql, &text);

    return e ? e : db->ops->exec(db, buf_str(&text));
}

struct check {
    struct db *db;
    const struct db_migration *steps;
    size_t count;
    size_t applied;
};

/* Row by row: is what was applied the beginning of our list? */
static err_t check_row(void *ctx, const struct db_rows *row)
{
    struct check *c = ctx;
    const char *name = db_str(row, 1);

    if (db_int(row, 0) != (int64_t)c->applied || c->applied >= c->count ||
        strcmp(name, c->steps[c->applied].name) != 0)
        return db_fail(
            c->db, ERR_CORRUPT,
            "the database holds the schema step \"%s\", which this program does not have at that place:"
            " it was written by another version; use that one or restore a backup",
            name);
    c->applied++;
    return ERR_OK;
}

struct step {
    const struct db_migration *migration;
    int64_t position;
};

static err_t apply(struct db *db, void *ctx)
{
    const struct step *s = ctx;
    err_t e = exec_expanded(db, s->migration->sql);

    return e ? e
             : db_run(db, "INSERT INTO schema_steps (position, name) VALUES ($1, $2)",
                      DB_ARGS(DB_INT(s->position), DB_TEXT(s->migration->name)), NULL);
}

static err_t apply_missing(struct db *db, const struct db_migration *steps, size_t count)
{
    struct check c = { db, steps, count, 0 };
    err_t e = exec_expanded(db, "CREATE TABLE IF NOT EXISTS schema_steps"
                                " (position {int} PRIMARY KEY, name {text} NOT NULL) {strict}");

    if (!e)
        e = db_each(db, "SELECT position, name FROM schema_steps ORDER BY position", DB_NO_ARGS, check_row,
                    &c);
    for (size_t i = c.applied; !e && i < count; i++) {
        struct step s = { &steps[i], (int64_t)i };
        e = db_tx(db, apply, &s);
    }
    return e;
}

err_t db_migrate(struct db *db, const struct db_migration *steps, size_t count)
{
    char error[DB_WHY_MAX];
    err_t e = db->ops->migrating ? db->ops->exec(db, db->ops->migrating) : ERR_OK;

    if (e)
        return e;
    e = apply_missing(db, steps, count);
    if (db->ops->migrated) { /* what went wrong before is what db_error tells */
        memcpy(error, db->error, sizeof(error));
        err_t end = db->ops->exec(db, db->ops->migrated);
        if (e)
            memcpy(db->error, error, sizeof(error));
        else
            e = end;
    }
    return e;
}
