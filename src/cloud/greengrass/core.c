/* What a core asks on the device port. The policy has been met when these run; here the cloud checks that the
 * asker is the core of the deployment, and hides everything else behind a 404 (docs/spec/edge-cloud.md
 * EC-10). */
#include "base/mem.h"
#include "cloud/greengrass/artifacts.h"
#include "cloud/greengrass/build.h"
#include "cloud/greengrass/handlers.h"
#include "cloud/greengrass/ids.h"

#include <stdio.h>

#define DETAILS_MAX 16384u
#define ERROR_MESSAGE_MAX 4096u

struct deployment {
    int64_t seq;
    char status[16];
    char *core_arn;
    char *envelope;
};

static void deployment_done(struct deployment *d)
{
    free(d->core_arn);
    free(d->envelope);
}
#define auto_deployment __attribute__((cleanup(deployment_done))) struct deployment

static err_t take_row(void *ctx, const struct db_rows *row)
{
    struct deployment *d = ctx;

    if (db_is_null(row, 2) || db_is_null(row, 3))
        return ERR_NOT_FOUND; /* not built yet */
    d->seq = db_int(row, 0);
    (void)snprintf(d->status, sizeof(d->status), "%s", db_str(row, 1));
    d->core_arn = mem_str(db_text(row, 2));
    d->envelope = mem_str(db_text(row, 3));
    return d->core_arn && d->envelope ? ERR_OK : ERR_NOMEM;
}

static err_t not_found(struct api_call *c)
{
    return api_fail(c, API_NOT_FOUND, "Deployment '%.60s' does not exist.", api_param(c, "deploymentId"));
}

/* Is the asking certificate attached to the core of this deployment? */
static err_t check_core(struct api_call *c, const struct deployment *d)
{
    const char *core = gg_core_name(c->env, d->core_arn);
    int64_t n;
    err_t e;

    if (!core)
        return not_found(c);
    e = db_one_int(c->db, "SELECT count(*) FROM thing_principals WHERE thing = $1 AND cert_id = $2",
                   DB_ARGS(DB_TEXT(core), DB_TEXT(c->cert_id)), &n);
    return e || n ? e : not_found(c);
}

static err_t load(struct api_call *c, struct deployment *d)
{
    err_t e = db_one(
        c->db, "SELECT seq, status, core_arn, envelope FROM gg_deployments WHERE uuid = $1 AND owner = $2",
        DB_ARGS(DB_TEXT(api_param(c, "deploymentId")), DB_TEXT(api_param(c, "groupId"))), take_row, d);

    if (e == ERR_NOT_FOUND)
        return not_found(c);
    return e ? e : check_core(c, d);
}

err_t core_document(struct api_call *c)
{
    auto_deployment d = { 0 };
    err_t e = load(c, &d);

    return e ? e : buf_add_str(&c->text, d.envelope);
}

err_t core_artifact(struct api_call *c)
{
    auto_deployment d = { 0 };
    err_t e = load(c, &d);

    if (e)
        return e;
    c->content_type = "application/octet-stream";
    e = gg_artifact_read(c, api_param(c, "deploymentId"), api_param(c, "name"), &c->text);
    return e == ERR_NOT_FOUND ? not_found(c) : e;
}

static bool final(const char *status)
{
    return strcmp(status, "Success") == 0 || strcmp(status, "Failure") == 0;
}

/* EC-1 and EC-14: the body's version and status. */
static err_t read_status(struct api_call *c, const char **ret)
{
    const json_t *v = json_object_get(c->body, "v");
    const char *status = json_get_str(c->body, "status");

    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 1)
        return api_fail(c, API_GG_BAD_REQUEST,
                        "the status document has version %lld, this server knows version 1",
                        (long long)(json_is_integer(v) ? json_integer_value(v) : 0));
    if (!status || (!final(status) && strcmp(status, "InProgress") != 0))
        return api_fail(c, API_GG_BAD_REQUEST, "status must be InProgress, Success or Failure");
    *ret = status;
    return ERR_OK;
}

static err_t read_details(struct api_call *c, struct buf *out)
{
    const json_t *details = json_object_get(c->body, "errorDetails");
    const char *message = json_get_str(c->body, "errorMessage");

    if (message && strlen(message) > ERROR_MESSAGE_MAX)
        return api_fail(c, API_GG_BAD_REQUEST, "errorMessage is longer than %u bytes", ERROR_MESSAGE_MAX);
    if (!details)
        return ERR_OK;
    if (!json_is_array(details) || json_write(out, details, 0))
        return api_fail(c, API_GG_BAD_REQUEST, "errorDetails must be a list of at most %u bytes",
                        DETAILS_MAX);
    return ERR_OK;
}

/* A core takes the newest deployment only (EC-4): those it passed over will not be heard of again. */
static err_t supersede(struct api_call *c, int64_t seq)
{
    autofree char *message =
        mem_printf("superseded by deployment %s before the core started it", api_param(c, "deploymentId"));

    return !message
               ? ERR_NOMEM
               : db_run(c->db,
                        "UPDATE gg_deployments SET status = 'Failure', error_message = $1, updated_ms = $2"
                        " WHERE owner = $3 AND seq < $4 AND status = 'InProgress'",
                        DB_ARGS(DB_TEXT(message), DB_INT(c->now_ms), DB_TEXT(api_param(c, "groupId")),
                                DB_INT(seq)),
                        NULL);
}

err_t core_status(struct api_call *c)
{
    autobuf details = BUF_INIT(DETAILS_MAX);
    auto_deployment d = { 0 };
    const char *status = NULL;
    err_t e = load(c, &d);

    if (e)
        return e;
    if (strcmp(api_param(c, "coreArn"), d.core_arn) != 0)
        return not_found(c);
    if ((e = read_status(c, &status)) || (e = read_details(c, &details)))
        return e;
    if (strcmp(status, d.status) == 0)
        return ERR_OK;
    if (final(d.status))
        return api_fail(c, API_CONFLICT, "deployment %s has ended with %s already",
                        api_param(c, "deploymentId"), d.status);
    if ((e = db_run(
             c->db,
             "UPDATE gg_deployments SET status = $1, error_message = $2, error_details = $3, updated_ms = $4"
             " WHERE uuid = $5",
             DB_ARGS(DB_TEXT(status), DB_TEXT(json_get_str(c->body, "errorMessage")),
                     DB_TEXT(details.n ? buf_str(&details) : NULL), DB_INT(c->now_ms),
                     DB_TEXT(api_param(c, "deploymentId"))),
             NULL)))
        return e;
    return supersede(c, d.seq);
}
