#include "cloud/api/page.h"
#include "cloud/registry/names.h"
#include "cloud/shadows/handlers.h"
#include "cloud/shadows/service.h"

static enum api_error error_of(int code)
{
    switch (code) {
    case SHADOW_NOT_FOUND:
        return API_NOT_FOUND;
    case SHADOW_CONFLICT:
        return API_CONFLICT;
    case SHADOW_TOO_LARGE:
        return API_TOO_LARGE;
    case SHADOW_UNSUPPORTED_ENCODING:
        return API_ENCODING;
    case SHADOW_TOO_MANY_REQUESTS:
        return API_THROTTLING;
    case SHADOW_INTERNAL:
        return API_INTERNAL;
    default:
        return API_INVALID_REQUEST;
    }
}

static err_t answer(struct api_call *c, const char *thing, const char *name, enum shadow_op op,
                    struct shadow_result *result)
{
    err_t e;

    if (result->code != SHADOW_OK)
        return api_fail(c, error_of(result->code), "%s", result->message);
    if ((e = buf_add(&c->text, buf_slice(&result->messages[0].payload))))
        return e;
    /* Updates and deletions are told over MQTT too (5.5); a REST get is nobody else's business. */
    return op == SHADOW_GET ? ERR_OK : effects_add_shadow(&c->effects, thing, name, op, result);
}

static err_t handle(struct api_call *c, enum shadow_op op)
{
    const char *thing, *name = api_param(c, "name");
    struct shadow_result result = { 0 };
    err_t e;

    if ((e = name_thing(c, "thingName", &thing)))
        return e;
    if (name && !shadow_name_valid(slice_str(name)))
        return api_fail(c, API_INVALID_REQUEST, "Invalid shadow name");
    name = name ? name : "";
    if ((e = shadows_apply(c->db, thing, name, op, buf_slice(&c->raw), c->now_ms, &result)))
        return e;
    e = answer(c, thing, name, op, &result);
    shadow_result_done(&result);
    return e;
}

err_t shadow_get(struct api_call *c)
{
    return handle(c, SHADOW_GET);
}

err_t shadow_update(struct api_call *c)
{
    return handle(c, SHADOW_UPDATE);
}

err_t shadow_delete(struct api_call *c)
{
    return handle(c, SHADOW_DELETE);
}

/* ---- the names ---- */

static bool shadow_name_ok(const char *s)
{
    return shadow_name_valid(slice_str(s));
}

/* A deleted shadow's row stays for a while. */
static err_t add_name(struct api_page *page, const struct db_rows *row)
{
    const char *name = db_str(row, 0);
    int64_t deleted_s;

    if (!db_is_null(row, 1) && shadow_is_deleted(db_text(row, 1), &deleted_s))
        return ERR_OK;
    return api_page_room(page) ? api_page_add(page, json_string(name), "%s", name) : ERR_OK;
}

/* The query has no LIMIT, because rows of deleted shadows do not count; it is read until the page is full. */
static err_t list_names(struct api_page *page, const char *thing, const char *after)
{
    auto_rows struct db_rows *rows = NULL;
    err_t e = db_query(page->c->db,
                       "SELECT name, CASE WHEN length(document) <= $3 THEN document END FROM shadows"
                       " WHERE thing = $1 AND name > $2 ORDER BY name",
                       DB_ARGS(DB_TEXT(thing), DB_TEXT(after), DB_INT(SHADOW_DELETED_MAX)), &rows);

    while (!e && !page->more && !(e = db_next(rows)))
        e = add_name(page, rows);
    return e == ERR_EOF ? ERR_OK : e;
}

err_t shadow_list_named(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *thing, *after;
    err_t e;

    if ((e = name_thing(c, "thingName", &thing)) ||
        (e = api_name_marker(c, "nextToken", shadow_name_ok, &after)) ||
        (e = api_param_size(c, "pageSize", 25, 100, &page.size)) || (e = list_names(&page, thing, after)) ||
        (e = api_page_reply(&page, "results", "nextToken")))
        return e;
    return json_object_set_new(c->reply, "timestamp", json_integer(c->now_ms / 1000)) == 0 ? ERR_OK
                                                                                           : ERR_NOMEM;
}
