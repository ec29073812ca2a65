#include "cloud/provisioning/taskrow.h"

#include "base/mem.h"

#include <stdio.h>

#define COLUMNS                                                                                           \
    "SELECT id, status, token, template, bucket, input, role, message, position, size, line, succeeded, " \
    "failed,"                                                                                             \
    " created_ms, modified_ms FROM registration_tasks "

void task_row_done(struct task_row *t)
{
    free(t->template);
    free(t->bucket);
    free(t->key);
    free(t->role);
    free(t->message);
    *t = (struct task_row){ 0 };
}

static err_t take_row(void *ctx, const struct db_rows *row)
{
    struct task_row *t = ctx;
    char **const texts[] = { &t->template, &t->bucket, &t->key, &t->role, &t->message };

    task_row_done(t);
    (void)snprintf(t->id, sizeof(t->id), "%s", db_str(row, 0));
    (void)snprintf(t->status, sizeof(t->status), "%s", db_str(row, 1));
    (void)snprintf(t->token, sizeof(t->token), "%s", db_str(row, 2));
    t->position = db_int(row, 8);
    t->size = db_int(row, 9);
    t->line = db_int(row, 10);
    t->succeeded = db_int(row, 11);
    t->failed = db_int(row, 12);
    t->created_ms = db_int(row, 13);
    t->modified_ms = db_int(row, 14);
    for (int i = 0; i < (int)ARRAY_LEN(texts); i++) {
        if (!(*texts[i] = mem_strdup(db_str(row, 3 + i))))
            return ERR_NOMEM;
    }
    return ERR_OK;
}

err_t task_row_load(struct db *db, const char *id, struct task_row *ret)
{
    return db_one(db, COLUMNS "WHERE id = $1", DB_ARGS(DB_TEXT(id)), take_row, ret);
}

err_t task_row_of_label(struct api_call *c, struct task_row *ret)
{
    const char *id = api_param(c, "taskId");
    err_t e;

    if (!id || strlen(id) > TASK_ID_MAX)
        return api_fail(c, API_INVALID_REQUEST, "taskId must have at most %u characters", TASK_ID_MAX);
    e = task_row_load(c->db, id, ret);
    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Registration task %s not found", id) : e;
}

err_t task_row_current(struct db *db, struct task_row *ret)
{
    return db_one(
        db, COLUMNS "WHERE status = 'InProgress' OR status = 'Cancelling' ORDER BY created_ms, id LIMIT 1",
        DB_NO_ARGS, take_row, ret);
}

err_t task_row_store(struct api_call *c, const struct task_row *t)
{
    return db_run(
        c->db,
        "UPDATE registration_tasks SET status = $1, message = $2, position = $3, size = $4, line = $5,"
        " succeeded = $6, failed = $7, modified_ms = $8 WHERE id = $9",
        DB_ARGS(DB_TEXT(t->status), DB_TEXT(t->message), DB_INT(t->position), DB_INT(t->size),
                DB_INT(t->line), DB_INT(t->succeeded), DB_INT(t->failed), DB_INT(c->now_ms), DB_TEXT(t->id)),
        NULL);
}

err_t task_row_report(struct api_call *c, const struct task_row *t, const char *kind, const char *content)
{
    return db_run(c->db,
                  "INSERT INTO registration_reports (task, kind, line, content) VALUES ($1, $2, $3, $4)",
                  DB_ARGS(DB_TEXT(t->id), DB_TEXT(kind), DB_INT(t->line), DB_TEXT(content)), NULL);
}
