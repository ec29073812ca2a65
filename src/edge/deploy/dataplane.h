/* src/edge/deploy/dataplane.h - the cloud's HTTPS side for deployments: URLs, requests, what an answer means.
 *
 * dataplane_judge and dataplane_transient are pure; requests belong to the loop's thread.
 * Spec: docs/spec/edge-cloud.md EC-5, EC-9, EC-14.
 */
#pragma once
#include "edge/config.h"
#include "edge/deploy/gda.h"
#include "http/client.h"

struct dataplane {
    struct net_loop *loop;
    struct http_client *http;
    const struct config *config;
};

/* GET .../groups/GID/deployments/DID + tail. */
struct dataplane_get {
    const struct gda_ref *ref;
    const char *tail;
    uint64_t max; /* bytes of answer */
    int fd;       /* where the body goes, borrowed until done; -1: it is kept in the answer */
};
/* ERR_BUSY, ERR_NOMEM: `done` will not be called. */
err_t dataplane_get(const struct dataplane *d, const struct dataplane_get *get, http_done_fn done, void *ctx);
/* EC-14's PUT. */
err_t dataplane_put_status(const struct dataplane *d, const struct gda_report *r, http_done_fn done,
                           void *ctx);

/* ERR_OK for a 2xx. Otherwise *why is filled: ERR_DENIED (403: the policy), ERR_NOT_FOUND (404), ERR_CONFLICT
 * (409), ERR_UNAVAILABLE (429, 5xx), ERR_PROTO (other statuses), or the client's error. ERR_CANCELLED: the
 * core ends. */
err_t dataplane_judge(const struct http_answer *answer, struct problem *why);
/* Worth another try? */
bool dataplane_transient(err_t e);
