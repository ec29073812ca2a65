/* Reports of bulk registrations: links, each to a part of the lines, and what the links give. Whoever has a
 * link may read it, as with the links of the service (docs/spec/provisioning.md PV-47). */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/provisioning/taskrow.h"

#define PART 1000 /* lines of one link */

static const char *const types[] = { "ERRORS", "RESULTS", NULL };

static err_t read_type(struct api_call *c, const char **ret)
{
    *ret = NULL;
    err_t e = api_param_enum(c, "reportType", types, ret);

    return e || *ret ? e : api_fail(c, API_INVALID_REQUEST, "reportType must be ERRORS or RESULTS");
}

/* ---- links ---- */

static json_t *link_to(const struct api_call *c, const struct task_row *t, const char *type, int64_t part)
{
    const struct cloud_env *env = c->env;
    autofree char *url = mem_printf("%s://%s:%u/sedge/registration-reports/%s/%s/%s?token=%s&part=%lld",
                                    env->api_tls ? "https" : "http", env->api_tls ? env->host : "127.0.0.1",
                                    env->api_port, env->account, t->id, type, t->token, (long long)part);

    return url ? json_string(url) : NULL;
}

/* Parts with at least one line of the type, by their number. */
static err_t add_links(struct api_call *c, const struct task_row *t, const char *type, int64_t after,
                       struct api_page *page)
{
    err_t e = ERR_OK;

    for (int64_t part = after, n; !e && part * PART < t->line; part++) {
        e = db_one_int(c->db,
                       "SELECT count(*) FROM registration_reports WHERE task = $1 AND kind = $2 AND line > $3"
                       " AND line <= $4",
                       DB_ARGS(DB_TEXT(t->id), DB_TEXT(type), DB_INT(part * PART), DB_INT((part + 1) * PART)),
                       &n);
        if (!e && n && api_page_room(page))
            e = api_page_add(page, link_to(c, t, type, part), "%lld", (long long)part + 1);
        if (page->more)
            break;
    }
    return e;
}

err_t registration_task_reports(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    auto_task_row t = { 0 };
    const char *type;
    int64_t after = 0;
    err_t e;

    if ((e = read_type(c, &type)) || (e = task_row_of_label(c, &t)) ||
        (e = api_param_int(c, "nextToken", &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = add_links(c, &t, type, after, &page)) ||
        (e = api_page_reply(&page, "resourceLinks", "nextToken")))
        return e;
    return json_object_set_new(c->reply, "reportType", json_string(type)) == 0 ? ERR_OK : ERR_NOMEM;
}

/* ---- what they give ---- */

static err_t add_line(void *ctx, const struct db_rows *row)
{
    struct api_call *c = ctx;
    err_t e = buf_add(&c->text, db_text(row, 0));

    return e ? e : buf_add_str(&c->text, "\n");
}

/* A wrong token and an unknown task look the same. */
static bool token_ok(const struct task_row *t, const char *token)
{
    return token && strlen(token) == TASK_TOKEN_LEN && mem_eq_ct(token, t->token, TASK_TOKEN_LEN);
}

err_t registration_task_report(struct api_call *c)
{
    auto_task_row t = { 0 };
    const char *type;
    int64_t part = 0;
    err_t e;

    if ((e = read_type(c, &type)) || (e = api_param_int(c, "part", &part)))
        return e;
    e = task_row_load(c->db, api_param(c, "taskId"), &t);
    if ((e == ERR_NOT_FOUND || !e) && (e || !token_ok(&t, api_param(c, "token"))))
        return api_fail(c, API_NOT_FOUND, "there is no such report");
    if (e || part > INT32_MAX)
        return e ? e : api_fail(c, API_NOT_FOUND, "there is no such report");
    c->content_type = "application/x-ndjson";
    e = db_each(
        c->db,
        "SELECT content FROM registration_reports WHERE task = $1 AND kind = $2 AND line > $3 AND line <= $4"
        " ORDER BY line",
        DB_ARGS(DB_TEXT(t.id), DB_TEXT(type), DB_INT(part * PART), DB_INT((part + 1) * PART)), add_line, c);
    return e || c->text.n ? e : api_fail(c, API_NOT_FOUND, "there is no such report");
}
