/* Versions of provisioning templates (iot-core reference 2.5): at most five, one of them the default. */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/api/page.h"
#include "cloud/provisioning/handlers.h"
#include "cloud/provisioning/templaterow.h"
#include "cloud/registry/names.h"

#include <stdio.h>

#define VERSIONS_MAX 5

static const struct api_field fields[] = {
    { "templateBody", API_TEXT, 0, TEMPLATE_BODY_MAX, .required = true },
};

static err_t check_room(struct api_call *c, const char *name)
{
    int64_t n;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM provisioning_versions WHERE template = $1",
                         DB_ARGS(DB_TEXT(name)), &n);

    return e || n < VERSIONS_MAX
               ? e
               : api_fail(c, API_VERSIONS_LIMIT,
                          "Provisioning template %s has %d versions already: delete one first", name,
                          VERSIONS_MAX);
}

static err_t store(struct api_call *c, const char *name, const char *body, struct template_row *r)
{
    err_t e;

    r->last_version++;
    if ((e = template_version_store(c, name, r->last_version, body)))
        return e;
    return db_run(
        c->db,
        "UPDATE provisioning_templates SET last_version = $1, default_version = $2, modified_ms = $3"
        " WHERE name = $4",
        DB_ARGS(DB_INT(r->last_version), DB_INT(r->default_version), DB_INT(c->now_ms), DB_TEXT(name)), NULL);
}

err_t provisioning_version_create(struct api_call *c)
{
    auto_template_row r = { 0 };
    auto_json *given = json_object();
    const char *name, *body;
    bool is_default = false;
    char arn[ARN_MAX];
    err_t e;

    if (!given)
        return ERR_NOMEM;
    if ((e = template_row_of_label(c, &name, &r)) ||
        (e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), true, given)) ||
        (e = api_param_bool(c, "setAsDefault", &is_default)))
        return e;
    body = json_get_str(given, "templateBody");
    if (is_default)
        r.default_version = r.last_version + 1;
    if ((e = template_of_body(c, body, true, NULL)) || (e = check_room(c, name)) ||
        (e = store(c, name, body, &r)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:I,s:b}", "templateArn", arn_iot(c, TEMPLATE_KIND, name, arn),
                                  "templateName", name, "versionId", (json_int_t)r.last_version,
                                  "isDefaultVersion", is_default));
}

struct version {
    struct api_call *c;
    int64_t number, of_default;
};

static err_t reply_version(void *ctx, const struct db_rows *row)
{
    const struct version *v = ctx;

    return api_reply(v->c, json_pack("{s:I,s:o,s:s,s:b}", "versionId", (json_int_t)v->number, "creationDate",
                                     api_seconds(db_int(row, 1)), "templateBody", db_str(row, 0),
                                     "isDefaultVersion", v->number == v->of_default));
}

static err_t no_version(struct api_call *c, const char *name, int64_t version)
{
    return api_fail(c, API_NOT_FOUND, "Provisioning template %s has no version %lld", name,
                    (long long)version);
}

err_t provisioning_version_describe(struct api_call *c)
{
    auto_template_row r = { 0 };
    struct version v = { .c = c };
    const char *name;
    err_t e;

    if ((e = template_row_of_label(c, &name, &r)) || (e = api_param_int(c, "versionId", &v.number)))
        return e;
    v.of_default = r.default_version;
    e = db_one(c->db,
               "SELECT body, created_ms FROM provisioning_versions WHERE template = $1 AND version = $2",
               DB_ARGS(DB_TEXT(name), DB_INT(v.number)), reply_version, &v);
    return e == ERR_NOT_FOUND ? no_version(c, name, v.number) : e;
}

err_t provisioning_version_delete(struct api_call *c)
{
    auto_template_row r = { 0 };
    const char *name;
    int64_t version = 0, gone;
    err_t e;

    if ((e = template_row_of_label(c, &name, &r)) || (e = api_param_int(c, "versionId", &version)))
        return e;
    if (version == r.default_version)
        return api_fail(c, API_DELETE_CONFLICT,
                        "Version %lld is the default of provisioning template %s: make another one the"
                        " default first",
                        (long long)version, name);
    if ((e = db_run(c->db, "DELETE FROM provisioning_versions WHERE template = $1 AND version = $2",
                    DB_ARGS(DB_TEXT(name), DB_INT(version)), &gone)))
        return e;
    return gone ? ERR_OK : no_version(c, name, version);
}

struct list {
    struct api_page page;
    int64_t of_default;
};

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct list *l = ctx;
    int64_t version = db_int(row, 0);

    if (!api_page_room(&l->page))
        return ERR_OK;
    return api_page_add(&l->page,
                        json_pack("{s:I,s:o,s:b}", "versionId", (json_int_t)version, "creationDate",
                                  api_seconds(db_int(row, 1)), "isDefaultVersion", version == l->of_default),
                        "%lld", (long long)version);
}

err_t provisioning_version_list(struct api_call *c)
{
    auto_template_row r = { 0 };
    struct list l = { .page = API_PAGE_INIT(c) };
    const char *name;
    int64_t after = 0;
    err_t e;

    if (!(e = template_row_of_label(c, &name, &r)) && !(e = api_param_int(c, "nextToken", &after)) &&
        !(e = api_param_size(c, "maxResults", 25, 250, &l.page.size))) {
        l.of_default = r.default_version;
        e = db_each(
            c->db,
            "SELECT version, created_ms FROM provisioning_versions WHERE template = $1 AND version > $2"
            " ORDER BY version LIMIT $3",
            DB_ARGS(DB_TEXT(name), DB_INT(after), DB_INT(l.page.size + 1)), list_row, &l);
    }
    if (!e)
        e = api_page_reply(&l.page, "versions", "nextToken");
    api_page_done(&l.page);
    return e;
}
