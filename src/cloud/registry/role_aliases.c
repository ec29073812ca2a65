/* Role aliases: what a device asks credentials for (iot-core reference 9.3). */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/records.h"
#include "cloud/registry/tags.h"

#define KIND "rolealias"
#define DURATION_DEFAULT 3600

static const struct api_field fields[] = {
    { "roleArn", API_TEXT, 20, 2048, .required = true },
    { "credentialDurationSeconds", API_INT, 900, 43200 },
};

static err_t not_found(struct api_call *c, const char *name)
{
    return api_fail(c, API_NOT_FOUND, "Role alias %.128s not found", name);
}

static err_t load_known(struct api_call *c, const char *name, struct record *r)
{
    err_t e = record_load(c, KIND, name, r);

    return e == ERR_NOT_FOUND ? not_found(c, name) : e;
}

static err_t reply_name(struct api_call *c, const char *name)
{
    char arn[ARN_MAX];

    return api_reply(c,
                     json_pack("{s:s,s:s}", "roleAlias", name, "roleAliasArn", arn_iot(c, KIND, name, arn)));
}

err_t role_alias_create(struct api_call *c)
{
    auto_json *content = json_pack("{s:i}", "credentialDurationSeconds", DURATION_DEFAULT);
    const char *name;
    char arn[ARN_MAX];
    err_t e;

    if (!content)
        return ERR_NOMEM;
    if ((e = name_alias(c, "roleAlias", &name)) ||
        (e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), true, content)))
        return e;
    if ((e = record_insert(c, KIND, name, content)) == ERR_EXISTS)
        return api_fail_exists(c, arn_iot(c, KIND, name, arn), name, "Role alias %s already exists", name);
    if (e || (e = tags_of_creation(c, KIND, name)))
        return e;
    return reply_name(c, name);
}

err_t role_alias_describe(struct api_call *c)
{
    auto_record r = { 0 };
    auto_json *d = NULL;
    const char *name;
    char arn[ARN_MAX];
    err_t e;

    if ((e = name_alias(c, "roleAlias", &name)) || (e = load_known(c, name, &r)))
        return e;
    d = json_pack("{s:s,s:s,s:s,s:o,s:o}", "roleAlias", name, "roleAliasArn", arn_iot(c, KIND, name, arn),
                  "owner", c->env->account, "creationDate", api_seconds(r.created_ms), "lastModifiedDate",
                  api_seconds(r.modified_ms));
    if (!d || json_object_update(d, r.content) != 0)
        return ERR_NOMEM;
    return api_reply(c, json_pack("{s:O}", "roleAliasDescription", d));
}

err_t role_alias_update(struct api_call *c)
{
    auto_record r = { 0 };
    const char *name;
    err_t e;

    if ((e = name_alias(c, "roleAlias", &name)) || (e = load_known(c, name, &r)) ||
        (e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), false, r.content)) ||
        (e = record_put(c, KIND, name, r.content)))
        return e;
    return reply_name(c, name);
}

err_t role_alias_delete(struct api_call *c)
{
    const char *name;
    err_t e;

    if ((e = name_alias(c, "roleAlias", &name)))
        return e;
    e = record_delete(c, KIND, name);
    return e == ERR_NOT_FOUND ? not_found(c, name) : e ? e : tags_drop(c, KIND, name);
}

static json_t *item(const struct api_call *c, const char *name, const json_t *content)
{
    (void)c;
    (void)content;
    return json_string(name);
}

err_t role_alias_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct api_age_marker from;
    err_t e;

    if ((e = api_age_marker(c, name_alias_ok, &from)) ||
        (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = record_list_by_age(&page, KIND, &from, item, 0)))
        return e;
    return api_page_reply(&page, "roleAliases", "nextMarker");
}
