/* src/edge/deploy/group.c - one function per definition, called from a table. */
#include "base/mem.h"
#include "edge/deploy/group_impl.h"
#include "edge/route/topics.h"

#include <stdio.h>

#define MAX_DEPTH 32

static void free_subscription(struct group_subscription *s)
{
    free(s->id);
    free(s->source);
    free(s->subject);
    free(s->target);
}

void group_free(struct group *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->subscription_count; i++)
        free_subscription(&g->subscriptions[i]);
    free(g->subscriptions);
    group_functions_free(g);
    free(g->group_id);
    free(g->version_id);
    free(g);
}

void group_free_ptr(struct group **g)
{
    group_free(*g);
}

/* ---- the group's name ---- */

/* arn:aws:greengrass:REGION:ACCOUNT:/greengrass/groups/GID/versions/VID */
static err_t read_arn(struct group *g, const json_t *doc, struct problem *why)
{
    const json_t *arn = json_object_get(doc, "Arn");
    char group[129], version[129];
    const char *path;
    int used = 0;

    if (!arn)
        return ERR_OK;
    path = json_is_string(arn) ? strstr(json_string_value(arn), ":/greengrass/groups/") : NULL;
    if (!path ||
        sscanf(path, ":/greengrass/groups/%128[A-Za-z0-9-]/versions/%128[A-Za-z0-9-]%n", group, version,
               &used) != 2 ||
        path[used] != '\0')
        return problem_set(why, ERR_INVALID, GROUP_INVALID "Arn is not the ARN of a group version");
    g->group_id = mem_strdup(group);
    g->version_id = mem_strdup(version);
    return g->group_id && g->version_id ? ERR_OK : ERR_NOMEM;
}

/* ---- loggers ---- */

enum { LOGGER_SYSTEM = 1, LOGGER_LAMBDA = 2 };

static err_t logger_component(const char *component, unsigned *ret, struct problem *why)
{
    if (component && strcmp(component, "GreengrassSystem") == 0)
        *ret = LOGGER_SYSTEM;
    else if (component && strcmp(component, "Lambda") == 0)
        *ret = LOGGER_LAMBDA;
    else
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "a logger's Component must be GreengrassSystem or Lambda");
    return ERR_OK;
}

static err_t logger_type(const char *type, struct problem *why)
{
    if (type && strcmp(type, "FileSystem") == 0)
        return ERR_OK;
    if (type && strcmp(type, "AWSCloudWatch") == 0)
        return problem_set(why, ERR_UNSUPPORTED,
                           "a logger of type AWSCloudWatch: this release writes logs to the file system "
                           "only; remove that logger and deploy again");
    return problem_set(why, ERR_INVALID, GROUP_INVALID "a logger's Type must be FileSystem or AWSCloudWatch");
}

static err_t read_logger(struct group *g, const json_t *l, unsigned *seen, struct problem *why)
{
    int64_t space = json_get_int(l, "Space", ELOG_DEFAULT_SPACE_KB);
    enum elog_level level;
    unsigned component = 0;
    err_t e = logger_component(json_get_str(l, "Component"), &component, why);

    e = e ? e : logger_type(json_get_str(l, "Type"), why);
    if (e)
        return e;
    if (elog_level_parse(json_get_str(l, "Level"), &level))
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "a logger's Level must be DEBUG, INFO, WARN, ERROR or FATAL");
    if (space < 1 || space > INT32_MAX)
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "a logger's Space must be a number of kilobytes of 1 or more");
    if (*seen & component)
        return problem_set(why, ERR_INVALID, GROUP_INVALID "two FileSystem loggers for the component %s",
                           json_get_str(l, "Component"));
    *seen |= component;
    if (component == LOGGER_SYSTEM) {
        g->level = level;
        g->space_kb = space;
    } else {
        g->lambda_level = level;
        g->lambda_space_kb = space;
    }
    return ERR_OK;
}

static err_t read_loggers(struct group *g, const json_t *content, struct problem *why)
{
    unsigned seen = 0;
    size_t i;
    json_t *l;

    json_array_foreach(content, i, l)
    {
        err_t e = read_logger(g, l, &seen, why);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* ---- subscriptions ---- */

/* cloud, GGShadowService, or the ARN of a function, thing or connector: reference 4.6. */
static bool endpoint_ok(const char *s)
{
    return s && (strcmp(s, "cloud") == 0 || strcmp(s, "GGShadowService") == 0 || strncmp(s, "arn:", 4) == 0);
}

static err_t check_subscription(const json_t *s, struct problem *why)
{
    const char *id = json_get_str(s, "Id");
    struct slice subject = slice_str(json_get_str(s, "Subject"));
    struct problem bad;
    err_t e;

    if (!id || !*id)
        return problem_set(why, ERR_INVALID, GROUP_INVALID "a subscription has no Id");
    if (!endpoint_ok(json_get_str(s, "Source")) || !endpoint_ok(json_get_str(s, "Target")))
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID
                           "subscription %.128s: Source and Target must be cloud, GGShadowService or "
                           "the ARN of a function, device or connector",
                           id);
    e = route_filter_check(subject, &bad);
    if (e)
        return problem_set(why, ERR_INVALID, GROUP_INVALID "subscription %.128s: %s", id, bad.text);
    return ERR_OK;
}

static err_t read_subscription(struct group *g, const json_t *s, struct problem *why)
{
    struct group_subscription *to = &g->subscriptions[g->subscription_count];
    err_t e = check_subscription(s, why);

    if (e)
        return e;
    g->subscription_count++;
    to->id = mem_strdup(json_get_str(s, "Id"));
    to->source = mem_strdup(json_get_str(s, "Source"));
    to->subject = mem_strdup(json_get_str(s, "Subject"));
    to->target = mem_strdup(json_get_str(s, "Target"));
    return to->id && to->source && to->subject && to->target ? ERR_OK : ERR_NOMEM;
}

static err_t read_subscriptions(struct group *g, const json_t *content, struct problem *why)
{
    size_t n = json_array_size(content), i;
    json_t *s;

    if (n > GROUP_MAX_SUBSCRIPTIONS)
        return problem_set(why, ERR_INVALID, GROUP_INVALID "%zu subscriptions, at most %d are allowed", n,
                           GROUP_MAX_SUBSCRIPTIONS);
    g->subscriptions = mem_calloc(n ? n : 1, sizeof(*g->subscriptions));
    if (!g->subscriptions)
        return ERR_NOMEM;
    json_array_foreach(content, i, s)
    {
        err_t e = read_subscription(g, s, why);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* ---- the definitions ---- */

static const struct {
    const char *name;
    err_t (*read)(struct group *, const json_t *, struct problem *); /* NULL: this release cannot run it */
    const char *what;
} definitions[] = {
    { "Logging", read_loggers, NULL },       { "Subscriptions", read_subscriptions, NULL },
    { "Lambdas", group_read_lambdas, NULL }, { "Resources", NULL, "resource" },
    { "Connectors", NULL, "connector" },
};

/* Members are {"Content": [...]}; absent and null count as empty. */
static err_t definition_content(const json_t *defs, const char *name, const json_t **ret, struct problem *why)
{
    const json_t *def = json_object_get(defs, name);
    const json_t *content = json_object_get(def, "Content");

    if ((def && !json_is_object(def) && !json_is_null(def)) ||
        (content && !json_is_array(content) && !json_is_null(content)))
        return problem_set(why, ERR_INVALID,
                           GROUP_INVALID "GroupDefinitions.%s must be {\"Content\": [ ... ]}", name);
    *ret = json_is_array(content) ? content : NULL;
    return ERR_OK;
}

static err_t refuse_rest(const struct buf *needs, struct problem *why)
{
    if (needs->n == 0)
        return ERR_OK;
    return problem_set(why, ERR_UNSUPPORTED,
                       "the group needs what this release of the core cannot run yet: %s; remove it from the "
                       "group version and deploy again",
                       buf_str(needs));
}

static err_t note_need(struct buf *needs, size_t n, const char *what)
{
    if (n == 0)
        return ERR_OK;
    return buf_printf(needs, "%s%zu %s%s", needs->n ? ", " : "", n, what, n == 1 ? "" : "s");
}

static err_t read_definitions(struct group *g, const json_t *doc, struct problem *why)
{
    const json_t *defs = json_object_get(doc, "GroupDefinitions");
    autobuf needs = BUF_INIT(1024);
    err_t e = note_need(&needs, json_array_size(json_object_get(doc, "Devices")), "local device");

    if (!e && defs && !json_is_object(defs))
        e = problem_set(why, ERR_INVALID, GROUP_INVALID "GroupDefinitions must be an object");
    for (size_t i = 0; i < ARRAY_LEN(definitions) && !e; i++) {
        const json_t *content = NULL;
        e = definition_content(defs, definitions[i].name, &content, why);
        if (!e && !definitions[i].read)
            e = note_need(&needs, json_array_size(content), definitions[i].what);
        else if (!e)
            e = definitions[i].read(g, content, why);
    }
    return e ? e : refuse_rest(&needs, why);
}

err_t group_parse(struct slice text, struct group **ret, struct problem *why)
{
    auto_json *doc = NULL;
    auto_group *g = mem_calloc(1, sizeof(*g));
    struct json_where at = { 0 };
    err_t e;

    if (!g)
        return problem_set(why, ERR_NOMEM, "out of memory");
    g->level = g->lambda_level = ELOG_INFO;
    g->space_kb = g->lambda_space_kb = ELOG_DEFAULT_SPACE_KB;
    g->spool_bytes = GROUP_SPOOL_BYTES;
    e = json_parse(text, MAX_DEPTH, &doc, &at);
    if (e)
        return problem_set(why, e, GROUP_INVALID "line %d, column %d: %s", at.line, at.column, at.text);
    if (!json_is_object(doc))
        return problem_set(why, ERR_INVALID, GROUP_INVALID "it is not an object");
    e = read_arn(g, doc, why);
    e = e ? e : read_definitions(g, doc, why);
    if (e == ERR_NOMEM)
        return problem_set(why, e, "out of memory");
    if (e)
        return e;
    *ret = steal(&g);
    return ERR_OK;
}
