#include "cloud/provisioning/templaterow.h"

#include "base/mem.h"
#include "cloud/registry/names.h"

#define SETTINGS_DEPTH 4u

void template_row_done(struct template_row *r)
{
    json_decref_ptr(&r->settings);
    free(r->body);
    r->body = NULL;
}

bool template_name_ok(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= TEMPLATE_NAME_MAX && name_thing_ok(s) && !strchr(s, ':');
}

static err_t take_row(void *ctx, const struct db_rows *row)
{
    struct template_row *r = ctx;

    template_row_done(r);
    r->default_version = db_int(row, 1);
    r->last_version = db_int(row, 2);
    r->created_ms = db_int(row, 3);
    r->modified_ms = db_int(row, 4);
    if (!(r->body = mem_str(db_text(row, 5))))
        return ERR_NOMEM;
    return json_parse(db_text(row, 0), SETTINGS_DEPTH, &r->settings, NULL);
}

err_t template_row_load(struct db *db, const char *name, struct template_row *ret)
{
    return db_one(db,
                  "SELECT t.settings, t.default_version, t.last_version, t.created_ms, t.modified_ms, v.body"
                  " FROM provisioning_templates t JOIN provisioning_versions v"
                  " ON v.template = t.name AND v.version = t.default_version WHERE t.name = $1",
                  DB_ARGS(DB_TEXT(name)), take_row, ret);
}

err_t template_row_of_label(struct api_call *c, const char **ret_name, struct template_row *ret)
{
    const char *name = api_param(c, "templateName");
    err_t e;

    if (!name || !template_name_ok(name))
        return api_fail(c, API_INVALID_REQUEST,
                        "1 validation error detected: Value '%.80s' at 'templateName' failed to satisfy "
                        "constraint: Member must satisfy regular expression pattern: ^[0-9A-Za-z_-]{1,36}$",
                        name ? name : "null");
    e = template_row_load(c->db, name, ret);
    if (e)
        return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Provisioning template %s not found", name)
                                  : e;
    *ret_name = name;
    return ERR_OK;
}

bool template_row_is(const struct template_row *r, const char *type)
{
    const char *have = json_get_str(r->settings, "type");

    return have && strcmp(have, type) == 0;
}

err_t template_of_body(struct api_call *c, const char *text, bool device, struct template **ret)
{
    char why[TEMPLATE_WHY_MAX] = "";
    auto_template *t = NULL;
    err_t e;

    if (!text)
        return api_fail(c, API_INVALID_REQUEST, "templateBody is required, a text");
    e = template_parse(slice_str(text), &t, why);
    if (!e && device)
        e = template_check_device(t, why);
    if (e)
        return why[0] ? api_fail(c, API_INVALID_REQUEST, "The template body is not valid: %s", why) : e;
    if (ret)
        *ret = steal(&t);
    return ERR_OK;
}

err_t template_version_store(struct api_call *c, const char *name, int64_t version, const char *body)
{
    return db_run(
        c->db,
        "INSERT INTO provisioning_versions (template, version, body, created_ms) VALUES ($1, $2, $3, $4)",
        DB_ARGS(DB_TEXT(name), DB_INT(version), DB_TEXT(body), DB_INT(c->now_ms)), NULL);
}
