/* Bulk registration tasks: started, stopped, described, listed (iot-core reference 2.5). tasks.c does the
 * work. */
#include "base/hex.h"
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/provisioning/taskrow.h"
#include "cloud/provisioning/templaterow.h"
#include "crypto/random.h"

#include <ctype.h>

#define TASKS_MAX 100 /* kept, the finished ones included */

static bool all_of(const char *s, const char *more)
{
    for (; *s; s++) {
        if (!isalnum((unsigned char)*s) && !strchr(more, *s))
            return false;
    }
    return true;
}

static bool bucket_ok(const char *s)
{
    return all_of(s, "._-");
}

static bool key_ok(const char *s)
{
    return all_of(s, "!_.*'()-/");
}

static bool task_id_ok(const char *s)
{
    return strlen(s) == CRYPTO_UUID_MAX - 1 && strspn(s, "0123456789abcdef-") == strlen(s);
}

static const struct api_field fields[] = {
    { "templateBody", API_TEXT, 0, TEMPLATE_BODY_MAX, .required = true },
    { "inputFileBucket", API_TEXT, 3, 256, .ok = bucket_ok, .required = true },
    { "inputFileKey", API_TEXT, 1, 1024, .ok = key_ok, .required = true },
    { "roleArn", API_TEXT, 20, 2048, .required = true },
};

static err_t check_free(struct api_call *c)
{
    auto_task_row t = { 0 };
    err_t e = task_row_current(c->db, &t);

    if (!e)
        return api_fail(c, API_INVALID_REQUEST,
                        "The registration task %s is in progress: an account can have one at a time", t.id);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The oldest go with their reports, so that those that are kept are few. */
static err_t drop_old(struct api_call *c)
{
    static const char *const sql[] = {
        "DELETE FROM registration_reports WHERE task NOT IN"
        " (SELECT id FROM registration_tasks ORDER BY created_ms DESC, id DESC LIMIT $1)",
        "DELETE FROM registration_tasks WHERE id NOT IN"
        " (SELECT id FROM registration_tasks ORDER BY created_ms DESC, id DESC LIMIT $1)",
    };
    int64_t n;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM registration_tasks", DB_NO_ARGS, &n);

    for (size_t i = 0; !e && n > TASKS_MAX && i < ARRAY_LEN(sql); i++)
        e = db_run(c->db, sql[i], DB_ARGS(DB_INT(TASKS_MAX)), NULL);
    return e;
}

static err_t insert(struct api_call *c, const char *id, const json_t *given)
{
    uint8_t random[TASK_TOKEN_LEN / 2];
    char token[TASK_TOKEN_LEN + 1];
    err_t e = crypto_random(c->env->crypto, random, sizeof(random));

    if (e)
        return e;
    hex_str(token, SLICE_ARRAY(random));
    return db_run(c->db,
                  "INSERT INTO registration_tasks (id, status, token, template, bucket, input, role, message,"
                  " position, size, line, succeeded, failed, created_ms, modified_ms)"
                  " VALUES ($1, 'InProgress', $2, $3, $4, $5, $6, '', 0, 0, 0, 0, 0, $7, $7)",
                  DB_ARGS(DB_TEXT(id), DB_TEXT(token), DB_TEXT(json_get_str(given, "templateBody")),
                          DB_TEXT(json_get_str(given, "inputFileBucket")),
                          DB_TEXT(json_get_str(given, "inputFileKey")),
                          DB_TEXT(json_get_str(given, "roleArn")), DB_INT(c->now_ms)),
                  NULL);
}

err_t registration_task_start(struct api_call *c)
{
    auto_json *given = json_object();
    char id[CRYPTO_UUID_MAX];
    err_t e;

    if (!given)
        return ERR_NOMEM;
    if ((e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), true, given)) ||
        (e = template_of_body(c, json_get_str(given, "templateBody"), false, NULL)) || (e = check_free(c)) ||
        (e = crypto_random_uuid(c->env->crypto, id)) || (e = insert(c, id, given)) || (e = drop_old(c)) ||
        (e = effects_add(&c->effects, EFFECT_TASK, id)))
        return e;
    return api_reply(c, json_pack("{s:s}", "taskId", id));
}

err_t registration_task_stop(struct api_call *c)
{
    auto_task_row t = { 0 };
    err_t e = task_row_of_label(c, &t);

    if (e || strcmp(t.status, "InProgress") != 0)
        return e; /* it has ended, or is about to */
    if ((e = db_run(c->db,
                    "UPDATE registration_tasks SET status = 'Cancelling', modified_ms = $1 WHERE id = $2",
                    DB_ARGS(DB_INT(c->now_ms), DB_TEXT(t.id)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_TASK, t.id);
}

static int percentage(const struct task_row *t)
{
    if (strcmp(t->status, "Completed") == 0)
        return 100;
    return t->size > 0 ? (int)(t->position * 100 / t->size) : 0;
}

err_t registration_task_describe(struct api_call *c)
{
    auto_task_row t = { 0 };
    auto_json *d = NULL;
    err_t e = task_row_of_label(c, &t);

    if (e)
        return e;
    d = json_pack("{s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:i}", "taskId", t.id, "creationDate",
                  api_seconds(t.created_ms), "lastModifiedDate", api_seconds(t.modified_ms), "templateBody",
                  t.template, "inputFileBucket", t.bucket, "inputFileKey", t.key, "roleArn", t.role, "status",
                  t.status, "successCount", (json_int_t)t.succeeded, "failureCount", (json_int_t)t.failed,
                  "percentageProgress", percentage(&t));
    if (!d || (t.message[0] && json_object_set_new(d, "message", json_string(t.message)) != 0))
        return ERR_NOMEM;
    return api_reply(c, steal(&d));
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *id = db_str(row, 0);

    return api_page_room(page) ? api_page_add(page, json_string(id), "%s", id) : ERR_OK;
}

err_t registration_task_list(struct api_call *c)
{
    static const char *const statuses[] = { "InProgress", "Completed",  "Failed",
                                            "Cancelled",  "Cancelling", NULL };
    auto_page page = API_PAGE_INIT(c);
    const char *after, *status = "";
    err_t e;

    if ((e = api_param_enum(c, "status", statuses, &status)) ||
        (e = api_name_marker(c, "nextToken", task_id_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT id FROM registration_tasks WHERE id > $1 AND ($2 = '' OR status = $2)"
                     " ORDER BY id LIMIT $3",
                     DB_ARGS(DB_TEXT(after), DB_TEXT(status), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "taskIds", "nextToken");
}
