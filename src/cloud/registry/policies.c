#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/policy/document.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/policyrow.h"
#include "cloud/registry/tags.h"
#include "crypto/random.h"

#include <stdio.h>

err_t policy_require(struct api_call *c, const char *name)
{
    int64_t n = 0;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM policies WHERE name = $1", DB_ARGS(DB_TEXT(name)), &n);

    return e || n ? e : api_fail(c, API_NOT_FOUND, "Policy not found (name=%s)", name);
}

err_t policy_check_document(struct api_call *c, const char *text)
{
    auto_policy_doc *doc = NULL;
    char why[POLICY_WHY_MAX] = "";
    err_t e;

    if (!text)
        return api_fail(c, API_INVALID_REQUEST, "policyDocument is required");
    e = policy_doc_parse(slice_str(text), &doc, why);
    return e == ERR_INVALID ? api_fail(c, API_MALFORMED_POLICY, "Policy document is malformed: %s", why) : e;
}

err_t policy_create(struct api_call *c)
{
    const char *name, *document = json_get_str(c->body, "policyDocument");
    char arn[ARN_MAX], generation[CRYPTO_UUID_MAX];
    int64_t added;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = policy_check_document(c, document)) ||
        (e = crypto_random_uuid(c->env->crypto, generation)) ||
        (e = db_run(c->db,
                    "INSERT INTO policies (name, document, version, generation, created_ms, modified_ms)"
                    " VALUES ($1, $2, 1, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(document), DB_TEXT(generation), DB_INT(c->now_ms),
                            DB_INT(c->now_ms)),
                    &added)))
        return e;
    arn_iot(c, "policy", name, arn);
    if (!added)
        return api_fail_exists(c, arn, name, "Policy cannot be created - name already exists (name=%s)",
                               name);
    if ((e = policy_add_version(c, name, 1, document)) || (e = tags_of_creation(c, "policy", name)) ||
        (e = notify_policy(c, name, NOTIFY_CREATED)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s,s:s,s:s}", "policyName", name, "policyArn", arn, "policyDocument",
                                  document, "policyVersionId", "1"));
}

static err_t get_row(void *ctx, const struct db_rows *row)
{
    struct api_call *c = ctx;
    const char *name = api_param(c, "policyName");
    char arn[ARN_MAX], version[24];

    (void)snprintf(version, sizeof(version), "%lld", (long long)db_int(row, 1));
    return api_reply(c,
                     json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "policyName", name, "policyArn",
                               arn_iot(c, "policy", name, arn), "policyDocument", db_str(row, 0),
                               "defaultVersionId", version, "generationId", db_str(row, 2), "creationDate",
                               api_seconds(db_int(row, 3)), "lastModifiedDate", api_seconds(db_int(row, 4))));
}

err_t policy_get(struct api_call *c)
{
    const char *name;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)))
        return e;
    e = db_one(c->db,
               "SELECT document, version, generation, created_ms, modified_ms FROM policies WHERE name = $1",
               DB_ARGS(DB_TEXT(name)), get_row, c);
    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Policy not found (name=%s)", name) : e;
}

static err_t count_of(struct api_call *c, const char *sql, const char *name, int64_t *ret)
{
    return db_one_int(c->db, sql, DB_ARGS(DB_TEXT(name)), ret);
}

err_t policy_delete(struct api_call *c)
{
    const char *name;
    int64_t targets, versions;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = policy_require(c, name)) ||
        (e = count_of(c,
                      "SELECT (SELECT count(*) FROM policy_targets WHERE policy = $1)"
                      " + (SELECT count(*) FROM policy_groups WHERE policy = $1)",
                      name, &targets)) ||
        (e = count_of(c, "SELECT count(*) FROM policy_versions WHERE policy = $1", name, &versions)))
        return e;
    if (targets)
        return api_fail(c, API_DELETE_CONFLICT,
                        "The policy cannot be deleted as it is attached to one or more principals (name=%s)",
                        name);
    if (versions > 1)
        return api_fail(c, API_DELETE_CONFLICT,
                        "The policy cannot be deleted as it has versions beside the default one (name=%s)",
                        name);
    if ((e = notify_policy(c, name, NOTIFY_DELETED)) ||
        (e = db_run(c->db, "DELETE FROM policy_versions WHERE policy = $1", DB_ARGS(DB_TEXT(name)), NULL)) ||
        (e = tags_drop(c, "policy", name)))
        return e;
    return db_run(c->db, "DELETE FROM policies WHERE name = $1", DB_ARGS(DB_TEXT(name)), NULL);
}

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *name = db_str(row, 0);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(
        page, json_pack("{s:s,s:s}", "policyName", name, "policyArn", arn_iot(page->c, "policy", name, arn)),
        "%lld.%s", (long long)db_int(row, 1), name);
}

err_t policy_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct api_age_marker at;
    err_t e;

    if ((e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_age_marker(c, name_policy_ok, &at)) ||
        (e = db_each(c->db,
                     at.ascending
                         ? "SELECT name, created_ms FROM policies WHERE (created_ms, name) > ($1, $2)"
                           " ORDER BY created_ms, name LIMIT $3"
                         : "SELECT name, created_ms FROM policies WHERE (created_ms, name) < ($1, $2)"
                           " ORDER BY created_ms DESC, name DESC LIMIT $3",
                     DB_ARGS(DB_INT(at.ms), DB_TEXT(at.id), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "policies", "nextMarker");
}
