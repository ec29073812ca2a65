#include "cloud/greengrass/resolve.h"

#include "base/mem.h"
#include "cloud/greengrass/functions.h"

#include <stdarg.h>
#include <stdio.h>

#define TIMEOUT_DEFAULT_S 3
#define MEMORY_DEFAULT_KB 16384
#define UNREFERENCED "remove it from the function definition, or name one that is there"

struct resolver {
    struct api_call *c;
    const json_t *defaults; /* the definition's DefaultConfig */
    struct gg_artifacts *artifacts;
    json_t *known; /* a set: the functions of the group, with their versions */
    char *why;
};

__attribute__((format(printf, 2, 3))) static err_t refuse(const struct resolver *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(r->why, GG_WHY_MAX, fmt, ap);
    va_end(ap);
    for (char *p = r->why; *p; p++) {
        if ((unsigned char)*p >= 0x80) /* a text that was cut may be no UTF-8, which no database takes */
            *p = '?';
    }
    return ERR_INVALID;
}

/* ---- which version an ARN means ---- */

/* A function's name and qualifier from its ARN in this account and region. */
static err_t parse(const struct resolver *r, const char *arn, struct function_name *ret)
{
    char prefix[ARN_MAX];

    function_arn(r->c, "", "", prefix);
    if (strncmp(arn, prefix, strlen(prefix)) != 0)
        return refuse(r, "function %.256s is not one of this account and region (%s...): create it there",
                      arn, prefix);
    if (function_name_parse(r->c->env, arn, ret))
        return refuse(r, "function %.256s: that is not the ARN of a function's version or alias", arn);
    if (!ret->qualifier[0] || strcmp(ret->qualifier, FUNCTION_LATEST) == 0)
        return refuse(r,
                      "function %.256s has no version: %s changes, so it cannot be deployed. Publish a "
                      "version (aws lambda publish-version) and name it, or an alias of it, in the function "
                      "definition",
                      arn, FUNCTION_LATEST);
    return ERR_OK;
}

/* The version's row. An alias is one of Lambda's, as it is now. */
static err_t load(const struct resolver *r, const char *arn, struct function_row *row)
{
    struct function_name n;
    int64_t there;
    err_t e = parse(r, arn, &n);

    if (e || (e = function_row_find(r->c, &n, row)) != ERR_NOT_FOUND)
        return e;
    if ((e = db_one_int(r->c->db, "SELECT count(*) FROM lambda_functions WHERE name = $1",
                        DB_ARGS(DB_TEXT(n.name)), &there)))
        return e;
    if (!there)
        return refuse(r, "function %.256s: there is no function %s: " UNREFERENCED, arn, n.name);
    return refuse(r, "function %.256s: %s has no %s %s: " UNREFERENCED, arn, n.name,
                  function_version_ok(n.qualifier) ? "version" : "alias", n.qualifier);
}

static const char *resolved_arn(const struct resolver *r, const struct function_row *row, char ret[ARN_MAX])
{
    char number[FUNCTION_NUMBER_MAX];

    return function_arn(r->c, row->name, function_number(row->version, number), ret);
}

/* ---- its settings on the core ---- */

static err_t put(json_t *to, const char *name, json_t *value)
{
    return json_object_set_new(to, name, value) == 0 ? ERR_OK : ERR_NOMEM;
}

/* Members that go to the core as they are. */
static err_t copy(json_t *to, const json_t *from, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_object_get(from, names[i]);
        if (v && json_object_set(to, names[i], v) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

/* RunAs: a function's Uid and Gid, either of which may come from the defaults. */
static err_t put_run_as(const struct resolver *r, json_t *to, const json_t *env)
{
    static const char *const names[] = { "Uid", "Gid" };
    auto_json *run_as = json_object();
    err_t e = run_as ? ERR_OK : ERR_NOMEM;

    if (!e)
        e = copy(run_as, json_get_obj(json_get_obj(r->defaults, "Execution"), "RunAs"), names, 2);
    if (!e)
        e = copy(run_as, json_get_obj(json_get_obj(env, "Execution"), "RunAs"), names, 2);
    return e ? e : put(to, "RunAs", steal(&run_as));
}

/* What both kinds of functions have. */
static err_t common_settings(json_t *to, const json_t *conf)
{
    static const char *const settings[] = { "Timeout", "MemorySize", "EncodingType", "Executable",
                                            "ExecArgs" };
    static const char *const environment[] = { "Variables", "AccessSysfs" };
    err_t e = put(to, "Pinned", json_boolean(json_get_bool(conf, "Pinned", false)));

    if (!e)
        e = put(to, "Timeout", json_integer(TIMEOUT_DEFAULT_S));
    if (!e)
        e = copy(to, conf, settings, ARRAY_LEN(settings));
    return e ? e : copy(to, json_get_obj(conf, "Environment"), environment, ARRAY_LEN(environment));
}

/* Native executables speak bytes. */
static err_t put_encoding(const struct resolver *r, json_t *to, const char *arn, const char *runtime)
{
    const char *encoding = json_get_str(to, "EncodingType");
    bool executable = strcmp(runtime, GG_EXECUTABLE) == 0;

    if (executable && encoding && strcmp(encoding, "binary") != 0)
        return refuse(r, "function %.256s is an executable: set its EncodingType to binary, not %.16s", arn,
                      encoding);
    return encoding ? ERR_OK : put(to, "EncodingType", json_string(executable ? "binary" : "json"));
}

static err_t put_code(const struct resolver *r, json_t *to, const struct function_row *row,
                      const json_t *conf)
{
    const char *runtime = json_get_str(conf, "FunctionRuntimeOverride");
    const struct gg_artifact *a;
    err_t e = gg_artifacts_add(r->artifacts, row, &a);

    if (!runtime || !*runtime)
        runtime = json_get_str(row->config, "Runtime");
    if (!e)
        e = put(to, "Artifact", json_string(a->name));
    if (!e)
        e = put(to, "CodeSize", json_integer((json_int_t)a->size));
    if (!e)
        e = put(to, "CodeSha256", json_string(a->sha256));
    if (!e)
        e = put(to, "Handler", json_string(json_get_str(row->config, "Handler")));
    return e ? e : put(to, "Runtime", json_string(runtime));
}

static err_t put_isolation(const struct resolver *r, json_t *to, const json_t *entity, const json_t *env)
{
    const char *mode = gg_isolation(entity, r->defaults);
    err_t e = put(to, "IsolationMode", json_string(mode));

    if (!e && strcmp(mode, GG_CONTAINER) == 0 && !json_object_get(to, "MemorySize"))
        e = put(to, "MemorySize", json_integer(MEMORY_DEFAULT_KB));
    return e ? e : put_run_as(r, to, env);
}

static err_t user_settings(const struct resolver *r, const json_t *entity, const char *arn,
                           const struct function_row *row, json_t *to)
{
    const json_t *conf = json_get_obj(entity, "FunctionConfiguration");
    err_t e = common_settings(to, conf);

    if (!e)
        e = put_code(r, to, row, conf);
    if (!e)
        e = put_encoding(r, to, arn, json_get_str(to, "Runtime"));
    return e ? e : put_isolation(r, to, entity, json_get_obj(conf, "Environment"));
}

/* ---- one function ---- */

/* What a core is told of a function: EC-18. Takes the settings. */
static err_t replace(json_t *entity, const char *arn, json_t *settings)
{
    static const char *const kept[] = { "ResourceAccessPolicies" };
    json_t *conf = json_get_obj(entity, "FunctionConfiguration");
    err_t e = copy(entity, json_get_obj(conf, "Environment"), kept, ARRAY_LEN(kept));

    if (e) {
        json_decref(settings);
        return e;
    }
    if (json_object_set_new(entity, "DeploymentConfiguration", settings) != 0 ||
        json_object_set_new(entity, "FunctionArn", json_string(arn)) != 0)
        return ERR_NOMEM;
    (void)json_object_del(entity, "FunctionConfiguration"); /* it may be absent */
    return ERR_OK;
}

/* The spooler's settings are the core's; the other two are parts this release's core does not have. */
static err_t resolve_system(const struct resolver *r, json_t *entity, const char *arn)
{
    auto_json *settings = json_object();
    err_t e;

    if (strcmp(arn, GG_SPOOLER) != 0)
        return refuse(r,
                      "function %.128s is a part that cores of this release do not have: remove it from the "
                      "function definition",
                      arn);
    e = settings ? common_settings(settings, json_get_obj(entity, "FunctionConfiguration")) : ERR_NOMEM;
    return e ? e : replace(entity, arn, steal(&settings));
}

static err_t resolve_function(const struct resolver *r, json_t *entity)
{
    char detail[GG_DETAIL_MAX], full[ARN_MAX];
    const char *wrong = gg_function_wrong(entity, r->defaults, detail); /* it may be older than the check */
    autofree char *arn = wrong ? NULL : mem_strdup(json_get_str(entity, "FunctionArn"));
    auto_function_row row = { 0 };
    auto_json *settings = json_object();
    err_t e;

    if (wrong)
        return refuse(r, "The functions definition is invalid or corrupted. (ErrorDetails: [%s])", wrong);
    if (!arn || !settings)
        return ERR_NOMEM;
    if (gg_is_system_function(arn))
        return resolve_system(r, entity, arn);
    if ((e = load(r, arn, &row)))
        return e;
    resolved_arn(r, &row, full);
    if (json_object_get(r->known, full))
        return refuse(r, "function %.256s is in the group twice (its version is %s): remove one of the two",
                      arn, full);
    if ((e = put(r->known, full, json_true())) || (e = user_settings(r, entity, arn, &row, settings)))
        return e;
    return replace(entity, full, steal(&settings));
}

/* ---- subscriptions ---- */

/* A function's ARN gets its version, which must be in the group; anything else is left alone. */
static err_t resolve_party(const struct resolver *r, json_t *subscription, const char *member)
{
    const char *arn = json_get_str(subscription, member);
    auto_function_row row = { 0 };
    char full[ARN_MAX] = "";
    err_t e;

    if (!arn || strncmp(arn, "arn:aws:lambda:", 15) != 0)
        return ERR_OK;
    if (!(e = load(r, arn, &row)))
        resolved_arn(r, &row, full);
    else if (e != ERR_INVALID)
        return e;
    if (!json_object_get(r->known, full))
        return refuse(
            r,
            "The subscriptions definition is invalid or corrupted. (ErrorDetails: [Subscription %s is "
            "invalid. ID is '%.128s' and %s is '%.256s']) Add that version of the function to the "
            "group's function definition, or remove the subscription",
            *member == 'S' ? "source" : "target", json_get_str(subscription, "Id"), member, arn);
    return put(subscription, member, json_string(full));
}

/* ---- the group ---- */

static json_t *content_of(json_t *document, const char *kind)
{
    return json_get_arr(json_get_obj(json_get_obj(document, "GroupDefinitions"), kind), "Content");
}

err_t gg_resolve(struct api_call *c, json_t *document, const json_t *defaults, struct gg_artifacts *artifacts,
                 char why[GG_WHY_MAX])
{
    auto_json *known = json_object();
    const struct resolver r = {
        .c = c, .defaults = defaults, .artifacts = artifacts, .known = known, .why = why
    };
    json_t *entity;
    size_t i;
    err_t e = known ? ERR_OK : ERR_NOMEM;

    json_array_foreach(content_of(document, "Lambdas"), i, entity)
    {
        if (e || (e = resolve_function(&r, entity)))
            return e;
    }
    json_array_foreach(content_of(document, "Subscriptions"), i, entity)
    {
        if (e || (e = resolve_party(&r, entity, "Source")) || (e = resolve_party(&r, entity, "Target")))
            return e;
    }
    return e;
}
