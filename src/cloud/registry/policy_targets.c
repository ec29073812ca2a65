/* Policies and the certificates and thing groups they are attached to, in the newer operations (target in the
 * body or path) and in the deprecated ones, which name principal and policy in headers (iot-core
 * reference 3.8). */
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/registry/certrow.h"
#include "cloud/registry/grouprow.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/policyrow.h"

#define ATTACHED_MAX 10 /* policies of one principal */
#define PRINCIPAL_HEADER "x-amzn-iot-principal"
#define POLICY_HEADER "x-amzn-iot-policy"

/* What a policy is attached to. */
struct target {
    bool group; /* a thing group, otherwise a certificate */
    const char *id;
};

static err_t find_certificate(struct api_call *c, const char *id)
{
    auto_cert_row r = { 0 };
    err_t e = cert_row_load(c->db, id, &r);

    return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Certificate %s not found", id) : e;
}

/* The certificate or thing group that `arn` names, which must exist. */
static err_t find_target(struct api_call *c, const char *arn, struct target *ret)
{
    const char *cert = arn ? arn_name(c->env, arn, "cert") : NULL;
    const char *group = arn ? arn_name(c->env, arn, "thinggroup") : NULL;

    if (!(cert && name_cert_ok(cert)) && !(group && name_thing_ok(group)))
        return api_fail(c, API_INVALID_REQUEST,
                        "target '%.200s' is not the ARN of a certificate or thing group of this account",
                        arn ? arn : "");
    *ret = (struct target){ .group = group != NULL, .id = group ? group : cert };
    return group ? group_require(c, group) : find_certificate(c, cert);
}

static err_t changed(struct api_call *c, const struct target *t)
{
    return effects_add(&c->effects, t->group ? EFFECT_GROUPS : EFFECT_PRINCIPAL, t->id);
}

static err_t attach(struct api_call *c, const char *name, const struct target *t)
{
    int64_t attached, added;
    err_t e;

    if ((e = db_run(
             c->db,
             t->group ? "INSERT INTO policy_groups (policy, grp) VALUES ($1, $2) ON CONFLICT DO NOTHING"
                      : "INSERT INTO policy_targets (policy, cert_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
             DB_ARGS(DB_TEXT(name), DB_TEXT(t->id)), &added)) ||
        !added ||
        (e = db_one_int(c->db,
                        t->group ? "SELECT count(*) FROM policy_groups WHERE grp = $1"
                                 : "SELECT count(*) FROM policy_targets WHERE cert_id = $1",
                        DB_ARGS(DB_TEXT(t->id)), &attached)))
        return e;
    if (attached > ATTACHED_MAX)
        return api_fail(c, API_LIMIT, "a principal or thing group can have at most %d policies",
                        ATTACHED_MAX);
    return changed(c, t);
}

static err_t attach_to(struct api_call *c, const char *arn)
{
    struct target t;
    const char *name;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = policy_require(c, name)) ||
        (e = find_target(c, arn, &t)))
        return e;
    return attach(c, name, &t);
}

static err_t detach_from(struct api_call *c, const char *arn)
{
    struct target t;
    const char *name;
    err_t e;

    if ((e = name_policy(c, "policyName", &name)) || (e = find_target(c, arn, &t)) ||
        (e = db_run(c->db,
                    t.group ? "DELETE FROM policy_groups WHERE policy = $1 AND grp = $2"
                            : "DELETE FROM policy_targets WHERE policy = $1 AND cert_id = $2",
                    DB_ARGS(DB_TEXT(name), DB_TEXT(t.id)), NULL)))
        return e;
    return changed(c, &t);
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

/* With `recursive` also the policies of the groups above a group. */
static const char *policies_sql(const struct target *t, bool recursive)
{
    if (!t->group)
        return "SELECT policy FROM policy_targets WHERE cert_id = $1 AND policy > $2 ORDER BY policy LIMIT "
               "$3";
    if (!recursive)
        return "SELECT policy FROM policy_groups WHERE grp = $1 AND policy > $2 ORDER BY policy LIMIT $3";
    return "WITH RECURSIVE above (name, parent) AS (SELECT name, parent FROM thing_groups WHERE name = $1"
           " UNION SELECT g.name, g.parent FROM thing_groups g JOIN above ON g.name = above.parent)"
           " SELECT DISTINCT p.policy FROM policy_groups p JOIN above ON above.name = p.grp"
           " WHERE p.policy > $2 ORDER BY p.policy LIMIT $3";
}

static err_t list_policies_of(struct api_call *c, const char *arn)
{
    auto_page page = API_PAGE_INIT(c);
    struct target t;
    const char *after;
    bool recursive = false;
    err_t e;

    if ((e = find_target(c, arn, &t)) || (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_param_bool(c, "recursive", &recursive)) ||
        (e = api_name_marker(c, "marker", name_policy_ok, &after)) ||
        (e = db_each(c->db, policies_sql(&t, recursive),
                     DB_ARGS(DB_TEXT(t.id), DB_TEXT(after), DB_INT(page.size + 1)), policy_row, &page)))
        return e;
    return api_page_reply(&page, "policies", "nextMarker");
}

err_t policy_list_attached(struct api_call *c)
{
    return list_policies_of(c, api_param(c, "target"));
}

/* These two are in the order of names whatever is asked for, but what is asked must be true or false. */
static err_t check_order(struct api_call *c)
{
    bool unused;

    return api_param_bool(c, "isAscendingOrder", &unused);
}

err_t policy_list_of_principal(struct api_call *c)
{
    err_t e = check_order(c);

    return e ? e : list_policies_of(c, api_param(c, PRINCIPAL_HEADER));
}

/* A row of cert_id or group name; the marker says which kind it was: c.ID, g.NAME. */
static err_t add_target(struct api_page *page, const char *kind, const char *id)
{
    char arn[ARN_MAX];

    if (!api_page_room(page))
        return ERR_OK;
    return api_page_add(page, json_string(arn_iot(page->c, kind, id, arn)), "%c.%s",
                        kind[0] == 'c' ? 'c' : 'g', id);
}

static err_t certificate_row(void *ctx, const struct db_rows *row)
{
    return add_target(ctx, "cert", db_str(row, 0));
}

static err_t group_row(void *ctx, const struct db_rows *row)
{
    return add_target(ctx, "thinggroup", db_str(row, 0));
}

static bool target_marker_ok(const char *s)
{
    return (s[0] == 'c' || s[0] == 'g') && s[1] == '.' && (s[0] == 'c' ? name_cert_ok : name_thing_ok)(s + 2);
}

/* Certificates first, then groups. */
static err_t add_targets(struct api_call *c, struct api_page *page, const char *policy, const char *after,
                         bool groups)
{
    bool in_groups = after[0] == 'g';
    const char *id = *after ? after + 2 : "";
    err_t e = ERR_OK;

    if (!in_groups)
        e = db_each(
            c->db,
            "SELECT cert_id FROM policy_targets WHERE policy = $1 AND cert_id > $2 ORDER BY cert_id LIMIT $3",
            DB_ARGS(DB_TEXT(policy), DB_TEXT(id), DB_INT(page->size + 1)), certificate_row, page);
    if (e || !groups || page->more)
        return e;
    return db_each(
        c->db, "SELECT grp FROM policy_groups WHERE policy = $1 AND grp > $2 ORDER BY grp LIMIT $3",
        DB_ARGS(DB_TEXT(policy), DB_TEXT(in_groups ? id : ""), DB_INT(page->size + 1)), group_row, page);
}

static err_t list_targets_of(struct api_call *c, const char *param, const char *member, bool groups)
{
    auto_page page = API_PAGE_INIT(c);
    const char *name, *after;
    err_t e;

    if ((e = name_policy(c, param, &name)) || (e = policy_require(c, name)) ||
        (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_name_marker(c, "marker", target_marker_ok, &after)) ||
        (e = add_targets(c, &page, name, after, groups)))
        return e;
    return api_page_reply(&page, member, "nextMarker");
}

err_t policy_list_targets(struct api_call *c)
{
    return list_targets_of(c, "policyName", "targets", true);
}

err_t policy_list_principals(struct api_call *c)
{
    err_t e = check_order(c);

    return e ? e : list_targets_of(c, POLICY_HEADER, "principals", false);
}
