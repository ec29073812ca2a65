/* Provisioning templates (iot-core reference 2.5): made, described, changed, deleted, listed. */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/provisioning/templaterow.h"
#include "cloud/registry/names.h"
#include "cloud/registry/tags.h"

#define SETTINGS_MAX 65536u
#define HOOK "preProvisioningHook"

static const char *const types[] = { "FLEET_PROVISIONING", "JITP", NULL };

static const struct api_field creation[] = {
    { "type", API_ENUM, .values = types },
};
static const struct api_field fields[] = {
    { "description", API_TEXT, 0, 500 },
    { "enabled", API_BOOL },
    { "provisioningRoleArn", API_TEXT, 20, 2048, .required = true },
};
static const struct api_field names[] = {
    { "templateName", API_TEXT, 1, TEMPLATE_NAME_MAX, .ok = template_name_ok, .required = true },
    { "templateBody", API_TEXT, 0, TEMPLATE_BODY_MAX, .required = true },
};

static bool version_ok(const char *s)
{
    return strspn(s, "0123456789-") == strlen(s);
}

static const struct api_field hook_fields[] = {
    { "payloadVersion", API_TEXT, 10, 32, .ok = version_ok },
    { "targetArn", API_TEXT, 1, 2048, .required = true },
};

static err_t read_hook(struct api_call *c, json_t *settings)
{
    json_t *given = json_object_get(c->body, HOOK);
    auto_json *hook = NULL;
    err_t e;

    if (!given || json_is_null(given))
        return ERR_OK;
    if (!json_is_object(given))
        return api_fail(c, API_INVALID_REQUEST, HOOK " must be an object");
    if (!(hook = json_pack("{s:s}", "payloadVersion", "2020-04-01")))
        return ERR_NOMEM;
    if ((e = api_fields_take(c, given, hook_fields, ARRAY_LEN(hook_fields), true, hook)))
        return e;
    return json_object_set(settings, HOOK, hook) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t read_settings(struct api_call *c, bool is_new, json_t *settings)
{
    err_t e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), is_new, settings);

    if (!e && is_new)
        e = api_fields_take(c, c->body, creation, ARRAY_LEN(creation), true, settings);
    return e ? e : read_hook(c, settings);
}

/* ---- creation ---- */

static err_t insert(struct api_call *c, const char *name, const json_t *settings)
{
    autobuf text = BUF_INIT(SETTINGS_MAX);
    char arn[ARN_MAX];
    int64_t added;
    err_t e;

    if ((e = json_write(&text, settings, 0)) ||
        (e = db_run(c->db,
                    "INSERT INTO provisioning_templates (name, settings, default_version, last_version,"
                    " created_ms, modified_ms) VALUES ($1, $2, 1, 1, $3, $3) ON CONFLICT (name) DO NOTHING",
                    DB_ARGS(DB_TEXT(name), DB_SLICE(buf_slice(&text)), DB_INT(c->now_ms)), &added)))
        return e;
    return added ? ERR_OK
                 : api_fail_exists(c, arn_iot(c, TEMPLATE_KIND, name, arn), name,
                                   "Provisioning template %s already exists", name);
}

err_t provisioning_template_create(struct api_call *c)
{
    auto_json *named = json_object(), *settings = NULL;
    const char *name, *body;
    char arn[ARN_MAX];
    err_t e;

    if (!named || !(settings = json_pack("{s:s,s:b}", "type", types[0], "enabled", 0)))
        return ERR_NOMEM;
    if ((e = api_fields_take(c, c->body, names, ARRAY_LEN(names), true, named)) ||
        (e = read_settings(c, true, settings)))
        return e;
    name = json_get_str(named, "templateName");
    body = json_get_str(named, "templateBody");
    if ((e = template_of_body(c, body, true, NULL)) || (e = insert(c, name, settings)) ||
        (e = template_version_store(c, name, 1, body)) || (e = tags_of_creation(c, TEMPLATE_KIND, name)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:i}", "templateArn", arn_iot(c, TEMPLATE_KIND, name, arn),
                                  "templateName", name, "defaultVersionId", 1));
}

/* ---- reading ---- */

/* What Describe and List have in common; takes nothing over. */
static json_t *summary(const struct api_call *c, const char *name, int64_t created_ms, int64_t modified_ms)
{
    char arn[ARN_MAX];

    return json_pack("{s:s,s:s,s:o,s:o}", "templateArn", arn_iot(c, TEMPLATE_KIND, name, arn), "templateName",
                     name, "creationDate", api_seconds(created_ms), "lastModifiedDate",
                     api_seconds(modified_ms));
}

err_t provisioning_template_describe(struct api_call *c)
{
    auto_template_row r = { 0 };
    auto_json *d = NULL;
    const char *name;
    err_t e = template_row_of_label(c, &name, &r);

    if (e)
        return e;
    d = summary(c, name, r.created_ms, r.modified_ms);
    if (!d || json_object_update(d, r.settings) != 0 ||
        json_object_set_new(d, "defaultVersionId", json_integer(r.default_version)) != 0 ||
        json_object_set_new(d, "templateBody", json_string(r.body)) != 0)
        return ERR_NOMEM;
    return api_reply(c, steal(&d));
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    static const char *const shown[] = { "description", "enabled", "type" };
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    auto_json *item = NULL, *settings = NULL;
    err_t e;

    if (!api_page_room(page))
        return ERR_OK;
    if ((e = json_parse(db_text(row, 1), 4, &settings, NULL)))
        return e;
    if (!(item = summary(page->c, name, db_int(row, 2), db_int(row, 3))))
        return ERR_NOMEM;
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        json_t *v = json_object_get(settings, shown[i]);
        if (v && json_object_set(item, shown[i], v) != 0)
            return ERR_NOMEM;
    }
    return api_page_add(page, steal(&item), "%s", name);
}

err_t provisioning_template_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *after;
    err_t e;

    if ((e = api_name_marker(c, "nextToken", template_name_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) ||
        (e = db_each(c->db,
                     "SELECT name, settings, created_ms, modified_ms FROM provisioning_templates"
                     " WHERE name > $1 ORDER BY name LIMIT $2",
                     DB_ARGS(DB_TEXT(after), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "templates", "nextToken");
}

/* ---- changing ---- */

static const struct api_field update_fields[] = {
    { "defaultVersionId", API_INT, 1, INT32_MAX },
    { "removePreProvisioningHook", API_BOOL },
};

/* The version that is the default from now on: it must exist. */
static err_t new_default(struct api_call *c, const char *name, const json_t *given, int64_t *version)
{
    int64_t n;
    err_t e;

    *version = json_get_int(given, "defaultVersionId", *version);
    if ((e = db_one_int(c->db,
                        "SELECT count(*) FROM provisioning_versions WHERE template = $1 AND version = $2",
                        DB_ARGS(DB_TEXT(name), DB_INT(*version)), &n)))
        return e;
    return n ? ERR_OK
             : api_fail(c, API_NOT_FOUND, "Provisioning template %s has no version %lld", name,
                        (long long)*version);
}

static err_t drop_hook(struct api_call *c, const json_t *given, json_t *settings)
{
    if (!json_get_bool(given, "removePreProvisioningHook", false))
        return ERR_OK;
    if (json_object_get(c->body, HOOK))
        return api_fail(c, API_INVALID_REQUEST,
                        "removePreProvisioningHook cannot be used together with " HOOK);
    (void)json_object_del(settings, HOOK); /* there was none: fine */
    return ERR_OK;
}

err_t provisioning_template_update(struct api_call *c)
{
    auto_template_row r = { 0 };
    auto_json *given = json_object();
    autobuf text = BUF_INIT(SETTINGS_MAX);
    const char *name;
    err_t e;

    if (!given)
        return ERR_NOMEM;
    if ((e = template_row_of_label(c, &name, &r)) ||
        (e = api_fields_take(c, c->body, update_fields, ARRAY_LEN(update_fields), false, given)) ||
        (e = read_settings(c, false, r.settings)) || (e = drop_hook(c, given, r.settings)) ||
        (e = new_default(c, name, given, &r.default_version)) || (e = json_write(&text, r.settings, 0)))
        return e;
    return db_run(
        c->db,
        "UPDATE provisioning_templates SET settings = $1, default_version = $2, modified_ms = $3"
        " WHERE name = $4",
        DB_ARGS(DB_SLICE(buf_slice(&text)), DB_INT(r.default_version), DB_INT(c->now_ms), DB_TEXT(name)),
        NULL);
}

/* Its versions go with it; not while a CA provisions devices with it. */
err_t provisioning_template_delete(struct api_call *c)
{
    auto_template_row r = { 0 };
    const char *name;
    int64_t users;
    err_t e;

    if ((e = template_row_of_label(c, &name, &r)) ||
        (e = db_one_int(c->db, "SELECT count(*) FROM cas WHERE template = $1", DB_ARGS(DB_TEXT(name)),
                        &users)))
        return e;
    if (users)
        return api_fail(c, API_DELETE_CONFLICT,
                        "Provisioning template %s is the template of a CA certificate: remove it there first"
                        " (UpdateCACertificate removeAutoRegistration)",
                        name);
    if ((e = db_run(c->db, "DELETE FROM provisioning_versions WHERE template = $1", DB_ARGS(DB_TEXT(name)),
                    NULL)) ||
        (e = tags_drop(c, TEMPLATE_KIND, name)))
        return e;
    return db_run(c->db, "DELETE FROM provisioning_templates WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL);
}
