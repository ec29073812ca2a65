#include "cloud/auth/permission.h"

#include "base/mem.h"
#include "cloud/lambda/names.h"
#include "cloud/policy/evaluate.h"

#include <stdio.h>

#define LABEL_MAX 64u
#define RESOURCES_MAX 8u
#define RESOURCE_MAX 2048u

/* What a label of a path stands for in an ARN. */
static const struct {
    const char *label, *kind;
} kinds[] = {
    { "thingName", "thing" },
    { "thingTypeName", "thingtype" },
    { "thingGroupName", "thinggroup" },
    { "billingGroupName", "billinggroup" },
    { "policyName", "policy" },
    { "x-amzn-iot-policy", "policy" },
    { "certificateId", "cert" },
    { "caCertificateId", "cacert" },
    { "roleAlias", "rolealias" },
    { "authorizerName", "authorizer" },
    { "domainConfigurationName", "domainconfiguration" },
    { "templateName", "provisioningtemplate" },
    { "jobId", "job" },
    { "jobTemplateId", "jobtemplate" },
    { "streamId", "stream" },
    { "otaUpdateId", "otaupdate" },
    { "ruleName", "rule" },
    { "indexName", "index" },
    { "topic", "topic" },
    { "clientId", "client" },
};

/* Parameters that are ARNs. */
static const char *const arns[] = { "target", "x-amzn-principal", "x-amzn-iot-principal", "principal",
                                    "resourceArn" };

struct wanted {
    char *arn[RESOURCES_MAX];
    size_t n;
};

static void wanted_done(struct wanted *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->arn[i]);
}
#define auto_wanted __attribute__((cleanup(wanted_done))) struct wanted

static err_t want(struct wanted *w, char *arn)
{
    if (!arn || w->n == RESOURCES_MAX) {
        free(arn);
        return ERR_NOMEM;
    }
    w->arn[w->n++] = arn;
    return ERR_OK;
}

/* Of the path, the query or a header, else of the body. */
static const char *value_of(const struct api_call *c, const char *name)
{
    const char *v = api_param(c, name);

    return v ? v : json_get_str(c->body, name);
}

static bool in_path(const struct api_call *c, const char *name)
{
    char label[LABEL_MAX];

    (void)snprintf(label, sizeof(label), "{%s}", name);
    if (strstr(c->op->path, label))
        return true;
    (void)snprintf(label, sizeof(label), "{%s+}", name);
    return strstr(c->op->path, label) != NULL;
}

static err_t want_named(const struct api_call *c, bool of_path, struct wanted *w)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(kinds) && !e; i++) {
        const char *v = in_path(c, kinds[i].label) == of_path ? value_of(c, kinds[i].label) : NULL;
        if (v)
            e = want(w, mem_printf("arn:aws:iot:%s:%s:%s/%s", c->region, c->env->account, kinds[i].kind, v));
    }
    return e;
}

static err_t want_arns(const struct api_call *c, struct wanted *w)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(arns) && !e; i++) {
        const char *v = value_of(c, arns[i]);
        if (v)
            e = want(w, mem_strdup(v));
    }
    return e;
}

/* An ARN of Greengrass is its path. */
static err_t want_greengrass(const struct api_call *c, struct wanted *w)
{
    autobuf text = BUF_INIT(RESOURCE_MAX);
    const char *p = c->op->path;
    err_t e = buf_printf(&text, "arn:aws:greengrass:%s:%s:", c->region, c->env->account);

    while (*p && !e) {
        size_t n = strcspn(p, "{");
        e = buf_add_mem(&text, p, n);
        p += n;
        if (*p && !e) {
            size_t len = strcspn(++p, "}");
            autofree char *label = mem_str(slice_of(p, len));
            const char *v = label ? api_param(c, label) : NULL;
            e = v ? buf_add_str(&text, v) : ERR_INVALID;
            p += len + 1;
        }
    }
    return e ? e : want(w, mem_strdup(buf_str(&text)));
}

static bool is_lambda(const struct api_call *c)
{
    return strncmp(c->op->path, "/2015-03-31/", 12) == 0;
}

/* The function, whatever its qualifier; a name that is none is refused by whoever may do it to all. */
static err_t want_function(const struct api_call *c, struct wanted *w)
{
    const char *text = value_of(c, "FunctionName");
    struct function_name n;
    char arn[ARN_MAX];

    if (!text || function_name_parse(c->env, text, &n))
        return want(w, mem_strdup("*"));
    return want(w, mem_strdup(function_arn(c, n.name, "", arn)));
}

/* All that the path names and all ARNs; where the path names nothing, what query, headers and body name;
 * where these do not either, everything. */
static err_t resources(const struct api_call *c, struct wanted *w)
{
    err_t e = ERR_OK;

    if (is_lambda(c))
        return want_function(c, w);
    if ((c->op->flags & API_GREENGRASS) && strchr(c->op->path, '{'))
        return want_greengrass(c, w);
    if ((e = want_named(c, true, w)) || (e = want_arns(c, w)))
        return e;
    if (!w->n)
        e = want_named(c, false, w);
    return e || w->n ? e : want(w, mem_strdup("*"));
}

/* The service's name of the operation: greengrass:CreateCoreDefinition is one row for all kinds here. */
static char *action_of(const struct api_call *c)
{
    const char *kind = api_param(c, "kind"), *name = c->op->name, *at = strstr(name, "Definition");

    if (c->op->action)
        return mem_strdup(c->op->action);
    if (is_lambda(c))
        return mem_printf("lambda:%s", name);
    if (!(c->op->flags & API_GREENGRASS))
        return mem_printf("%s:%s", c->op->flags & API_JOBS_DATA ? "iotjobsdata" : "iot", name);
    if (!kind || strlen(kind) < 2 || !at)
        return mem_printf("greengrass:%s", name);
    return mem_printf("greengrass:%.*s%c%.*s%s", (int)(at - name), name, kind[0] & ~0x20,
                      (int)strlen(kind) - 2, kind + 1, at);
}

static err_t refuse(struct api_call *c, const char *action, const char *resource, bool explicit_deny)
{
    return api_fail(c, c->op->flags & API_SHADOW_CODES ? API_FORBIDDEN : API_ACCESS_DENIED,
                    "User: arn:aws:iam::%s:user/%s is not authorized to perform: %s on resource: %.200s%s",
                    c->env->account, c->caller.id, action, resource,
                    explicit_deny ? " with an explicit deny in its policy"
                                  : " because no policy of the access key allows it");
}

err_t permission_check(struct api_call *c)
{
    auto_policy_doc *doc = NULL;
    autofree char *action = action_of(c);
    char why[POLICY_WHY_MAX];
    auto_wanted w = { 0 };
    err_t e;

    if (!action)
        return ERR_NOMEM;
    if ((e = policy_doc_parse(slice_str(c->caller.policy), &doc, why)) || (e = resources(c, &w)))
        return e == ERR_NOMEM ? e : refuse(c, action, "*", false);
    for (size_t i = 0; i < w.n; i++) {
        struct policy_request rq = { slice_str(action), slice_str(w.arn[i]), &c->vars };
        enum policy_verdict v = policy_evaluate(&doc, 1, &rq);
        if (v != POLICY_ALLOW)
            return refuse(c, action, w.arn[i], v == POLICY_EXPLICIT_DENY);
    }
    return ERR_OK;
}
