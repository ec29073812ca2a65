/* Versions of a policy: at most five, numbered by a counter that only grows (iot-core reference 3.8). The
 * default one's text stands in `policies` too, where every connection reads it. */
#include "base/mem.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/policyrow.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSIONS_MAX 5

struct version {
    const char *policy;
    int64_t number, is_default, created_ms;
    char *document;
};

static void version_done(struct version *v)
{
    free(v->document);
}
#define auto_version __attribute__((cleanup(version_done))) struct version

static const char *number_text(int64_t number, char text[24])
{
    (void)snprintf(text, 24, "%lld", (long long)number);
    return text;
}

err_t policy_add_version(struct api_call *c, const char *name, int64_t version, const char *document)
{
    return db_run(
        c->db, "INSERT INTO policy_versions (policy, version, document, created_ms) VALUES ($1, $2, $3, $4)",
        DB_ARGS(DB_TEXT(name), DB_INT(version), DB_TEXT(document), DB_INT(c->now_ms)), NULL);
}

static err_t take_version(void *ctx, const struct db_rows *row)
{
    struct version *v = ctx;

    v->created_ms = db_int(row, 1);
    v->is_default = db_int(row, 2);
    return (v->document = mem_strdup(db_str(row, 0))) ? ERR_OK : ERR_NOMEM;
}

/* A decimal number without a sign or zeros in front: [0-9]+ as the service has it. */
static err_t version_number(struct api_call *c, int64_t *ret)
{
    const char *text = api_param(c, "policyVersionId");
    size_t n = text ? strlen(text) : 0;

    if (n == 0 || n > 18 || strspn(text, "0123456789") != n)
        return api_fail(
            c, API_INVALID_REQUEST,
            "1 validation error detected: Value '%.40s' at 'policyVersionId' failed to satisfy constraint:"
            " Member must satisfy regular expression pattern: [0-9]+",
            text ? text : "null");
    *ret = strtoll(text, NULL, 10);
    return ERR_OK;
}

/* The version the path names. ResourceNotFoundException. */
static err_t find_version(struct api_call *c, struct version *ret)
{
    err_t e;

    if ((e = name_policy(c, "policyName", &ret->policy)) || (e = version_number(c, &ret->number)) ||
        (e = policy_require(c, ret->policy)))
        return e;
    e = db_one(
        c->db,
        "SELECT v.document, v.created_ms, CASE WHEN v.version = p.version THEN 1 ELSE 0 END"
        " FROM policy_versions v JOIN policies p ON p.name = v.policy WHERE v.policy = $1 AND v.version = $2",
        DB_ARGS(DB_TEXT(ret->policy), DB_INT(ret->number)), take_version, ret);
    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Policy version not found (name=%s, version=%lld)",
                                         ret->policy, (long long)ret->number)
                              : e;
}

/* From now on connections are judged by this text. */
static err_t make_default(struct api_call *c, const char *policy, int64_t number, const char *document)
{
    err_t e =
        db_run(c->db, "UPDATE policies SET version = $1, document = $2, modified_ms = $3 WHERE name = $4",
               DB_ARGS(DB_INT(number), DB_TEXT(document), DB_INT(c->now_ms), DB_TEXT(policy)), NULL);

    if (e || (e = notify_policy(c, policy, NOTIFY_UPDATED)))
        return e;
    return effects_add(&c->effects, EFFECT_POLICY, policy);
}

static err_t next_number(struct api_call *c, const char *policy, int64_t *ret)
{
    int64_t versions;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM policy_versions WHERE policy = $1",
                         DB_ARGS(DB_TEXT(policy)), &versions);

    if (e)
        return e;
    if (versions >= VERSIONS_MAX)
        return api_fail(c, API_VERSIONS_LIMIT,
                        "The policy %s already has the maximum number of versions (%d). Delete one with"
                        " DeletePolicyVersion.",
                        policy, VERSIONS_MAX);
    return db_one_int(
        c->db, "UPDATE policies SET last_version = last_version + 1 WHERE name = $1 RETURNING last_version",
        DB_ARGS(DB_TEXT(policy)), ret);
}

err_t policy_version_create(struct api_call *c)
{
    const char *name, *document = json_get_str(c->body, "policyDocument");
    char arn[ARN_MAX], text[24];
    bool as_default = false;
    int64_t number;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = policy_check_document(c, document)) ||
        (e = api_param_bool(c, "setAsDefault", &as_default)) || (e = policy_require(c, name)) ||
        (e = next_number(c, name, &number)) || (e = policy_add_version(c, name, number, document)))
        return e;
    if (as_default && (e = make_default(c, name, number, document)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:s,s:b}", "policyArn", arn_iot(c, "policy", name, arn),
                                  "policyDocument", document, "policyVersionId", number_text(number, text),
                                  "isDefaultVersion", as_default));
}

err_t policy_version_get(struct api_call *c)
{
    auto_version v = { 0 };
    char arn[ARN_MAX], text[24];
    err_t e = find_version(c, &v);

    if (e)
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:s,s:s,s:b,s:o,s:o}", "policyName", v.policy, "policyArn",
                                  arn_iot(c, "policy", v.policy, arn), "policyDocument", v.document,
                                  "policyVersionId", number_text(v.number, text), "isDefaultVersion",
                                  (int)v.is_default, "creationDate", api_seconds(v.created_ms),
                                  "lastModifiedDate", api_seconds(v.created_ms)));
}

err_t policy_version_set_default(struct api_call *c)
{
    auto_version v = { 0 };
    err_t e = find_version(c, &v);

    return e || v.is_default ? e : make_default(c, v.policy, v.number, v.document);
}

err_t policy_version_delete(struct api_call *c)
{
    auto_version v = { 0 };
    err_t e = find_version(c, &v);

    if (e)
        return e;
    if (v.is_default)
        return api_fail(c, API_INVALID_REQUEST, "Cannot delete the default version of a policy");
    return db_run(c->db, "DELETE FROM policy_versions WHERE policy = $1 AND version = $2",
                  DB_ARGS(DB_TEXT(v.policy), DB_INT(v.number)), NULL);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    char text[24];
    json_t *item =
        json_pack("{s:s,s:b,s:o}", "versionId", number_text(db_int(row, 0), text), "isDefaultVersion",
                  (int)db_int(row, 2), "createDate", api_seconds(db_int(row, 1)));

    return json_array_append_new(ctx, item) == 0 ? ERR_OK : ERR_NOMEM;
}

/* All of them: there are at most five. */
err_t policy_version_list(struct api_call *c)
{
    auto_json *list = json_array();
    const char *name;
    err_t e;

    if (!list)
        return ERR_NOMEM;
    if ((e = name_policy(c, "policyName", &name)) || (e = policy_require(c, name)) ||
        (e = db_each(c->db,
                     "SELECT v.version, v.created_ms, CASE WHEN v.version = p.version THEN 1 ELSE 0 END"
                     " FROM policy_versions v JOIN policies p ON p.name = v.policy WHERE v.policy = $1"
                     " ORDER BY v.version DESC",
                     DB_ARGS(DB_TEXT(name)), list_row, list)))
        return e;
    return api_reply(c, json_pack("{s:O}", "policyVersions", list));
}
