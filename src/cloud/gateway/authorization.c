#include "cloud/gateway/authorization.h"

#include "base/mem.h"
#include "cloud/gateway/certvars.h"
#include "cloud/gateway/facts.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/names.h"
#include "crypto/own.h"

#include <string.h>

#define INFOS_MAX 10u
#define RESOURCES_MAX 100u
#define NAMES_MAX 10u
#define RESOURCE_LEN_MAX 2048u

/* What is asked about: a certificate with its policies, as if it were connected. */
struct subject {
    struct facts facts;
    struct policy_vars vars; /* the connection's and the thing's */
};

static void subject_done(struct subject *s)
{
    facts_done(&s->facts);
    policy_vars_done(&s->vars);
}
#define auto_subject __attribute__((cleanup(subject_done))) struct subject

/* ---- the principal ---- */

static err_t find_principal(struct api_call *c, const char *principal, struct cert_row *ret)
{
    const char *id = principal ? arn_name(c->env, principal, "cert") : NULL;
    err_t e;

    if (!id || !name_cert_ok(id))
        return api_fail(c, API_INVALID_REQUEST,
                        "principal '%.200s' is not the ARN of a certificate of this account",
                        principal ? principal : "");
    e = cert_row_load(c->db, id, ret);
    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Certificate %s not found", id) : e;
}

static err_t copy_vars(struct policy_vars *to, const struct policy_vars *from)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < from->n && !e; i++) {
        for (size_t k = 0; k < from->v[i].n && !e; k++)
            e = policy_vars_add(to, from->v[i].name, slice_str(from->v[i].values[k]));
    }
    return e;
}

static err_t load_subject(struct api_call *c, const char *principal, const char *client_id,
                          struct subject *ret)
{
    auto_cert_row row = { 0 };
    auto_x509 X509 *cert = NULL;
    err_t e;

    if ((e = find_principal(c, principal, &row)) ||
        (e = crypto_cert_parse_pem(c->env->crypto, slice_str(row.pem), &cert, NULL)) ||
        (e = certvars_add(&ret->vars, row.id, cert)) ||
        (client_id && (e = policy_vars_add(&ret->vars, "iot:ClientId", slice_str(client_id)))) ||
        (e = facts_load(c->db, row.id, client_id, &ret->facts)))
        return e;
    return copy_vars(&ret->vars, &ret->facts.thing);
}

/* ---- policies added and left out ---- */

static bool is_named(const json_t *names, const char *name)
{
    size_t i;
    json_t *n;

    json_array_foreach((json_t *)names, i, n)
    {
        if (json_is_string(n) && strcmp(json_string_value(n), name) == 0)
            return true;
    }
    return false;
}

static err_t check_names(struct api_call *c, const char *member, const json_t **ret)
{
    const json_t *names = json_object_get(c->body, member);
    size_t i;
    json_t *n;

    json_array_foreach((json_t *)names, i, n)
    {
        if (!json_is_string(n) || !name_policy_ok(json_string_value(n)))
            return api_fail(c, API_INVALID_REQUEST, "%s must be a list of policy names", member);
    }
    if ((names && !json_is_array(names)) || json_array_size(names) > NAMES_MAX)
        return api_fail(c, API_INVALID_REQUEST, "%s must be a list of at most %u policy names", member,
                        NAMES_MAX);
    *ret = names;
    return ERR_OK;
}

static err_t add_policies(struct api_call *c, struct subject *s)
{
    const json_t *names = NULL;
    size_t i;
    json_t *n;
    err_t e;

    if ((e = check_names(c, "policyNamesToAdd", &names)))
        return e;
    json_array_foreach((json_t *)names, i, n)
    {
        if (facts_have_policy(&s->facts, json_string_value(n)))
            continue;
        e = facts_add_policy(c->db, json_string_value(n), &s->facts);
        if (e)
            return e == ERR_NOT_FOUND
                       ? api_fail(c, API_NOT_FOUND, "Policy not found (name=%s)", json_string_value(n))
                       : e;
    }
    return ERR_OK;
}

/* ---- judging ---- */

struct judgement {
    const struct subject *s;
    const json_t *skip;
    struct api_call *c;
    json_t *allowed, *explicitly, *implicitly; /* policies that say so */
    bool any_explicit, any_implicit;           /* of the resources */
};

static void judgement_done(struct judgement *j)
{
    json_decref_ptr(&j->allowed);
    json_decref_ptr(&j->explicitly);
    json_decref_ptr(&j->implicitly);
}

static const struct {
    const char *type, *action;
} types[] = {
    { "CONNECT", "iot:Connect" },
    { "PUBLISH", "iot:Publish" },
    { "SUBSCRIBE", "iot:Subscribe" },
    { "RECEIVE", "iot:Receive" },
};

static const char *action_of(const char *type)
{
    for (size_t i = 0; type && i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].type, type) == 0)
            return types[i].action;
    }
    return NULL;
}

static json_t *policy_item(const struct api_call *c, const char *name)
{
    char arn[ARN_MAX];

    return json_pack("{s:s,s:s}", "policyName", name, "policyArn", arn_iot(c, "policy", name, arn));
}

/* A policy stands once in a list, however many resources it speaks of. */
static err_t add_once(const struct judgement *j, json_t *list, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (strcmp(json_get_str(item, "policyName"), name) == 0)
            return ERR_OK;
    }
    return json_array_append_new(list, policy_item(j->c, name)) == 0 ? ERR_OK : ERR_NOMEM;
}

static err_t judge_resource(struct judgement *j, const char *action, const char *resource)
{
    const struct facts *f = &j->s->facts;
    struct policy_request rq = { slice_str(action), slice_str(resource), &j->s->vars };
    bool allowed = false, denied = false;
    err_t e = ERR_OK;

    for (size_t i = 0; i < f->n && !e; i++) {
        if (is_named(j->skip, f->names[i]))
            continue;
        enum policy_verdict v = policy_evaluate(&f->docs[i], 1, &rq);
        allowed |= v == POLICY_ALLOW;
        denied |= v == POLICY_EXPLICIT_DENY;
        e = add_once(j,
                     v == POLICY_ALLOW           ? j->allowed
                     : v == POLICY_EXPLICIT_DENY ? j->explicitly
                                                 : j->implicitly,
                     f->names[i]);
    }
    j->any_explicit |= denied;
    j->any_implicit |= !denied && !allowed;
    return e;
}

static err_t judge_resources(struct judgement *j, const json_t *info)
{
    const json_t *resources = json_object_get(info, "resources");
    const char *action = action_of(json_get_str(info, "actionType"));
    size_t i;
    json_t *r;
    err_t e = ERR_OK;

    if (!action)
        return api_fail(j->c, API_INVALID_REQUEST,
                        "actionType must be CONNECT, PUBLISH, SUBSCRIBE or RECEIVE");
    if (json_array_size(resources) == 0 || json_array_size(resources) > RESOURCES_MAX)
        return api_fail(j->c, API_INVALID_REQUEST, "resources must be a list of 1 to %u ARNs", RESOURCES_MAX);
    json_array_foreach((json_t *)resources, i, r)
    {
        if (!json_is_string(r) || json_string_length(r) > RESOURCE_LEN_MAX)
            return api_fail(j->c, API_INVALID_REQUEST, "resources must be ARNs of at most %u characters",
                            RESOURCE_LEN_MAX);
        if (!e)
            e = judge_resource(j, action, json_string_value(r));
    }
    return e;
}

static json_t *result_of(const struct judgement *j, json_t *info, const json_t *missing)
{
    const char *decision = j->any_explicit ? "EXPLICIT_DENY" : j->any_implicit ? "IMPLICIT_DENY" : "ALLOWED";

    return json_pack("{s:O,s:{s:O},s:{s:{s:O},s:{s:O}},s:s,s:O}", "authInfo", info, "allowed", "policies",
                     j->allowed, "denied", "implicitDeny", "policies", j->implicitly, "explicitDeny",
                     "policies", j->explicitly, "authDecision", decision, "missingContextValues", missing);
}

static err_t judge_info(struct judgement *j, json_t *info, const json_t *missing, json_t *results)
{
    err_t e;

    j->allowed = json_array();
    j->explicitly = json_array();
    j->implicitly = json_array();
    if (!j->allowed || !j->explicitly || !j->implicitly)
        return ERR_NOMEM;
    if ((e = judge_resources(j, info)))
        return e;
    return json_array_append_new(results, result_of(j, info, missing)) == 0 ? ERR_OK : ERR_NOMEM;
}

/* ---- variables that the policies name and the request does not have ---- */

static err_t add_missing(const struct pattern *p, const struct policy_vars *vars, json_t *list)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *name = p->tok[i].text;
        if (p->tok[i].kind != PATTERN_VAR || policy_vars_first(vars, slice_str(name)) || is_named(list, name))
            continue;
        if (json_array_append_new(list, json_string(name)) != 0)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static err_t missing_of(const struct subject *s, json_t *list)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < s->facts.n; i++) {
        for (size_t k = 0; k < s->facts.docs[i]->n; k++) {
            const struct policy_list *l = &s->facts.docs[i]->st[k].resources;
            for (size_t r = 0; r < l->n && !e; r++)
                e = add_missing(&l->p[r], &s->vars, list);
        }
    }
    return e;
}

/* ---- the operations ---- */

static err_t judge_all(struct api_call *c, const struct subject *s, json_t *infos, json_t *results)
{
    auto_json *missing = json_array();
    const json_t *skip;
    size_t i;
    json_t *info;
    err_t e = missing ? missing_of(s, missing) : ERR_NOMEM;

    if (e || (e = check_names(c, "policyNamesToSkip", &skip)))
        return e;
    json_array_foreach(infos, i, info)
    {
        __attribute__((cleanup(judgement_done))) struct judgement j = { .s = s, .skip = skip, .c = c };
        if ((e = judge_info(&j, info, missing, results)))
            return e;
    }
    return ERR_OK;
}

err_t authorization_test(struct api_call *c)
{
    json_t *infos = json_object_get(c->body, "authInfos");
    auto_json *results = json_array();
    auto_subject s = { 0 };
    err_t e;

    if (!results)
        return ERR_NOMEM;
    if (json_array_size(infos) == 0 || json_array_size(infos) > INFOS_MAX)
        return api_fail(c, API_INVALID_REQUEST, "authInfos must be a list of 1 to %u entries", INFOS_MAX);
    if ((e = load_subject(c, json_get_str(c->body, "principal"), api_param(c, "clientId"), &s)) ||
        (e = add_policies(c, &s)) || (e = judge_all(c, &s, infos, results)))
        return e;
    return api_reply(c, json_pack("{s:O}", "authResults", results));
}

struct effective {
    const struct api_call *c;
    json_t *list;
};

static err_t effective_row(void *ctx, const struct db_rows *row)
{
    const struct effective *e = ctx;
    auto_json *item = policy_item(e->c, db_str(row, 0));

    if (!item || json_object_set_new(item, "policyDocument", json_string(db_str(row, 1))) != 0)
        return ERR_NOMEM;
    return json_array_append(e->list, item) == 0 ? ERR_OK : ERR_NOMEM;
}

err_t authorization_effective(struct api_call *c)
{
    auto_json *list = json_array();
    auto_cert_row row = { 0 };
    struct effective out = { c, list };
    const char *thing;
    err_t e;

    if (!list)
        return ERR_NOMEM;
    if ((e = find_principal(c, json_get_str(c->body, "principal"), &row)) ||
        (e = name_thing_optional(c, "thingName", &thing)) ||
        (e = facts_policies(c->db, row.id, thing, effective_row, &out)))
        return e;
    return api_reply(c, json_pack("{s:O}", "effectivePolicies", list));
}
