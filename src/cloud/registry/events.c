/* Which registry events are published: the account's event configurations (iot-core reference 4.4, 4.5). */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/records.h"

#define KIND "settings"
#define NAME "eventConfigurations"

static const char *const types[] = { "THING",
                                     "THING_GROUP",
                                     "THING_TYPE",
                                     "THING_GROUP_MEMBERSHIP",
                                     "THING_GROUP_HIERARCHY",
                                     "THING_TYPE_ASSOCIATION",
                                     "JOB",
                                     "JOB_EXECUTION",
                                     "POLICY",
                                     "CERTIFICATE",
                                     "CA_CERTIFICATE",
                                     NULL };
static const struct api_field enabled = { "Enabled", API_BOOL };

/* All types, off. */
static json_t *everything_off(void)
{
    auto_json *all = json_object();

    for (size_t i = 0; all && types[i]; i++) {
        if (json_object_set_new(all, types[i], json_pack("{s:b}", "Enabled", 0)) != 0)
            return NULL;
    }
    return steal(&all);
}

/* What is stored, over all types: one that came later is off. ERR_NOT_FOUND leaves them all off. */
static err_t load(struct api_call *c, struct record *r, json_t **ret)
{
    auto_json *all = everything_off();
    err_t e;

    if (!all)
        return ERR_NOMEM;
    e = record_load(c, KIND, NAME, r);
    if (!e && json_object_update(all, r->content) != 0)
        return ERR_NOMEM;
    if (!e || e == ERR_NOT_FOUND)
        *ret = steal(&all);
    return e;
}

err_t event_configurations_describe(struct api_call *c)
{
    auto_record r = { 0 };
    auto_json *all = NULL, *answer = NULL;
    err_t e = load(c, &r, &all);

    if (e && e != ERR_NOT_FOUND)
        return e;
    answer = json_pack("{s:O}", "eventConfigurations", all);
    if (!answer || (!e && (json_object_set_new(answer, "creationDate", api_seconds(r.created_ms)) != 0 ||
                           json_object_set_new(answer, "lastModifiedDate", api_seconds(r.modified_ms)) != 0)))
        return ERR_NOMEM;
    return api_reply(c, steal(&answer));
}

err_t event_is_on(struct api_call *c, const char *type, bool *ret)
{
    auto_record r = { 0 };
    err_t e = record_load(c, KIND, NAME, &r);

    if (e && e != ERR_NOT_FOUND)
        return e;
    *ret = !e && json_get_bool(json_get_obj(r.content, type), enabled.name, false);
    return ERR_OK;
}

static err_t change(struct api_call *c, const char *type, const json_t *to, json_t *all)
{
    json_t *have = json_object_get(all, type);

    if (!have)
        return api_fail(c, API_INVALID_REQUEST, "'%.60s' is no type of event", type);
    if (!json_is_object(to))
        return api_fail(c, API_INVALID_REQUEST, "the configuration of %s must be {Enabled}", type);
    return api_fields_take(c, to, &enabled, 1, true, have);
}

err_t event_configurations_update(struct api_call *c)
{
    json_t *given = json_object_get(c->body, "eventConfigurations"), *to;
    auto_record r = { 0 };
    auto_json *all = NULL;
    const char *type;
    err_t e;

    if (given && !json_is_object(given))
        return api_fail(c, API_INVALID_REQUEST, "eventConfigurations must be a map of types to {Enabled}");
    if ((e = load(c, &r, &all)) && e != ERR_NOT_FOUND)
        return e;
    json_object_foreach(given, type, to)
    {
        if ((e = change(c, type, to, all)))
            return e;
    }
    return record_put(c, KIND, NAME, all);
}
