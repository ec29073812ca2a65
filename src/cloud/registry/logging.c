/* The account's logging settings, V1 and V2 (iot-core reference 9.7). */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/records.h"

#include <stdio.h>

#define SETTINGS "settings"
#define V1 "loggingOptions"
#define V2 "v2LoggingOptions"
#define LEVEL "logLevel" /* the kind of the records of targets; their names are TYPE/NAME */
#define LEVEL_NAME_MAX 600u

static const char *const levels[] = { "DEBUG", "INFO", "WARN", "ERROR", "DISABLED", NULL };
static const char *const targets[] = { "THING_GROUP", "CLIENT_ID", "SOURCE_IP", "PRINCIPAL_ID", NULL };
static const char *const all_targets[] = { "DEFAULT",   "THING_GROUP",  "CLIENT_ID",
                                           "SOURCE_IP", "PRINCIPAL_ID", NULL };

static const struct api_field v1_fields[] = {
    { "roleArn", API_TEXT, 20, 2048, .required = true },
    { "logLevel", API_ENUM, .values = levels },
};
static const struct api_field v2_fields[] = {
    { "roleArn", API_TEXT, 20, 2048 },
    { "defaultLogLevel", API_ENUM, .values = levels },
    { "disableAllLogs", API_BOOL },
};
static const struct api_field level_fields[] = { { "logLevel", API_ENUM, .values = levels,
                                                   .required = true } };
static const struct api_field target_fields[] = {
    { "targetType", API_ENUM, .values = targets, .required = true },
    { "targetName", API_TEXT, 1, 256, .required = true },
};

/* The settings `name`, or `initial` (taken) when they were never set. */
static err_t load_or(struct api_call *c, const char *name, json_t *initial, json_t **ret)
{
    auto_json *first = initial;
    auto_record r = { 0 };
    err_t e;

    if (!first)
        return ERR_NOMEM;
    e = record_load(c, SETTINGS, name, &r);
    if (!e)
        *ret = json_incref(r.content);
    if (e == ERR_NOT_FOUND) {
        *ret = steal(&first);
        e = ERR_OK;
    }
    return e;
}

err_t logging_set_v1(struct api_call *c)
{
    auto_json *content = NULL;
    err_t e;

    if ((e = load_or(c, V1, json_pack("{s:s}", "logLevel", "DISABLED"), &content)) ||
        (e = api_fields_take(c, c->body, v1_fields, ARRAY_LEN(v1_fields), true, content)))
        return e;
    return record_put(c, SETTINGS, V1, content);
}

err_t logging_get_v1(struct api_call *c)
{
    auto_json *content = NULL;
    err_t e = load_or(c, V1, json_pack("{s:s}", "logLevel", "DISABLED"), &content);

    return e ? e : api_reply(c, steal(&content));
}

static json_t *v2_initial(void)
{
    return json_pack("{s:s,s:b}", "defaultLogLevel", "DISABLED", "disableAllLogs", 0);
}

err_t logging_set_v2(struct api_call *c)
{
    auto_json *content = NULL;
    err_t e;

    if ((e = load_or(c, V2, v2_initial(), &content)) ||
        (e = api_fields_take(c, c->body, v2_fields, ARRAY_LEN(v2_fields), false, content)))
        return e;
    return record_put(c, SETTINGS, V2, content);
}

/* NotConfiguredException until SetV2LoggingOptions was called. */
static err_t load_v2(struct api_call *c, struct record *r)
{
    err_t e = record_load(c, SETTINGS, V2, r);

    return e == ERR_NOT_FOUND
               ? api_fail(c, API_NOT_CONFIGURED, "logging is not configured: call SetV2LoggingOptions first")
               : e;
}

err_t logging_get_v2(struct api_call *c)
{
    auto_record r = { 0 };
    err_t e = load_v2(c, &r);

    return e ? e : api_reply(c, json_incref(r.content));
}

/* ---- levels of single targets ---- */

static void record_name(const char *type, const char *name, char ret[LEVEL_NAME_MAX])
{
    (void)snprintf(ret, LEVEL_NAME_MAX, "%s/%s", type, name);
}

err_t logging_set_level(struct api_call *c)
{
    auto_json *target = json_object(), *content = json_object();
    auto_record options = { 0 };
    char name[LEVEL_NAME_MAX];
    err_t e;

    if (!target || !content)
        return ERR_NOMEM;
    if (!json_is_object(json_object_get(c->body, "logTarget")))
        return api_fail(c, API_INVALID_REQUEST, "logTarget is required");
    if ((e = api_fields_take(c, json_get_obj(c->body, "logTarget"), target_fields, ARRAY_LEN(target_fields),
                             true, target)) ||
        (e = api_fields_take(c, c->body, level_fields, ARRAY_LEN(level_fields), true, content)) ||
        (e = load_v2(c, &options)))
        return e;
    if (json_object_set(content, "logTarget", target) != 0)
        return ERR_NOMEM;
    record_name(json_get_str(target, "targetType"), json_get_str(target, "targetName"), name);
    return record_put(c, LEVEL, name, content);
}

err_t logging_delete_level(struct api_call *c)
{
    const char *type = NULL, *target = api_param(c, "targetName");
    char name[LEVEL_NAME_MAX];
    err_t e;

    if ((e = api_param_enum(c, "targetType", all_targets, &type)))
        return e;
    if (!type || !target || !*target || strlen(target) > 512)
        return api_fail(c, API_INVALID_REQUEST, "targetType and targetName are required");
    record_name(type, target, name);
    e = record_delete(c, LEVEL, name);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static json_t *item(const struct api_call *c, const char *name, const json_t *content)
{
    (void)c;
    (void)name;
    return json_incref((json_t *)content);
}

static bool token_ok(const char *s)
{
    return strchr(s, '/') && strlen(s) < LEVEL_NAME_MAX;
}

err_t logging_list_levels(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    auto_record options = { 0 };
    const char *after, *type = NULL;
    char first[32] = "", below[32] = "\x7f";
    err_t e;

    if ((e = api_param_enum(c, "targetType", all_targets, &type)) ||
        (e = api_name_marker(c, "nextToken", token_ok, &after)) ||
        (e = api_param_size(c, "maxResults", 25, 250, &page.size)) || (e = load_v2(c, &options)))
        return e;
    if (type) {
        (void)snprintf(first, sizeof(first), "%s/", type);
        (void)snprintf(below, sizeof(below), "%s0", type); /* '0' is what follows '/' */
    }
    if ((e = record_list_by_name(&page, LEVEL, strcmp(after, first) > 0 ? after : first, below, item)))
        return e;
    return api_page_reply(&page, "logTargetConfigurations", "nextToken");
}
