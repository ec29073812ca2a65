/* Policies and the certificates they are attached to, in the newer operations (target in the body or path)
 * and in the deprecated ones, which name principal and policy in headers (iot-core reference 3.8). */
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/policyrow.h"

#define ATTACHED_MAX 10 /* policies of one principal */
#define PRINCIPAL_HEADER "x-amzn-iot-principal"
#define POLICY_HEADER "x-amzn-iot-policy"

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

static err_t attach_to(struct api_call *c, const char *target)
{
    const char *name, *cert;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = policy_require(c, name)) ||
        (e = find_target(c, target, &cert)))
        return e;
    return attach(c, name, cert);
}

static err_t detach_from(struct api_call *c, const char *target)
{
    const char *name, *cert;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = find_target(c, target, &cert)) ||
        (e = db_run(c->db, "DELETE FROM policy_targets WHERE policy = $1 AND cert_id = $2",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(cert)), NULL)))
        return e;
    return effects_add(&c->effects, EFFECT_PRINCIPAL, cert);
}

err_t policy_attach(struct api_call *c)
{
    return attach_to(c, json_get_str(c->body, "target"));
}

err_t policy_detach(struct api_call *c)
{
    return detach_from(c, json_get_str(c->body, "target"));
}

err_t policy_attach_principal(struct api_call *c)
{
    return attach_to(c, api_param(c, PRINCIPAL_HEADER));
}

err_t policy_detach_principal(struct api_call *c)
{
    return detach_from(c, api_param(c, PRINCIPAL_HEADER));
}

/* ---- lists ---- */

static err_t policy_row(void *ctx, const struct db_rows *row)
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

static err_t list_policies_of(struct api_call *c, const char *target)
{
    auto_page page = API_PAGE_INIT(c);
    const char *cert, *after;
    err_t e;

    if ((e = find_target(c, target, &cert)) || (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_name_marker(c, "marker", name_policy_ok, &after)) ||
        (e = db_each(
             c->db,
             "SELECT policy FROM policy_targets WHERE cert_id = $1 AND policy > $2 ORDER BY policy LIMIT $3",
             DB_ARGS(DB_TEXT(cert), DB_TEXT(after), DB_INT(page.size + 1)), policy_row, &page)))
        return e;
    return api_page_reply(&page, "policies", "nextMarker");
}

err_t policy_list_attached(struct api_call *c)
{
    return list_policies_of(c, api_param(c, "target"));
}

err_t policy_list_of_principal(struct api_call *c)
{
    return list_policies_of(c, api_param(c, PRINCIPAL_HEADER));
}

static err_t target_row(void *ctx, const struct db_rows *row)
{
    struct api_page *page = ctx;
    const char *id = db_str(row, 0);
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(page, json_string(arn_iot(page->c, "cert", id, arn)), "%s", id);
}

static err_t list_targets_of(struct api_call *c, const char *param, const char *member)
{
    auto_page page = API_PAGE_INIT(c);
    const char *name, *after;
    err_t e;

    if ((e = name_policy(c, param, &name)) || (e = policy_require(c, name)) ||
        (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_name_marker(c, "marker", name_cert_ok, &after)) ||
        (e = db_each(c->db,
                     "SELECT cert_id FROM policy_targets WHERE policy = $1 AND cert_id > $2 ORDER BY cert_id "
                     "LIMIT $3",
                     DB_ARGS(DB_TEXT(name), DB_TEXT(after), DB_INT(page.size + 1)), target_row, &page)))
        return e;
    return api_page_reply(&page, member, "nextMarker");
}

err_t policy_list_targets(struct api_call *c)
{
    return list_targets_of(c, "policyName", "targets");
}

err_t policy_list_principals(struct api_call *c)
{
    return list_targets_of(c, POLICY_HEADER, "principals");
}
