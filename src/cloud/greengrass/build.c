#include "cloud/greengrass/build.h"

#include "base/mem.h"
#include "cloud/greengrass/document.h"
#include "cloud/greengrass/ids.h"
#include "cloud/shadows/service.h"

#include <stdio.h>

struct row {
    char group[UUID_LEN + 1], version[UUID_LEN + 1], kind[32], status[16], region[API_REGION_MAX];
    char source[UUID_LEN + 1]; /* of a redeployment */
    int64_t created_ms;
};

static err_t take_row(void *ctx, const struct db_rows *row)
{
    struct row *r = ctx;

    (void)snprintf(r->group, sizeof(r->group), "%s", db_str(row, 0));
    (void)snprintf(r->version, sizeof(r->version), "%s", db_str(row, 1));
    (void)snprintf(r->kind, sizeof(r->kind), "%s", db_str(row, 2));
    (void)snprintf(r->status, sizeof(r->status), "%s", db_str(row, 3));
    (void)snprintf(r->region, sizeof(r->region), "%s", db_str(row, 4));
    r->created_ms = db_int(row, 5);
    (void)snprintf(r->source, sizeof(r->source), "%s", db_is_null(row, 6) ? "" : db_str(row, 6));
    return ERR_OK;
}

const char *gg_core_name(const struct cloud_env *env, const char *thing_arn)
{
    return arn_name(env, thing_arn, "thing");
}

/* EC-2: the desired state of the shadow CORE-gda. */
static err_t tell_core(struct api_call *c, const char *id, const struct row *r, const char *core_arn)
{
    autofree char *thing = mem_printf("%s-gda", gg_core_name(c->env, core_arn));
    autobuf body = BUF_INIT(4096);
    struct shadow_result result = { 0 };
    err_t e;

    if (!thing)
        return ERR_NOMEM;
    if ((e = buf_printf(&body,
                        "{\"state\":{\"desired\":{\"v\":1,\"deploymentId\":\"%s\",\"deploymentType\":\"%s\","
                        "\"groupId\":\"%s\",\"groupVersionId\":\"%s\"}}}",
                        id, r->kind, r->group, r->version)) ||
        (e = shadows_apply(c->db, thing, "", SHADOW_UPDATE, buf_slice(&body), c->now_ms, &result)))
        return e;
    if (result.code != SHADOW_OK)
        e = ERR_INVALID;
    else
        e = effects_add_shadow(&c->effects, thing, "", SHADOW_UPDATE, &result);
    shadow_result_done(&result);
    return e;
}

static err_t store(struct api_call *c, const char *id, const struct gg_parts *parts,
                   const struct buf *envelope)
{
    err_t e = gg_parts_store(c, id, parts);

    return e ? e
             : db_run(c->db,
                      "UPDATE gg_deployments SET status = 'InProgress', envelope = $1, core_arn = $2, "
                      "updated_ms = $3"
                      " WHERE uuid = $4",
                      DB_ARGS(DB_SLICE(buf_slice(envelope)), DB_TEXT(parts->core_arn), DB_INT(c->now_ms),
                              DB_TEXT(id)),
                      NULL);
}

static err_t fail(struct api_call *c, const char *id, const char *message)
{
    return db_run(
        c->db,
        "UPDATE gg_deployments SET status = 'Failure', error_message = $1, updated_ms = $2 WHERE uuid = $3",
        DB_ARGS(DB_TEXT(message), DB_INT(c->now_ms), DB_TEXT(id)), NULL);
}

/* A redeployment sends what its source sent, whatever aliases point to now. */
static err_t gather(struct api_call *c, const struct row *r, struct gg_parts *parts, char why[GG_WHY_MAX])
{
    err_t e = r->source[0] ? gg_parts_load(c, r->source, parts) : ERR_NOT_FOUND;

    return e == ERR_NOT_FOUND ? gg_parts_build(c, r->group, r->version, parts, why) : e;
}

static err_t build(struct api_call *c, const char *id, const struct row *r)
{
    auto_parts parts = GG_PARTS_INIT;
    autobuf envelope = BUF_INIT(GG_ENVELOPE_MAX);
    char why[GG_WHY_MAX] = "the group cannot be deployed";
    err_t e = gather(c, r, &parts, why);

    if (e == ERR_NOT_FOUND)
        return fail(c, id, "the group version or a definition it refers to does not exist any more");
    if (e == ERR_TOO_BIG)
        return fail(c, id,
                    "the group document is over 4 MiB: a core takes no larger one; use fewer subscriptions");
    if (e == ERR_INVALID)
        return fail(c, id, why);
    if (e)
        return e;
    if (!parts.core_arn || !gg_core_name(c->env, parts.core_arn))
        return fail(c, id, "the group has no core");
    struct gg_deployment_text d = { id, r->kind, r->group, r->version, &parts, r->created_ms };
    e = gg_envelope(c, &d, &envelope);
    if (e == ERR_UNAVAILABLE)
        return fail(c, id, "the key that signs deployments does not answer: deploy again when it does");
    if (e || (e = store(c, id, &parts, &envelope)))
        return e;
    return tell_core(c, id, r, parts.core_arn);
}

err_t deployment_build(struct api_call *c)
{
    const char *id = api_param(c, "deploymentId");
    struct row r;
    err_t e =
        db_one(c->db,
               "SELECT owner, group_version, kind, status, region, created_ms, source FROM gg_deployments"
               " WHERE uuid = $1",
               DB_ARGS(DB_TEXT(id)), take_row, &r);

    if (e)
        return e;
    /* ARNs carry the region of the call that made the deployment, also when it is built after a restart. */
    (void)snprintf(c->region, sizeof(c->region), "%s", r.region);
    return strcmp(r.status, "Building") == 0 ? build(c, id, &r) : ERR_OK;
}

static err_t resume_row(void *ctx, const struct db_rows *row)
{
    struct api_call *c = ctx;

    return effects_add(&c->effects, EFFECT_BUILD, db_str(row, 0));
}

err_t deployment_resume(struct api_call *c)
{
    return db_each(c->db, "SELECT uuid FROM gg_deployments WHERE status = 'Building' ORDER BY seq",
                   DB_NO_ARGS, resume_row, c);
}
