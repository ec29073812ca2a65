/* src/edge/local/shadows.h - the local shadow service: documents of things, kept on this core.
 *
 * Blocking I/O on small files (a change is on the disk before it is answered); one loop's thread. The rules
 * of documents are src/shadow's, as in the cloud. Classic shadows only, as V1 has them. Spec:
 * docs/spec/functions.md (local shadows); greengrass-v1 reference 4.4, 4.6, 6.4.
 *
 *     WD/var/state/shadows/THING.json
 */
#pragma once
#include "base/buf.h"
#include "edge/problem.h"

#define SHADOWS_FUNCTION_ARN "arn:aws:lambda:::function:GGShadowService"
#define SHADOWS_MAX 10000 /* documents */

struct local_shadows;

struct local_shadows_opts {
    const char *write_dir;
    size_t max_shadows; /* 0: SHADOWS_MAX */
    /* What the service says to whom it may concern: accepted, rejected, delta, documents. */
    void (*publish)(void *ctx, const char *topic, struct slice payload);
    void *ctx;
};

/* Makes the folder; what an interrupted write left is removed. write_dir is borrowed until this returns.
 * ERR_DENIED, ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM with *why. */
err_t local_shadows_new(const struct local_shadows_opts *opts, struct local_shadows **ret,
                        struct problem *why);
void local_shadows_free(struct local_shadows *s); /* NULL is fine */

/* A message the router brings to the service. A refusal is published, and ERR_OK. ERR_INVALID: its topic asks
 * for nothing (it is an answer, or a named shadow's). ERR_NOMEM. */
err_t local_shadows_message(struct local_shadows *s, struct slice topic, struct slice payload);

/* A function's request: the pool's builtin SHADOWS_FUNCTION_ARN, `ctx` is the service. The context's subject
 * is the topic. The answer, accepted or rejected, is appended to `result`; a change is published, too.
 * ERR_INVALID: no such subject. ERR_NOMEM, ERR_TOO_BIG (result's cap). */
err_t local_shadows_builtin(void *ctx, const char *invoker_arn, struct slice context, struct slice payload,
                            struct buf *result, char *function_error);
