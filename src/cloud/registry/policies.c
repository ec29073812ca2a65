#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/policy/document.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "crypto/random.h"

#include <stdio.h>

#define ATTACHED_MAX 10 /* policies of one principal */

static err_t exists(struct api_call *c, const char *name, bool *ret)
{
    int64_t n = 0;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM policies WHERE name = $1", DB_ARGS(DB_TEXT(name)), &n);

    *ret = n > 0;
    return e;
}

static err_t check_document(struct api_call *c, const char *text)
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
    bool known;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = check_document(c, document)) ||
        (e = exists(c, name, &known)))
        return e;
    arn_iot(c, "policy", name, arn);
    if (known)
        return api_fail_exists(c, arn, name, "Policy cannot be created - name already exists (name=%s)",
                               name);
    if ((e = crypto_random_uuid(c->env->crypto, generation)) ||
        (e = db_run(c->db,
                    "INSERT INTO policies (name, document, version, generation, created_ms, modified_ms)"
                    " VALUES ($1, $2, 1, $3, $4, $5)",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(document), DB_TEXT(generation), DB_INT(c->now_ms),
                            DB_INT(c->now_ms)),
                    NULL)))
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

err_t policy_delete(struct api_call *c)
{
    const char *name;
    int64_t targets;
    bool known;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = exists(c, name, &known)))
        return e;
    if (!known)
        return api_fail(c, API_NOT_FOUND, "Policy not found (name=%s)", name);
    if ((e = db_one_int(c->db, "SELECT count(*) FROM policy_targets WHERE policy = $1",
                        DB_ARGS(DB_TEXT(name)), &targets)))
        return e;
    if (targets)
        return api_fail(c, API_DELETE_CONFLICT,
                        "The policy cannot be deleted as it is attached to one or more principals (name=%s)",
                        name);
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
        "%s", name);
}

err_t policy_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *after = api_param(c, "marker");
    err_t e;

    if (after && !name_policy_ok(after))
        return api_fail(c, API_INVALID_REQUEST, "invalid marker");
    if ((e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = db_each(c->db, "SELECT name FROM policies WHERE name > $1 ORDER BY name LIMIT $2",
                     DB_ARGS(DB_TEXT(after ? after : ""), DB_INT(page.size + 1)), list_row, &page)))
        return e;
    return api_page_reply(&page, "policies", "nextMarker");
}

/* The certificate that `target` names, which must exist. */
static err_t find_target(struct api_call *c, const char *target, const char **ret)
{
    const char *id = target ? arn_name(c->env, target, "cert") : NULL;
    auto_cert_row r = { 0 };
    err_t e;

    if (!id || !name_cert_ok(id))
        return api_fail(c, API_INVALID_REQUEST,
                        "target '%.200s' is not the ARN of a certificate of this account",
                        target ? target : "");
    if ((e = cert_row_load(c->db, id, &r)) == ERR_NOT_FOUND)
        return api_fail(c, API_NOT_FOUND, "Certificate %s not found", id);
    *ret = id;
    return e;
}

static err_t attach(struct api_call *c, const char *name, const char *cert)
{
    int64_t attached, changed;
    err_t e;

    if ((e = db_run(c->db,
                    "INSERT INTO policy_targets (policy, cert_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(cert)), &changed)) ||
        !changed ||
        (e = db_one_int(c->db, "SELECT count(*) FROM policy_targets WHERE cert_id = $1",
                        DB_ARGS(DB_TEXT(cert)), &attached)))
        return e;
    if (attached > ATTACHED_MAX)
        return api_fail(c, API_LIMIT, "a principal can have at most %d policies", ATTACHED_MAX);
    return effects_add(&c->effects, EFFECT_PRINCIPAL, cert);
}

err_t policy_attach(struct api_call *c)
{
    const char *name, *cert;
    bool known;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = exists(c, name, &known)))
        return e;
    if (!known)
        return api_fail(c, API_NOT_FOUND, "Policy not found (name=%s)", name);
    if ((e = find_target(c, json_get_str(c->body, "target"), &cert)))
        return e;
    return attach(c, name, cert);
}

err_t policy_detach(struct api_call *c)
{
    const char *name, *cert;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) ||
        (e = find_target(c, json_get_str(c->body, "target"), &cert)) ||
        (e = db_run(c->db, "DELETE FROM policy_targets WHERE policy = $1 AND cert_id = $2",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(cert)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_PRINCIPAL, cert);
}

err_t policy_list_attached(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *cert;
    err_t e;

    page.size = ATTACHED_MAX; /* one page holds them all */
    if ((e = find_target(c, api_param(c, "target"), &cert)) ||
        (e = db_each(c->db, "SELECT policy FROM policy_targets WHERE cert_id = $1 ORDER BY policy",
                     DB_ARGS(DB_TEXT(cert)), list_row, &page)))
        return e;
    return api_page_reply(&page, "policies", "nextMarker");
}
