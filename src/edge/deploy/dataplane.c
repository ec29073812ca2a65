/* src/edge/deploy/dataplane.c */
#include "edge/deploy/dataplane.h"

#include "base/mem.h"
#include "edge/elog.h"
#include "http/uri.h"

#define URL_MAX 8192
#define STATUS_MAX 16384
#define STATUS_ANSWER_MAX 65536
#define CODE_TOTAL_MS 3600000 /* a large zip on a slow line; one that stalls ends after 30 s */

static const struct {
    int status;
    err_t e;
    const char *what;
} refusals[] = {
    { 403, ERR_DENIED,
      "the cloud refuses it (403): the policy of the core's certificate must allow greengrass:GetDeployment, "
      "GetDeploymentArtifacts and UpdateCoreDeploymentStatus for this deployment" },
    { 404, ERR_NOT_FOUND, "the cloud has no such deployment for this core (404)" },
    { 409, ERR_CONFLICT, "the cloud has recorded another final status for this deployment (409)" },
    { 429, ERR_UNAVAILABLE, "the cloud asks to come back later (429)" },
};

err_t dataplane_judge(const struct http_answer *answer, struct problem *why)
{
    if (answer->err)
        return problem_set(why, answer->err, "%s%s", answer->why ? answer->why : err_str(answer->err),
                           answer->err == ERR_NO_SPACE ? "; free some space on the disk and deploy again"
                                                       : "");
    if (answer->status >= 200 && answer->status < 300)
        return ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (answer->status == refusals[i].status)
            return problem_set(why, refusals[i].e, "%s", refusals[i].what);
    return problem_set(why, answer->status >= 500 ? ERR_UNAVAILABLE : ERR_PROTO,
                       "the cloud answered with status %d", answer->status);
}

bool dataplane_transient(err_t e)
{
    return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT || e == ERR_IO || e == ERR_BUSY || e == ERR_CRYPTO;
}

/* Ids of a gda_ref are letters, digits and hyphens: nothing to escape. */
static char *deployment_url(const struct dataplane *d, const struct gda_ref *ref, const char *tail)
{
    return mem_printf("https://%s:%lld/greengrass/groups/%s/deployments/%s%s", d->config->gg_host,
                      (long long)d->config->gg_http_port, ref->group_id, ref->deployment_id, tail);
}

err_t dataplane_get(const struct dataplane *d, const struct dataplane_get *get, http_done_fn done, void *ctx)
{
    autofree char *url = deployment_url(d, get->ref, get->tail);
    struct http_fetch f = { .url = url, .max_answer = get->max, .to_fd = get->fd >= 0, .fd = get->fd };

    if (!url)
        return ERR_NOMEM;
    if (f.to_fd)
        f.total_ms = CODE_TOTAL_MS;
    elog(ELOG_DEBUG, "Sending a request to the cloud.", ELOG_S("method", "GET"), ELOG_S("url", url));
    return http_client_start(d->http, &f, d->loop, done, ctx, NULL);
}

static char *status_url(const struct dataplane *d, const struct gda_ref *ref)
{
    autobuf tail = BUF_INIT(URL_MAX);

    if (buf_add_str(&tail, "/cores/") || http_percent_encode(&tail, slice_str(d->config->thing_arn), false) ||
        buf_add_str(&tail, "/status"))
        return NULL;
    return deployment_url(d, ref, buf_str(&tail));
}

err_t dataplane_put_status(const struct dataplane *d, const struct gda_report *r, http_done_fn done,
                           void *ctx)
{
    static const struct http_header json[] = { HTTP_HEADER("Content-Type", "application/json") };
    autofree char *url = status_url(d, &r->ref);
    autobuf body = BUF_INIT(STATUS_MAX);
    struct http_fetch f = { .method = "PUT",
                            .url = url,
                            .headers = json,
                            .header_count = ARRAY_LEN(json),
                            .max_answer = STATUS_ANSWER_MAX };

    if (!url || gda_write_status(&body, r))
        return ERR_NOMEM;
    f.body = buf_slice(&body);
    elog(ELOG_DEBUG, "Sending a request to the cloud.", ELOG_S("method", "PUT"), ELOG_S("url", url));
    return http_client_start(d->http, &f, d->loop, done, ctx, NULL);
}
