#include "base/clock.h"
#include "base/mem.h"
#include "cloud/greengrass/document.h"
#include "cloud/greengrass/handlers.h"
#include "cloud/greengrass/ids.h"
#include "crypto/random.h"

#include <stdio.h>

static err_t group_known(struct api_call *c, const char *group)
{
    int64_t n;
    err_t e =
        db_one_int(c->db, "SELECT count(*) FROM gg_groups WHERE uuid = $1", DB_ARGS(DB_TEXT(group)), &n);

    return e || n ? e : api_fail(c, API_NOT_FOUND, "That group definition does not exist.");
}

static err_t take_version(void *ctx, const struct db_rows *row)
{
    (void)snprintf(ctx, UUID_LEN + 1, "%s", db_str(row, 0));
    return ERR_OK;
}

/* Redeployment: the version of an earlier deployment of the group. */
static err_t version_of(struct api_call *c, const char *group, const char *deployment,
                        char version[UUID_LEN + 1])
{
    err_t e;

    if (!deployment)
        return api_fail(c, API_GG_INVALID_INPUT,
                        "Your request is missing the following required parameter(s): {DeploymentId}.");
    e = db_one(c->db, "SELECT group_version FROM gg_deployments WHERE uuid = $1 AND owner = $2",
               DB_ARGS(DB_TEXT(deployment), DB_TEXT(group)), take_version, version);
    return e == ERR_NOT_FOUND
               ? api_fail(c, API_GG_INVALID_INPUT, "Deployment ID '%.60s' is invalid.", deployment)
               : e;
}

static err_t unknown_version(struct api_call *c, const char *group, const char *version)
{
    return api_fail(c, API_NOT_FOUND, "Version %.128s of Group Definition %s does not exist.", version,
                    group);
}

static err_t choose_version(struct api_call *c, const char *group, const char *kind,
                            char version[UUID_LEN + 1])
{
    const char *wanted = json_get_str(c->body, "GroupVersionId");

    if (kind && strcmp(kind, "Redeployment") == 0)
        return version_of(c, group, json_get_str(c->body, "DeploymentId"), version);
    if (!kind || strcmp(kind, "NewDeployment") != 0)
        return api_fail(c, API_GG_INVALID_INPUT,
                        "That deployment type is not valid.  Please specify one of the following types: "
                        "{NewDeployment,Redeployment}.");
    if (!wanted)
        return api_fail(c, API_GG_INVALID_INPUT,
                        "Your request is missing the following required parameter(s): {GroupVersionId}.");
    if (strlen(wanted) > UUID_LEN) /* no version of ours, and not one that begins like it either */
        return unknown_version(c, group, wanted);
    (void)snprintf(version, UUID_LEN + 1, "%s", wanted);
    return ERR_OK;
}

/* What is wrong with the group's functions becomes the deployment's status; these two the caller hears at
 * once. */
static err_t check_deployable(struct api_call *c, const char *group, const char *version)
{
    bool core;
    err_t e = gg_has_core(c, group, version, &core);

    if (e == ERR_NOT_FOUND)
        return unknown_version(c, group, version);
    if (!e && !core)
        return api_fail(
            c, API_GG_MISSING_CORE,
            "{\"ErrorDetails\":[{\"DetailedErrorCode\":\"GG-303\",\"DetailedErrorMessage\":\"You need a "
            "Greengrass Core in this Group before you can deploy.\"}]}");
    return e;
}

static err_t check_idle(struct api_call *c, const char *group)
{
    int64_t building;
    err_t e =
        db_one_int(c->db, "SELECT count(*) FROM gg_deployments WHERE owner = $1 AND status = 'Building'",
                   DB_ARGS(DB_TEXT(group)), &building);

    if (e || !building)
        return e;
    return api_fail(c, API_GG_CONCURRENT,
                    "Another deployment of this group is still being built: wait until it is InProgress");
}

static err_t reply_created(struct api_call *c, const char *group, const char *id)
{
    char arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s}", "DeploymentArn",
                                  gg_arn(c, arn, "groups/%s/deployments/%s", group, id), "DeploymentId", id));
}

err_t deployment_create(struct api_call *c)
{
    const char *group = api_param(c, "groupId"), *kind = json_get_str(c->body, "DeploymentType");
    const char *source =
        kind && strcmp(kind, "Redeployment") == 0 ? json_get_str(c->body, "DeploymentId") : NULL;
    char version[UUID_LEN + 1], id[CRYPTO_UUID_MAX];
    err_t e;

    if ((e = group_known(c, group)) || (e = choose_version(c, group, kind, version)) ||
        (e = check_deployable(c, group, version)) || (e = check_idle(c, group)) ||
        (e = crypto_random_uuid(c->env->crypto, id)) ||
        (e = db_run(c->db,
                    "INSERT INTO gg_deployments (uuid, owner, group_version, kind, status, region, "
                    "created_ms, updated_ms, source)"
                    " VALUES ($1, $2, $3, $4, 'Building', $5, $6, $7, $8)",
                    DB_ARGS(DB_TEXT(id), DB_TEXT(group), DB_TEXT(version), DB_TEXT(kind), DB_TEXT(c->region),
                            DB_INT(c->now_ms), DB_INT(c->now_ms), DB_TEXT(source)),
                    NULL)) ||
        (e = effects_add(&c->effects, EFFECT_BUILD, id)))
        return e;
    return reply_created(c, group, id);
}

struct listing {
    struct api_page *page;
    const char *group;
};

static err_t list_row(void *ctx, const struct db_rows *row)
{
    struct listing *l = ctx;
    const struct api_call *c = l->page->c;
    char arn[ARN_MAX], group_arn[ARN_MAX], created[CLOCK_ISO_MAX];

    if (!api_page_room(l->page))
        return ERR_OK;
    clock_iso(created, db_int(row, 4));
    return api_page_add(l->page,
                        json_pack("{s:s,s:s,s:s,s:s,s:s}", "CreatedAt", created, "DeploymentArn",
                                  gg_arn(c, arn, "groups/%s/deployments/%s", l->group, db_str(row, 1)),
                                  "DeploymentId", db_str(row, 1), "DeploymentType", db_str(row, 2),
                                  "GroupArn",
                                  gg_arn(c, group_arn, "groups/%s/versions/%s", l->group, db_str(row, 3))),
                        "%lld", (long long)db_int(row, 0));
}

/* Newest first; an unknown group has an empty list, as the service answers. */
err_t deployment_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct listing l = { &page, api_param(c, "groupId") };
    struct gg_before before;
    err_t e;

    if ((e = gg_page_read(&page, &before)) ||
        (e = db_each(c->db,
                     "SELECT seq, uuid, kind, group_version, created_ms FROM gg_deployments"
                     " WHERE owner = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
                     DB_ARGS(DB_TEXT(l.group), DB_INT(before.key), DB_INT(page.size + 1)), list_row, &l)))
        return e;
    return api_page_reply(&page, "Deployments", "NextToken");
}

static err_t status_row(void *ctx, const struct db_rows *row)
{
    struct api_call *c = ctx;
    auto_json *details = NULL, *j = json_pack("{s:s,s:s}", "DeploymentStatus", db_str(row, 0),
                                              "DeploymentType", db_str(row, 1));

    if (!j)
        return ERR_NOMEM;
    gg_set_time(j, "UpdatedAt", db_int(row, 4));
    gg_set_text(j, "ErrorMessage", db_str(row, 2));
    if (!db_is_null(row, 3) && json_parse(db_text(row, 3), 4, &details, NULL) == ERR_OK)
        (void)json_object_set(j, "ErrorDetails", details);
    return api_reply(c, steal(&j));
}

err_t deployment_status(struct api_call *c)
{
    const char *group = api_param(c, "groupId"), *id = api_param(c, "deploymentId");
    err_t e = db_one(c->db,
                     "SELECT status, kind, error_message, error_details, updated_ms FROM gg_deployments"
                     " WHERE uuid = $1 AND owner = $2",
                     DB_ARGS(DB_TEXT(id), DB_TEXT(group)), status_row, c);

    return e == ERR_NOT_FOUND ? api_fail(c, API_GG_INVALID_INPUT, "Deployment '%.60s' does not exist.", id)
                              : e;
}
