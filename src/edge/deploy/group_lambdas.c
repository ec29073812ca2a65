/* src/edge/deploy/group_lambdas.c - the functions of group.json: EC-18. */
#include "base/mem.h"
#include "edge/deploy/group_impl.h"

#include <inttypes.h>
#include <stdio.h>

#define TIMEOUT_DEFAULT_S 3
#define TIMEOUT_MAX_S (7 * 24 * 3600)
#define ARN_MAX 256
#define TEXT_MAX 1024 /* handler, executable, arguments */

static const char arn_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_-";

static void free_function(struct group_function *f)
{
    char *texts[] = { f->arn, f->id, f->artifact, f->handler, f->runtime, f->executable, f->exec_args };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < f->variable_count; i++) {
        free(f->variables[i].name);
        free(f->variables[i].value);
    }
    free(f->variables);
}

void group_functions_free(struct group *g)
{
    for (size_t i = 0; i < g->function_count; i++)
        free_function(&g->functions[i]);
    free(g->functions);
}

const struct group_function *group_find_function(const struct group *g, const char *arn)
{
    for (size_t i = 0; i < g->function_count; i++)
        if (strcmp(g->functions[i].arn, arn) == 0)
            return &g->functions[i];
    return NULL;
}

/* ---- one member each ---- */

/* arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME:VERSION. It names a folder and a log file, so its
 * alphabet is closed. */
static err_t check_arn(const char *arn, struct problem *why)
{
    const char *version = arn ? strrchr(arn, ':') : NULL;
    size_t colons = 0;

    for (const char *p = arn; p && *p; p++)
        colons += *p == ':';
    if (!version || colons != 7 || strncmp(arn, "arn:", 4) != 0 || strlen(arn) > ARN_MAX ||
        !strstr(arn, ":lambda:") || !strstr(arn, ":function:") || arn[strspn(arn, arn_characters)] != '\0')
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "FunctionArn %.256s is not the ARN of a function's version",
                           arn ? arn : "(none)");
    if (version[1] == '\0' || version[1 + strspn(version + 1, "0123456789")] != '\0')
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "function %s: a deployed function has a version number, not %s", arn,
                           version + 1);
    return ERR_OK;
}

/* A string member that may be absent: NULL then. */
static err_t read_text(const struct group_function *f, const json_t *conf, const char *name, char **ret,
                       struct problem *why)
{
    const json_t *v = json_object_get(conf, name);
    const char *text = json_string_value(v);

    if (!v || json_is_null(v) || (text && !*text))
        return ERR_OK;
    if (!text || strlen(text) > TEXT_MAX || strlen(text) != json_string_length(v))
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "function %s: %s must be a text of at most %d bytes", f->arn, name,
                           TEXT_MAX);
    *ret = mem_strdup(text);
    return *ret ? ERR_OK : ERR_NOMEM;
}

static err_t read_number(const struct group_function *f, const json_t *conf, const char *name, int64_t min,
                         int64_t max, int64_t *ret, struct problem *why)
{
    const json_t *v = json_object_get(conf, name);

    if (!v || json_is_null(v))
        return ERR_OK;
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "function %s: %s must be a number from %" PRId64 " to %" PRId64,
                           f->arn, name, min, max);
    *ret = json_integer_value(v);
    return ERR_OK;
}

static err_t read_encoding(struct group_function *f, const json_t *conf, struct problem *why)
{
    const char *text = json_get_str(conf, "EncodingType");

    if (text && strcmp(text, "json") != 0 && strcmp(text, "binary") != 0)
        return problem_set(why, ERR_INVALID, GROUP_INVALID "function %s: EncodingType must be json or binary",
                           f->arn);
    f->encoding = text && strcmp(text, "binary") == 0 ? GROUP_BINARY : GROUP_JSON;
    return ERR_OK;
}

/* Containers are not of this release, and a function must not run with less isolation than it was given. */
static err_t check_isolation(const struct group_function *f, const json_t *conf, struct problem *why)
{
    const char *mode = json_get_str(conf, "IsolationMode");

    if (mode && strcmp(mode, "NoContainer") == 0)
        return ERR_OK;
    if (mode && strcmp(mode, "GreengrassContainer") != 0)
        return problem_set(
            why, ERR_INVALID,
            GROUP_INVALID "Your 'IsolationMode' configuration for function with arn %s is invalid.", f->arn);
    return problem_set(
        why, ERR_UNSUPPORTED,
        "function %s is to run in a Greengrass container (IsolationMode GreengrassContainer, "
        "also the default), which this release of the core cannot: set "
        "Environment.Execution.IsolationMode of the function, or of the group's DefaultConfig, "
        "to NoContainer and deploy again",
        f->arn);
}

static err_t variable_text(const json_t *v, char **ret)
{
    if (json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v))
        *ret = mem_strdup(json_string_value(v));
    else if (json_is_integer(v)) /* some tools send numbers */
        *ret = mem_printf("%" PRId64, (int64_t)json_integer_value(v));
    else
        return ERR_INVALID;
    return *ret ? ERR_OK : ERR_NOMEM;
}

static err_t read_variable(struct group_function *f, const char *name, const json_t *v, struct problem *why)
{
    struct group_variable *to = &f->variables[f->variable_count];
    err_t e = *name && !strchr(name, '=') ? variable_text(v, &to->value) : ERR_INVALID;

    if (e == ERR_INVALID)
        return problem_set(
            why, e, GROUP_INVALID "function %s: the environment variable %.128s is not a name and a text",
            f->arn, name);
    if (e)
        return e;
    f->variable_count++;
    to->name = mem_strdup(name);
    return to->name ? ERR_OK : ERR_NOMEM;
}

static err_t read_variables(struct group_function *f, const json_t *conf, struct problem *why)
{
    json_t *vars = json_object_get(conf, "Variables"), *v;
    size_t n = json_object_size(vars), bytes = 0;
    const char *name;

    if (n > GROUP_MAX_VARIABLES || (vars && !json_is_object(vars) && !json_is_null(vars)))
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "function %s: Variables must be an object with up to %d members",
                           f->arn, GROUP_MAX_VARIABLES);
    f->variables = mem_calloc(n ? n : 1, sizeof(*f->variables));
    if (!f->variables)
        return ERR_NOMEM;
    json_object_foreach(vars, name, v)
    {
        err_t e = read_variable(f, name, v, why);
        if (e)
            return e;
        bytes += strlen(name) + strlen(f->variables[f->variable_count - 1].value);
        if (bytes > GROUP_MAX_ENVIRONMENT)
            return problem_set(why, ERR_INVALID,
                               GROUP_INVALID "function %s: its environment has over %d bytes", f->arn,
                               GROUP_MAX_ENVIRONMENT);
    }
    return ERR_OK;
}

static err_t read_run_as(struct group_function *f, const json_t *conf, struct problem *why)
{
    const json_t *run_as = json_object_get(conf, "RunAs");
    err_t e;

    f->uid = f->gid = -1;
    if (run_as && !json_is_object(run_as) && !json_is_null(run_as))
        return problem_set(why, ERR_INVALID, GROUP_INVALID "function %s: RunAs must be an object", f->arn);
    e = read_number(f, run_as, "Uid", 0, INT32_MAX, &f->uid, why);
    return e ? e : read_number(f, run_as, "Gid", 0, INT32_MAX, &f->gid, why);
}

static err_t read_times(struct group_function *f, const json_t *conf, struct problem *why)
{
    int64_t timeout_s = TIMEOUT_DEFAULT_S;
    err_t e = read_number(f, conf, "Timeout", 1, TIMEOUT_MAX_S, &timeout_s, why);

    f->timeout_ms = timeout_s * 1000;
    f->memory_kb = -1;
    f->pinned = json_get_bool(conf, "Pinned", false);
    return e ? e : read_number(f, conf, "MemorySize", 0, INT64_MAX / 1024, &f->memory_kb, why);
}

static err_t read_texts(struct group_function *f, const json_t *conf, struct problem *why)
{
    const struct {
        const char *name;
        char **to;
        bool required;
    } texts[] = {
        { "Artifact", &f->artifact, true },   { "Handler", &f->handler, true },
        { "Runtime", &f->runtime, true },     { "Executable", &f->executable, false },
        { "ExecArgs", &f->exec_args, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        err_t e = read_text(f, conf, texts[i].name, texts[i].to, why);
        if (e)
            return e;
        if (texts[i].required && !*texts[i].to)
            return problem_set(why, ERR_INVALID, GROUP_INVALID "function %s: it has no %s", f->arn,
                               texts[i].name);
    }
    return ERR_OK;
}

/* ---- one function ---- */

static err_t (*const readers[])(struct group_function *, const json_t *, struct problem *) = {
    read_texts, read_times, read_encoding, read_run_as, read_variables,
};

static err_t read_function(struct group *g, const json_t *item, const char *arn, const json_t *conf,
                           struct problem *why)
{
    struct group_function *f = &g->functions[g->function_count];
    const char *id = json_get_str(item, "Id");
    err_t e = ERR_OK;

    if (group_find_function(g, arn))
        return problem_set(why, ERR_INVALID, GROUP_INVALID "function %s is there twice", arn);
    g->function_count++;
    f->arn = mem_strdup(arn);
    f->id = mem_strdup(id ? id : "");
    if (!f->arn || !f->id)
        return ERR_NOMEM;
    e = check_isolation(f, conf, why);
    for (size_t i = 0; i < ARRAY_LEN(readers) && !e; i++)
        e = readers[i](f, conf, why);
    if (!e && json_array_size(json_object_get(item, "ResourceAccessPolicies")))
        e = problem_set(
            why, ERR_UNSUPPORTED,
            "function %s uses resources, which this release of the core does not have: remove its "
            "ResourceAccessPolicies and deploy again",
            arn);
    return e;
}

/* ---- the core's own functions, written by users for their settings ---- */

/* GG_CONFIG_MAX_SIZE_BYTES: a text of digits, or a number. 0: neither. */
static int64_t spool_size(const json_t *v)
{
    const char *text = json_string_value(v);
    int64_t size = 0;
    int used = 0;

    if (json_is_integer(v))
        return json_integer_value(v);
    return text && sscanf(text, "%12" SCNd64 "%n", &size, &used) == 1 && text[used] == '\0' ? size : 0;
}

static err_t check_spool_kind(const json_t *vars, struct problem *why)
{
    static const struct {
        const char *name, *can;
    } kinds[] = {
        { "GG_CONFIG_STORAGE_TYPE", "Memory" },
        { "GG_CONFIG_SUBSCRIPTION_QUALITY", "AtMostOnce" },
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *v = json_get_str(vars, kinds[i].name);
        if (v && strcmp(v, kinds[i].can) != 0)
            return problem_set(
                why, ERR_UNSUPPORTED,
                "the spooler's %s is %.64s; this release of the core has %s only: change it and "
                "deploy again",
                kinds[i].name, v, kinds[i].can);
    }
    return ERR_OK;
}

static err_t read_spooler(struct group *g, const json_t *conf, struct problem *why)
{
    const json_t *vars = json_object_get(conf, "Variables");
    const json_t *size = json_object_get(vars, "GG_CONFIG_MAX_SIZE_BYTES");

    if (size)
        g->spool_bytes = spool_size(size);
    if (g->spool_bytes < GROUP_SPOOL_MIN_BYTES)
        return problem_set(why, ERR_INVALID,
                           "Spool size should be at least %d bytes: correct GG_CONFIG_MAX_SIZE_BYTES of "
                           "GGCloudSpooler and deploy again",
                           GROUP_SPOOL_MIN_BYTES);
    return check_spool_kind(vars, why);
}

/* arn:aws:lambda:::function:GGCloudSpooler:1 */
static bool is_system(const char *arn)
{
    return arn && strncmp(arn, "arn:aws:lambda:::function:", 26) == 0;
}

static err_t read_system(struct group *g, const char *arn, const json_t *conf, struct problem *why)
{
    if (strcmp(arn, "arn:aws:lambda:::function:GGCloudSpooler:1") == 0)
        return read_spooler(g, conf, why);
    return problem_set(
        why, ERR_UNSUPPORTED,
        "the group needs the system function %.128s, which this release of the core does not have; "
        "remove it from the function definition and deploy again",
        arn);
}

static err_t read_lambda(struct group *g, const json_t *item, struct problem *why)
{
    const char *arn = json_get_str(item, "FunctionArn");
    const json_t *conf = json_get_obj(item, "DeploymentConfiguration");
    err_t e;

    if (is_system(arn))
        return read_system(g, arn, conf, why);
    e = check_arn(arn, why);
    if (!e && !conf)
        e = problem_set(why, ERR_INVALID, GROUP_INVALID "function %s: it has no DeploymentConfiguration",
                        arn);
    return e ? e : read_function(g, item, arn, conf, why);
}

err_t group_read_lambdas(struct group *g, const json_t *content, struct problem *why)
{
    size_t n = json_array_size(content), i;
    json_t *item;

    if (n > GROUP_MAX_FUNCTIONS)
        return problem_set(why, ERR_INVALID, GROUP_INVALID "%zu functions, at most %d are allowed", n,
                           GROUP_MAX_FUNCTIONS);
    g->functions = mem_calloc(n ? n : 1, sizeof(*g->functions));
    if (!g->functions)
        return ERR_NOMEM;
    json_array_foreach(content, i, item)
    {
        err_t e = read_lambda(g, item, why);
        if (e)
            return e;
    }
    return ERR_OK;
}
