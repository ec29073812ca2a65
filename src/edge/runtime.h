/* src/edge/runtime.h - the running group: what its functions, routes and loggers need, put together.
 *
 * I/O on the core's loop. Lives as long as the core; the IPC server, the runner and the data connections to
 * the cloud outlive deployments. Spec: docs/spec/edge-cloud.md section 5; greengrass-v1 reference 3.2, 4.
 */
#pragma once
#include "crypto/process.h"
#include "edge/config.h"
#include "edge/deploy/group.h"
#include "net/loop.h"
#include "tls/context.h"

struct runtime;

struct runtime_opts {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    const struct config *config;
    struct tls_context *tls; /* for the data connections */
    const char *package_dir; /* ROOT/ggc/packages/VERSION */
    int runner_fd; /* the core's end of the socket to the runner, -1: there is none; owned from here on */
    void (*on_lost)(void *ctx); /* the runner is gone: end, the supervisor starts both again */
    void *ctx;
};

/* How runtime_apply went, later and on the loop, once: ERR_OK, or the failure in V1's words ("worker with ID
 * failed to initialize with reason ..."). */
typedef void (*runtime_healthy_fn)(void *ctx, err_t e, const char *why);

/* Everything in opts is borrowed but the descriptor. ERR_NOMEM, ERR_IO, ERR_BUSY (the port) ... with *why;
 * the descriptor is closed then, too. */
err_t runtime_new(const struct runtime_opts *opts, struct runtime **ret, struct problem *why);
void runtime_free(struct runtime *r); /* NULL is fine */

/* Stop the functions that run, start those of `g`, whose code is in code_dir/ARN. `g` is borrowed until the
 * next apply. on_healthy is called later from the loop, when every pinned function has asked for work or
 * reported itself initialised (soon for a group without any), when one failed, or with ERR_TIMEOUT after
 * runtime.postStartHealthCheckTimeout; not when another apply came first. Errors: no function runs. */
err_t runtime_apply(struct runtime *r, const struct group *g, const char *code_dir,
                    runtime_healthy_fn on_healthy, void *ctx, struct problem *why);

/* The core ends: SIGTERM to every function, done(ctx) when the last has gone or was killed. */
void runtime_stop(struct runtime *r, void (*done)(void *ctx), void *ctx);
