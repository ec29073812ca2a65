#include "cloud/provisioning/template.h"

#include "base/mem.h"
#include "cloud/api/field.h"

#include <stdio.h>
#include <strings.h>

#define DEPTH_MAX 32u
#define NAME_MAX_LEN 128u
#define NAME_SHOWN 80

struct template
{
    json_t *doc;
    const json_t *parameters, *mappings, *resources, *device; /* parts of it, or NULL */
    const char *thing_key, *certificate_key;                  /* NULL: none */
    size_t policies;
    enum template_override attributes, type, groups, status;
};

__attribute__((format(printf, 2, 3))) static err_t refuse(char why[TEMPLATE_WHY_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, TEMPLATE_WHY_MAX, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

void template_free(struct template *t)
{
    if (t)
        json_decref(t->doc);
    free(t);
}

void template_free_ptr(struct template **t)
{
    template_free(*t);
    *t = NULL;
}

void template_plan_done(struct template_plan *p)
{
    json_decref_ptr(&p->thing);
    json_decref_ptr(&p->certificate);
    json_decref_ptr(&p->policies);
    json_decref_ptr(&p->device_configuration);
    *p = (struct template_plan){ 0 };
}

/* ---- parameters and maps ---- */

static bool is_number(const char *text)
{
    char *end;

    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    (void)strtod(text, &end);
    return *end == 0;
}

static bool declares_number(const json_t *declaration)
{
    const char *type = json_get_str(declaration, "Type");

    return type && strcmp(type, "Number") == 0;
}

static err_t check_parameter(const char *name, const json_t *p, char why[TEMPLATE_WHY_MAX])
{
    const char *type = json_get_str(p, "Type");
    const json_t *value = json_object_get(p, "Default");

    if (!*name || strlen(name) > NAME_MAX_LEN)
        return refuse(why, "a parameter's name has from 1 to %u characters", NAME_MAX_LEN);
    if (!type || (strcmp(type, "String") != 0 && strcmp(type, "Number") != 0))
        return refuse(why, "parameter '%.*s' needs a Type: String or Number", NAME_SHOWN, name);
    if (value && !json_is_string(value))
        return refuse(why, "the Default of parameter '%.*s' must be a text", NAME_SHOWN, name);
    if (value && declares_number(p) && !is_number(json_string_value(value)))
        return refuse(why, "the Default of parameter '%.*s' is no number", NAME_SHOWN, name);
    return ERR_OK;
}

static err_t check_parameters(const struct template *t, char why[TEMPLATE_WHY_MAX])
{
    const char *name;
    json_t *p;
    err_t e;

    if (t->parameters && !json_is_object(t->parameters))
        return refuse(why, "Parameters must be an object");
    if (json_object_size(t->parameters) > TEMPLATE_PARAMETERS_MAX)
        return refuse(why, "a template can have at most %u parameters", TEMPLATE_PARAMETERS_MAX);
    json_object_foreach((json_t *)t->parameters, name, p)
    {
        if ((e = check_parameter(name, p, why)))
            return e;
    }
    return ERR_OK;
}

/* {map: {key: {key: text}}}: no functions in there (2.5). */
static err_t check_mappings(const struct template *t, char why[TEMPLATE_WHY_MAX])
{
    const char *map, *key, *name;
    json_t *keys, *values, *value;

    if (t->mappings && !json_is_object(t->mappings))
        return refuse(why, "Mappings must be an object");
    json_object_foreach((json_t *)t->mappings, map, keys)
    {
        if (!json_is_object(keys))
            return refuse(why, "the map '%.*s' must be an object", NAME_SHOWN, map);
        json_object_foreach(keys, key, values)
        {
            if (!json_is_object(values))
                return refuse(why, "'%.*s' in the map '%.*s' must be an object", NAME_SHOWN, key, NAME_SHOWN,
                              map);
            json_object_foreach(values, name, value)
            {
                if (!json_is_string(value))
                    return refuse(why, "'%.*s' in the map '%.*s' must be a text", NAME_SHOWN, name,
                                  NAME_SHOWN, map);
            }
        }
    }
    return ERR_OK;
}

/* ---- resources ---- */

static err_t read_override(const char *setting, const json_t *j, bool merge, enum template_override *ret,
                           char why[TEMPLATE_WHY_MAX])
{
    static const struct {
        const char *name;
        enum template_override value;
    } values[] = { { "DO_NOTHING", TEMPLATE_DO_NOTHING },
                   { "REPLACE", TEMPLATE_REPLACE },
                   { "FAIL", TEMPLATE_FAIL },
                   { "MERGE", TEMPLATE_MERGE } };

    for (size_t i = 0; json_is_string(j) && i < ARRAY_LEN(values); i++) {
        if (strcmp(json_string_value(j), values[i].name) != 0 ||
            (values[i].value == TEMPLATE_MERGE && !merge))
            continue;
        *ret = values[i].value;
        return ERR_OK;
    }
    return refuse(why, "OverrideSettings: %.*s must be DO_NOTHING, REPLACE%s FAIL%s", NAME_SHOWN, setting,
                  merge ? "," : " or", merge ? " or MERGE" : "");
}

struct setting {
    const char *name;
    bool merge;
    enum template_override *to;
};

static err_t read_overrides(const json_t *resource, const struct setting *settings, size_t n,
                            char why[TEMPLATE_WHY_MAX])
{
    json_t *given = json_object_get(resource, "OverrideSettings"), *value;
    const char *name;
    size_t i;
    err_t e;

    if (given && !json_is_object(given))
        return refuse(why, "OverrideSettings must be an object");
    json_object_foreach(given, name, value)
    {
        for (i = 0; i < n && strcmp(settings[i].name, name) != 0;)
            i++;
        if (i == n)
            return refuse(why, "OverrideSettings: '%.*s' is no setting of this resource", NAME_SHOWN, name);
        if ((e = read_override(name, value, settings[i].merge, settings[i].to, why)))
            return e;
    }
    return ERR_OK;
}

/* How many of `names` (up to NULL) are members of `o`? */
static size_t how_many(const json_t *o, const char *const *names)
{
    size_t n = 0;

    for (; *names; names++)
        n += json_object_get(o, *names) != NULL;
    return n;
}

static err_t read_thing(struct template *t, const char *key, const json_t *resource,
                        char why[TEMPLATE_WHY_MAX])
{
    const struct setting settings[] = { { "AttributePayload", true, &t->attributes },
                                        { "ThingTypeName", false, &t->type },
                                        { "ThingGroups", true, &t->groups } };

    if (t->thing_key)
        return refuse(why, "a template can have one AWS::IoT::Thing");
    if (!json_object_get(json_get_obj(resource, "Properties"), "ThingName"))
        return refuse(why, "the resource '%.*s' needs a ThingName", NAME_SHOWN, key);
    t->thing_key = key;
    return read_overrides(resource, settings, ARRAY_LEN(settings), why);
}

static err_t read_certificate(struct template *t, const char *key, const json_t *resource,
                              char why[TEMPLATE_WHY_MAX])
{
    static const char *const sources[] = { "CertificateId", "CertificatePem", "CertificateSigningRequest",
                                           NULL };
    const struct setting settings[] = { { "Status", false, &t->status } };

    if (t->certificate_key)
        return refuse(why, "a template can have one AWS::IoT::Certificate");
    if (how_many(json_get_obj(resource, "Properties"), sources) != 1)
        return refuse(why,
                      "the resource '%.*s' needs one of CertificateId, CertificatePem and "
                      "CertificateSigningRequest",
                      NAME_SHOWN, key);
    t->certificate_key = key;
    return read_overrides(resource, settings, ARRAY_LEN(settings), why);
}

static err_t read_policy(struct template *t, const char *key, const json_t *resource,
                         char why[TEMPLATE_WHY_MAX])
{
    static const char *const sources[] = { "PolicyName", "PolicyDocument", NULL };

    if (++t->policies > TEMPLATE_POLICIES_MAX)
        return refuse(why, "a template can have at most %u policies", TEMPLATE_POLICIES_MAX);
    if (how_many(json_get_obj(resource, "Properties"), sources) != 1)
        return refuse(why, "the resource '%.*s' needs either a PolicyName or a PolicyDocument", NAME_SHOWN,
                      key);
    return read_overrides(resource, NULL, 0, why);
}

static const struct kind {
    const char *type;
    err_t (*read)(struct template *t, const char *key, const json_t *resource, char why[TEMPLATE_WHY_MAX]);
    const char *const *properties;
} kinds[] = {
    { "AWS::IoT::Thing", read_thing,
      (const char *const[]){ "ThingName", "AttributePayload", "ThingTypeName", "ThingGroups", "BillingGroup",
                             NULL } },
    { "AWS::IoT::Certificate", read_certificate,
      (const char *const[]){ "CertificateId", "CertificatePem", "CertificateSigningRequest",
                             "CACertificatePem", "Status", NULL } },
    { "AWS::IoT::Policy", read_policy, (const char *const[]){ "PolicyName", "PolicyDocument", NULL } },
};

static const struct kind *find_kind(const json_t *resource)
{
    const char *type = json_get_str(resource, "Type");

    for (size_t i = 0; type && i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* The functions in a part of the template; `where` names it in the error. */
static err_t check_functions(const struct template *t, const json_t *j, const char *where,
                             char why[TEMPLATE_WHY_MAX])
{
    struct expression x = { .declared = t->parameters, .mappings = t->mappings };
    err_t e = expression_check(&x, j);

    if (e && x.why[0])
        (void)refuse(why, "%.*s: %s", NAME_SHOWN, where, x.why);
    return e;
}

static err_t read_resource(struct template *t, const char *key, const json_t *resource,
                           char why[TEMPLATE_WHY_MAX])
{
    const json_t *properties = json_get_obj(resource, "Properties");
    const struct kind *kind = find_kind(resource);
    const char *name;
    json_t *value;

    if (!kind)
        return refuse(why,
                      "the resource '%.*s' needs a Type: AWS::IoT::Thing, AWS::IoT::Certificate or "
                      "AWS::IoT::Policy",
                      NAME_SHOWN, key);
    if (!properties)
        return refuse(why, "the resource '%.*s' needs Properties, an object", NAME_SHOWN, key);
    json_object_foreach((json_t *)properties, name, value)
    {
        if (!api_one_of(name, kind->properties))
            return refuse(why, "%s has no property '%.*s'", kind->type, NAME_SHOWN, name);
    }
    err_t e = check_functions(t, properties, key, why);
    return e ? e : kind->read(t, key, resource, why);
}

static err_t read_resources(struct template *t, char why[TEMPLATE_WHY_MAX])
{
    const char *key;
    json_t *resource;
    err_t e;

    if (!json_is_object(t->resources) || json_object_size(t->resources) == 0)
        return refuse(why, "the template needs Resources: an object of what is to be made");
    json_object_foreach((json_t *)t->resources, key, resource)
    {
        if ((e = read_resource(t, key, resource, why)))
            return e;
    }
    if (!t->certificate_key && (t->policies || !t->thing_key))
        return refuse(why, "a policy needs an AWS::IoT::Certificate to be attached to");
    return ERR_OK;
}

/* ---- the whole ---- */

static err_t read_document(struct template *t, char why[TEMPLATE_WHY_MAX])
{
    err_t e;

    t->parameters = json_object_get(t->doc, "Parameters");
    t->mappings = json_object_get(t->doc, "Mappings");
    t->resources = json_object_get(t->doc, "Resources");
    t->device = json_object_get(t->doc, "DeviceConfiguration");
    if (!json_is_object(t->doc))
        return refuse(why, "a template is a JSON object");
    if ((e = check_parameters(t, why)) || (e = check_mappings(t, why)) || (e = read_resources(t, why)))
        return e;
    if (!t->device)
        return ERR_OK;
    if (!json_is_object(t->device))
        return refuse(why, "DeviceConfiguration must be an object");
    return check_functions(t, t->device, "DeviceConfiguration", why);
}

static err_t parse_text(struct slice text, json_t **ret, char why[TEMPLATE_WHY_MAX])
{
    struct json_where where = { 0 };
    err_t e;

    if (text.n > 4 * TEMPLATE_BODY_MAX) {
        (void)refuse(why, "a template has at most %u characters", TEMPLATE_BODY_MAX);
        return ERR_TOO_BIG;
    }
    if ((e = json_parse(text, DEPTH_MAX, ret, &where)) == ERR_INVALID)
        (void)refuse(why, "it is not JSON: line %d, column %d: %s", where.line, where.column, where.text);
    return e;
}

/* Valid UTF-8, as json_parse has seen. */
static err_t check_length(struct slice text, char why[TEMPLATE_WHY_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0u) != 0x80u;
    if (n <= TEMPLATE_BODY_MAX)
        return ERR_OK;
    (void)refuse(why, "a template has at most %u characters, not %zu", TEMPLATE_BODY_MAX, n);
    return ERR_TOO_BIG;
}

err_t template_parse(struct slice text, struct template **ret, char why[TEMPLATE_WHY_MAX])
{
    auto_template *t = mem_calloc(1, sizeof(*t));
    err_t e;

    if (!t)
        return ERR_NOMEM;
    if ((e = parse_text(text, &t->doc, why)) || (e = check_length(text, why)) || (e = read_document(t, why)))
        return e;
    *ret = steal(&t);
    return ERR_OK;
}

static const json_t *properties_of(const struct template *t, const char *key)
{
    return json_get_obj(json_object_get(t->resources, key), "Properties");
}

err_t template_check_device(const struct template *t, char why[TEMPLATE_WHY_MAX])
{
    const json_t *certificate = t->certificate_key ? properties_of(t, t->certificate_key) : NULL;
    const char *ref = json_get_str(json_object_get(certificate, "CertificateId"), "Ref");

    if (ref && strcmp(ref, TEMPLATE_CERTIFICATE_ID) == 0)
        return ERR_OK;
    return refuse(why, "a device's template needs an AWS::IoT::Certificate with the property"
                       " \"CertificateId\": {\"Ref\": \"" TEMPLATE_CERTIFICATE_ID "\"}");
}

/* ---- with parameters ---- */

static err_t check_value(const char *name, const json_t *declaration, const json_t *v,
                         char why[TEMPLATE_WHY_MAX])
{
    if (!json_is_string(v))
        return refuse(why, "the parameter '%.*s' must be a text", NAME_SHOWN, name);
    if (json_string_length(v) > TEMPLATE_VALUE_MAX)
        return refuse(why, "the parameter '%.*s' has more than %u bytes", NAME_SHOWN, name,
                      TEMPLATE_VALUE_MAX);
    if (declares_number(declaration) && !is_number(json_string_value(v)))
        return refuse(why, "the parameter '%.*s' must be a number", NAME_SHOWN, name);
    return ERR_OK;
}

/* Add the declared parameters to what the caller supplies under the service's names. */
static err_t collect(const struct template *t, const json_t *params, json_t *values,
                     char why[TEMPLATE_WHY_MAX])
{
    const char *name;
    json_t *declaration, *v;
    err_t e;

    json_object_foreach((json_t *)params, name, v)
    {
        if (strncmp(name, "AWS::IoT::", 10) == 0 && json_object_set(values, name, v) != 0)
            return ERR_NOMEM;
    }
    json_object_foreach((json_t *)t->parameters, name, declaration)
    {
        v = json_object_get(params, name);
        if (!v)
            v = json_object_get(declaration, "Default");
        if (!v)
            return refuse(why, "the parameter '%.*s' is missing", NAME_SHOWN, name);
        if ((e = check_value(name, declaration, v, why)))
            return e;
        if (json_object_set(values, name, v) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static err_t resolve_part(struct expression *x, const json_t *part, const char *where, json_t **ret,
                          char why[TEMPLATE_WHY_MAX])
{
    err_t e = expression_value(x, part, ret);

    if (e && x->why[0])
        (void)refuse(why, "%.*s: %s", NAME_SHOWN, where, x->why);
    return e;
}

static err_t resolve_policies(const struct template *t, struct expression *x, json_t *policies,
                              char why[TEMPLATE_WHY_MAX])
{
    const char *key;
    json_t *resource, *v;
    err_t e;

    json_object_foreach((json_t *)t->resources, key, resource)
    {
        if (strcmp(json_get_str(resource, "Type"), "AWS::IoT::Policy") != 0)
            continue;
        if ((e = resolve_part(x, properties_of(t, key), key, &v, why)))
            return e;
        if (json_object_set_new(policies, key, v) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

/* A flat object of texts (2.5). */
static err_t check_configuration(const json_t *j, char why[TEMPLATE_WHY_MAX])
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)j, key, v)
    {
        if (!json_is_string(v))
            return refuse(why, "DeviceConfiguration: '%.*s' must be a text", NAME_SHOWN, key);
    }
    return ERR_OK;
}

static err_t resolve_all(const struct template *t, struct expression *x, struct template_plan *p,
                         char why[TEMPLATE_WHY_MAX])
{
    err_t e = ERR_OK;

    if (t->thing_key)
        e = resolve_part(x, properties_of(t, t->thing_key), t->thing_key, &p->thing, why);
    if (!e && t->certificate_key)
        e = resolve_part(x, properties_of(t, t->certificate_key), t->certificate_key, &p->certificate, why);
    if (!e)
        e = resolve_policies(t, x, p->policies, why);
    if (!e && t->device &&
        !(e = resolve_part(x, t->device, "DeviceConfiguration", &p->device_configuration, why)))
        e = check_configuration(p->device_configuration, why);
    if (!e && !p->device_configuration)
        e = (p->device_configuration = json_object()) ? ERR_OK : ERR_NOMEM;
    return e;
}

err_t template_resolve(const struct template *t, const json_t *params, struct template_plan *ret,
                       char why[TEMPLATE_WHY_MAX])
{
    auto_plan plan = { .thing_key = t->thing_key,
                       .certificate_key = t->certificate_key,
                       .policies = json_object(),
                       .attributes = t->attributes,
                       .type = t->type,
                       .groups = t->groups,
                       .status = t->status };
    auto_json *values = json_object();
    struct expression x = { .declared = t->parameters, .mappings = t->mappings, .values = values };
    err_t e;

    if (!plan.policies || !values)
        return ERR_NOMEM;
    if ((e = collect(t, params, values, why)) || (e = resolve_all(t, &x, &plan, why)))
        return e;
    *ret = plan;
    plan = (struct template_plan){ 0 };
    return ERR_OK;
}
