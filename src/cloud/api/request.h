/* src/cloud/api/request.h - carry one HTTP request to its handler on the database thread and its answer back.
 *
 * Shared by the control port (callers with access keys) and the device port (certificates): they decide who
 * asks, this does the rest. Belongs to the loop's thread.
 */
#pragma once
#include "cloud/api/call.h"
#include "cloud/pki/keymaker.h"
#include "cloud/store.h"
#include "http/server.h"

/* What requests need; one per process, constant once the loop runs. */
struct api_parts {
    const struct cloud_env *env;
    struct net_loop *loop;
    struct store *store;
    struct gateway *gateway;                            /* for api_op.after; set once there is one */
    struct keymaker *keymaker;                          /* NULL where no operation needs keys */
    void (*apply)(void *ctx, const struct effects *fx); /* on the loop, after the commit */
    void *apply_ctx;
    /* API_ACROSS: run the call in other accounts' databases as well (crossing.h). NULL: in its own alone. */
    void (*across)(void *ctx, struct api_call *c, void (*done)(void *arg, err_t result), void *arg);
    void *across_ctx;
};

struct api_asker {
    const char *region;       /* for ARNs in answers */
    const char *cert_id;      /* device port, else NULL */
    struct policy_vars *vars; /* the same; taken over */
    const char *access_key;   /* control port, else NULL */
    const char *key_policy;   /* of it; NULL: none */
    api_handler_fn authorize;
};

/* Copy what the handler needs, run it, answer. Always answers, errors included. */
void api_request_start(const struct api_parts *parts, const struct http_request *req, const struct api_op *op,
                       const struct api_asker *who);

/* Answer with an error at once. op may be NULL (an unknown operation). */
void api_request_refuse(const struct api_parts *parts, const struct http_request *req,
                        const struct api_op *op, enum api_error error, const char *message);
