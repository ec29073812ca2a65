#include "cloud/greengrass/functions.h"

#include "base/mem.h"
#include "cloud/registry/names.h"

#include <stdio.h>
#include <stdlib.h>

#define SYSTEM_PREFIX "arn:aws:lambda:::function:"
#define POLICIES_MAX 20u /* 7.4 */
#define TEXT_MAX 1024u
#define VARIABLES_MAX 256u
#define VARIABLES_BYTES_MAX 65536u
#define SPOOL_MIN 262144
#define FUNCTION_ARN_MAX 256u

#define WRONG(...) ((void)snprintf(detail, GG_DETAIL_MAX, __VA_ARGS__), (const char *)detail)

bool gg_is_system_function(const char *arn)
{
    return strncmp(arn, SYSTEM_PREFIX, strlen(SYSTEM_PREFIX)) == 0;
}

static bool one_of(const char *s, const char *a, const char *b)
{
    return s && (strcmp(s, a) == 0 || strcmp(s, b) == 0);
}

static json_t *environment_of(const json_t *entity)
{
    return json_get_obj(json_get_obj(entity, "FunctionConfiguration"), "Environment");
}

const char *gg_isolation(const json_t *entity, const json_t *defaults)
{
    const char *mode = json_get_str(json_get_obj(environment_of(entity), "Execution"), "IsolationMode");

    if (!mode)
        mode = json_get_str(json_get_obj(defaults, "Execution"), "IsolationMode");
    return mode ? mode : GG_CONTAINER;
}

/* ---- types ---- */

struct member {
    const char *name;
    json_type type;
    int64_t min, max; /* of a number; a text's length */
};

static bool fits(const json_t *v, const struct member *m)
{
    switch (m->type) {
    case JSON_INTEGER:
        return json_is_integer(v) && json_integer_value(v) >= m->min && json_integer_value(v) <= m->max;
    case JSON_STRING:
        return json_is_string(v) && json_string_length(v) <= (size_t)m->max;
    case JSON_TRUE:
        return json_is_boolean(v);
    default:
        return json_typeof(v) == m->type;
    }
}

/* The first member of `parent` that does not fit, NULL: all do. Absent is fine. */
static const char *misfit(const json_t *parent, const struct member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_object_get(parent, members[i].name);
        if (v && !fits(v, &members[i]))
            return members[i].name;
    }
    return NULL;
}

static const struct member configuration_members[] = {
    { "Environment", JSON_OBJECT, 0, 0 },      { "Pinned", JSON_TRUE, 0, 0 },
    { "Timeout", JSON_INTEGER, 1, INT32_MAX }, { "MemorySize", JSON_INTEGER, 0, INT32_MAX },
    { "EncodingType", JSON_STRING, 0, 16 },    { "Executable", JSON_STRING, 0, TEXT_MAX },
    { "ExecArgs", JSON_STRING, 0, TEXT_MAX },  { "FunctionRuntimeOverride", JSON_STRING, 0, 128 },
};

static const struct member environment_members[] = {
    { "AccessSysfs", JSON_TRUE, 0, 0 },
    { "Execution", JSON_OBJECT, 0, 0 },
    { "Variables", JSON_OBJECT, 0, 0 },
    { "ResourceAccessPolicies", JSON_ARRAY, 0, 0 },
};

static const struct member execution_members[] = {
    { "IsolationMode", JSON_STRING, 0, 32 },
    { "RunAs", JSON_OBJECT, 0, 0 },
};

static const struct member run_as_members[] = {
    { "Uid", JSON_INTEGER, 0, INT32_MAX },
    { "Gid", JSON_INTEGER, 0, INT32_MAX },
};

/* ---- parts ---- */

static const char *execution_wrong(const json_t *execution, char detail[GG_DETAIL_MAX])
{
    const char *mode = json_get_str(execution, "IsolationMode");
    const char *name = misfit(execution, execution_members, ARRAY_LEN(execution_members));

    if (!name)
        name = misfit(json_get_obj(execution, "RunAs"), run_as_members, ARRAY_LEN(run_as_members));
    if (name)
        return WRONG("%s of Execution has a wrong type, or a value out of bounds", name);
    if (mode && !one_of(mode, GG_CONTAINER, GG_NO_CONTAINER))
        return WRONG("IsolationMode must be " GG_CONTAINER " or " GG_NO_CONTAINER);
    return NULL;
}

const char *gg_defaults_wrong(const json_t *defaults, char detail[GG_DETAIL_MAX])
{
    const json_t *execution = json_object_get(defaults, "Execution");

    if (defaults && (!json_is_object(defaults) || (execution && !json_is_object(execution))))
        return WRONG("DefaultConfig must be an object with the object Execution");
    return execution_wrong(execution, detail);
}

static const char *variables_wrong(json_t *variables, const char *arn, char detail[GG_DETAIL_MAX])
{
    const char *name;
    size_t bytes = 0;
    json_t *v;

    if (json_object_size(variables) > VARIABLES_MAX)
        return WRONG("function %.140s has over %u environment variables", arn, VARIABLES_MAX);
    json_object_foreach(variables, name, v)
    {
        /* some tools send numbers */
        if (!*name || strchr(name, '=') || (!json_is_string(v) && !json_is_integer(v)))
            return WRONG("function %.140s: the environment variable '%.64s' is not a name and a text", arn,
                         name);
        bytes += strlen(name) + json_string_length(v);
    }
    return bytes <= VARIABLES_BYTES_MAX
               ? NULL
               : WRONG("function %.140s: its environment has over %u bytes", arn, VARIABLES_BYTES_MAX);
}

static const char *policies_wrong(const json_t *policies, const char *arn, char detail[GG_DETAIL_MAX])
{
    const json_t *p;
    size_t i;

    if (json_array_size(policies) > POLICIES_MAX)
        return WRONG("function %.140s has over %u ResourceAccessPolicies", arn, POLICIES_MAX);
    json_array_foreach(policies, i, p)
    {
        const char *id = json_get_str(p, "ResourceId"), *permission = json_get_str(p, "Permission");
        if (!id || !name_thing_ok(id) || (permission && !one_of(permission, "ro", "rw")))
            return WRONG(
                "function %.140s: a ResourceAccessPolicy needs a ResourceId, and its Permission is ro or rw",
                arn);
    }
    return NULL;
}

static const char *types_wrong(const json_t *conf, const json_t *env, const char *arn,
                               char detail[GG_DETAIL_MAX])
{
    const char *encoding = json_get_str(conf, "EncodingType");
    const char *runtime = json_get_str(conf, "FunctionRuntimeOverride");
    const char *name = misfit(conf, configuration_members, ARRAY_LEN(configuration_members));

    if (!name)
        name = misfit(env, environment_members, ARRAY_LEN(environment_members));
    if (name)
        return WRONG("function %.140s: %s has a wrong type, or a value out of bounds", arn, name);
    if (encoding && !one_of(encoding, "json", "binary"))
        return WRONG("function %.140s: EncodingType must be json or binary", arn);
    if (encoding && strcmp(encoding, "json") == 0 && runtime && strcmp(runtime, GG_EXECUTABLE) == 0)
        return WRONG("function %.140s: EncodingType of an executable must be binary", arn);
    return NULL;
}

/* ---- the core's own functions ---- */

/* GG_CONFIG_MAX_SIZE_BYTES: a text of digits, or a number. */
static bool spool_size_ok(const json_t *v)
{
    const char *text = json_string_value(v);

    if (json_is_integer(v))
        return json_integer_value(v) >= SPOOL_MIN;
    return text && *text && strlen(text) <= 12 && strspn(text, "0123456789") == strlen(text) &&
           strtoll(text, NULL, 10) >= SPOOL_MIN;
}

static const char *spooler_wrong(const json_t *variables, char detail[GG_DETAIL_MAX])
{
    const json_t *size = json_object_get(variables, "GG_CONFIG_MAX_SIZE_BYTES");
    const json_t *kind = json_object_get(variables, "GG_CONFIG_STORAGE_TYPE");
    const json_t *quality = json_object_get(variables, "GG_CONFIG_SUBSCRIPTION_QUALITY");

    if (size && !spool_size_ok(size))
        return WRONG("GG_CONFIG_MAX_SIZE_BYTES of GGCloudSpooler must be a number of at least %d", SPOOL_MIN);
    if (kind && !one_of(json_string_value(kind), "Memory", "FileSystem"))
        return WRONG("GG_CONFIG_STORAGE_TYPE of GGCloudSpooler must be Memory or FileSystem");
    if (quality && !one_of(json_string_value(quality), "AtMostOnce", "AtLeastOncePersistent"))
        return WRONG("GG_CONFIG_SUBSCRIPTION_QUALITY of GGCloudSpooler must be AtMostOnce or "
                     "AtLeastOncePersistent");
    return NULL;
}

static const char *system_wrong(const char *arn, const json_t *env, char detail[GG_DETAIL_MAX])
{
    bool bare = one_of(arn, GG_SPOOLER, SYSTEM_PREFIX "GGIPDetector:1");

    if (!bare && strcmp(arn, SYSTEM_PREFIX "GGStreamManager:1") != 0)
        return WRONG("there is no system function %.140s", arn);
    if (bare && json_object_get(env, "Execution"))
        return WRONG("Execution configuration for function with arn %.140s is not allowed", arn);
    return strcmp(arn, GG_SPOOLER) == 0 ? spooler_wrong(json_get_obj(env, "Variables"), detail) : NULL;
}

/* ---- the whole ---- */

static const char *settings_wrong(const json_t *entity, const json_t *defaults, const char *arn,
                                  char detail[GG_DETAIL_MAX])
{
    const json_t *conf = json_get_obj(entity, "FunctionConfiguration"), *env = environment_of(entity);
    const char *wrong = types_wrong(conf, env, arn, detail);

    if (!wrong)
        wrong = variables_wrong(json_get_obj(env, "Variables"), arn, detail);
    if (!wrong)
        wrong = policies_wrong(json_get_arr(env, "ResourceAccessPolicies"), arn, detail);
    if (!wrong)
        wrong = execution_wrong(json_get_obj(env, "Execution"), detail);
    if (wrong || gg_is_system_function(arn))
        return wrong ? wrong : system_wrong(arn, env, detail);
    if (json_get_int(conf, "MemorySize", 0) > 0 &&
        strcmp(gg_isolation(entity, defaults), GG_NO_CONTAINER) == 0)
        return WRONG("function %.140s: MemorySize is not allowed with IsolationMode " GG_NO_CONTAINER, arn);
    return NULL;
}

const char *gg_function_wrong(const json_t *entity, const json_t *defaults, char detail[GG_DETAIL_MAX])
{
    const char *arn = json_get_str(entity, "FunctionArn");
    const json_t *conf = json_object_get(entity, "FunctionConfiguration");

    if (!arn || strncmp(arn, "arn:", 4) != 0 || strlen(arn) > FUNCTION_ARN_MAX)
        return WRONG("FunctionArn must be the ARN of a function's version or alias");
    if (conf && !json_is_object(conf))
        return WRONG("FunctionConfiguration of function %.140s must be an object", arn);
    return settings_wrong(entity, defaults, arn, detail);
}
