#include "cloud/greengrass/kinds.h"

#include "base/mem.h"
#include "cloud/greengrass/functions.h"
#include "cloud/registry/names.h"

#include <ctype.h>

static err_t invalid(struct api_call *c, const struct gg_kind *k, const char *detail)
{
    return api_fail(c, API_GG_400, "The %s definition is invalid or corrupted. (ErrorDetails: [%s])", k->name,
                    detail);
}

static const char *need(const json_t *entity, const char *member)
{
    const char *s = json_get_str(entity, member);

    return s && *s ? s : NULL;
}

static err_t check_thing(struct api_call *c, const struct gg_kind *k, const json_t *version,
                         const json_t *entity)
{
    const char *thing = need(entity, "ThingArn"), *cert = need(entity, "CertificateArn");
    const char *name = thing ? arn_name(c->env, thing, "thing") : NULL;
    const char *id = cert ? arn_name(c->env, cert, "cert") : NULL;

    if (!name || !name_thing_ok(name))
        return invalid(c, k, "ThingArn is not the ARN of a thing of this account");
    if (!id || !name_cert_ok(id))
        return invalid(c, k, "CertificateArn is not the ARN of a certificate of this account");
    return ERR_OK;
}

static bool one_of(const char *s, const char *const *names)
{
    for (size_t i = 0; s && names[i]; i++) {
        if (strcmp(s, names[i]) == 0)
            return true;
    }
    return false;
}

static err_t check_logger(struct api_call *c, const struct gg_kind *k, const json_t *version,
                          const json_t *entity)
{
    static const char *const types[] = { "FileSystem", "AWSCloudWatch", NULL };
    static const char *const components[] = { "GreengrassSystem", "Lambda", NULL };
    static const char *const levels[] = { "DEBUG", "INFO", "WARN", "ERROR", "FATAL", NULL };
    const char *type = need(entity, "Type");
    json_int_t space = json_get_int(entity, "Space", 0);

    if (!one_of(type, types))
        return invalid(c, k, "Type must be FileSystem or AWSCloudWatch");
    if (!one_of(need(entity, "Component"), components))
        return invalid(c, k, "Component must be GreengrassSystem or Lambda");
    if (!one_of(need(entity, "Level"), levels))
        return invalid(c, k, "Level must be DEBUG, INFO, WARN, ERROR or FATAL");
    if (strcmp(type, "FileSystem") == 0 && space <= 0)
        return invalid(c, k, "Space (KB) is required for Type FileSystem");
    return ERR_OK;
}

static bool party_ok(const char *s)
{
    return s && (strcmp(s, "cloud") == 0 || strcmp(s, "GGShadowService") == 0 || strncmp(s, "arn:", 4) == 0);
}

static err_t check_subscription(struct api_call *c, const struct gg_kind *k, const json_t *version,
                                const json_t *entity)
{
    const char *id = json_get_str(entity, "Id"), *source = json_get_str(entity, "Source");
    const char *target = json_get_str(entity, "Target"), *subject = need(entity, "Subject");
    char detail[320];

    if (!party_ok(source)) {
        (void)snprintf(detail, sizeof(detail),
                       "Subscription source is invalid. ID is '%.100s' and Source is '%.140s'", id,
                       source ? source : "");
        return invalid(c, k, detail);
    }
    if (!party_ok(target)) {
        (void)snprintf(detail, sizeof(detail),
                       "Subscription target is invalid. ID is '%.100s' and Target is '%.140s'", id,
                       target ? target : "");
        return invalid(c, k, detail);
    }
    if (!subject || strlen(subject) > 256)
        return invalid(c, k, "Subject must be a topic filter of 1 to 256 bytes");
    return ERR_OK;
}

static err_t check_function(struct api_call *c, const struct gg_kind *k, const json_t *version,
                            const json_t *entity)
{
    char detail[GG_DETAIL_MAX];
    const char *wrong = gg_function_wrong(entity, json_object_get(version, "DefaultConfig"), detail);
    const char *arn = json_get_str(entity, "FunctionArn");
    json_t *other;
    size_t i;

    if (wrong)
        return invalid(c, k, wrong);
    json_array_foreach(json_get_arr(version, k->list), i, other)
    {
        const char *its = json_get_str(other, "FunctionArn");
        if (other != entity && its && strcmp(its, arn) == 0)
            return invalid(c, k, "FunctionArn is not unique");
    }
    return ERR_OK;
}

const struct gg_kind gg_kinds[GG_KINDS] = {
    { "cores", "Cores", "CoreDefinitionVersionArn", "Core List", "Cores", NULL, 1, check_thing },
    { "devices", "Devices", "DeviceDefinitionVersionArn", "Device List", "Devices", NULL, 2500, check_thing },
    { "functions", "Functions", "FunctionDefinitionVersionArn", "Lambda List", "Lambda", "Lambdas", 200,
      check_function },
    { "subscriptions", "Subscriptions", "SubscriptionDefinitionVersionArn", "Subscription List",
      "Subscription", "Subscriptions", 10000, check_subscription },
    { "resources", "Resources", "ResourceDefinitionVersionArn", "Resource List", "Resource", "Resources", 200,
      NULL },
    { "loggers", "Loggers", "LoggerDefinitionVersionArn", "Logger List", "Logger", "Logging", 200,
      check_logger },
    { "connectors", "Connectors", "ConnectorDefinitionVersionArn", "Connector List", "Connector",
      "Connectors", 200, NULL },
};

const struct gg_kind *gg_kind_find(const char *name)
{
    for (size_t i = 0; i < GG_KINDS; i++) {
        if (strcmp(gg_kinds[i].name, name) == 0)
            return &gg_kinds[i];
    }
    return NULL;
}

/* Ids are unique within the version (7.3). `seen` is an object used as a set. */
static err_t check_id(struct api_call *c, const struct gg_kind *k, const json_t *entity, json_t *seen)
{
    const char *id = json_get_str(entity, "Id");

    if (!id || !name_thing_ok(id)) /* the same alphabet and length */
        return invalid(c, k, "Id must be 1 to 128 of [a-zA-Z0-9:_-]");
    if (json_object_get(seen, id))
        return invalid(c, k, "Id is not unique");
    return json_object_set_new(seen, id, json_true()) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t check_entities(struct api_call *c, const struct gg_kind *k, const json_t *version,
                            const json_t *list)
{
    auto_json *seen = json_object();
    json_t *entity;
    size_t i;
    err_t e = seen ? ERR_OK : ERR_NOMEM;

    json_array_foreach(list, i, entity)
    {
        if (e)
            break;
        if (!json_is_object(entity))
            return invalid(c, k, "an entity is not an object");
        if (!(e = check_id(c, k, entity, seen)) && k->check)
            e = k->check(c, k, version, entity);
    }
    return e;
}

/* Only functions have it. */
static err_t take_defaults(struct api_call *c, const struct gg_kind *k, json_t *version, json_t *out)
{
    json_t *defaults = k->check == check_function ? json_object_get(version, "DefaultConfig") : NULL;
    char detail[GG_DETAIL_MAX];
    const char *wrong;

    if (!defaults || json_is_null(defaults))
        return ERR_OK;
    if ((wrong = gg_defaults_wrong(defaults, detail)))
        return invalid(c, k, wrong);
    return json_object_set(out, "DefaultConfig", defaults) == 0 ? ERR_OK : ERR_NOMEM;
}

err_t gg_kind_read(struct api_call *c, const struct gg_kind *k, json_t *version, json_t **ret)
{
    json_t *list = json_object_get(version, k->list);
    auto_json *out = list ? json_pack("{s:O}", k->list, list) : json_pack("{s:[]}", k->list);
    err_t e = out ? ERR_OK : ERR_NOMEM;

    if (list && !json_is_array(list))
        return invalid(c, k, "the list of entities is not a list");
    if (json_array_size(list) > k->max)
        return k->max == 1 ? invalid(c, k, "a group has one core") : invalid(c, k, "too many entities");
    if (e || (e = take_defaults(c, k, version, out)) || (e = check_entities(c, k, version, list)))
        return e;
    *ret = steal(&out);
    return ERR_OK;
}
