/* src/edge/function/workers.h - the pool's wishes as processes: tokens, environments, log pipes, starts,
 * stops.
 *
 * I/O on the core's loop. Lives as long as the core: groups come and go. Spec: docs/spec/functions.md;
 * greengrass-v1 reference 2.2, 4.3, 4.4.
 */
#pragma once
#include "crypto/process.h"
#include "edge/config.h"
#include "edge/deploy/group.h"
#include "edge/function/pool.h"
#include "edge/problem.h"
#include "net/loop.h"

struct workers;

struct workers_opts {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    const struct config *config;
    const char *package_dir; /* ROOT/ggc/packages/VERSION: the runtimes' shims are below runtime/ */
    int runner_fd; /* the core's end of the socket to the runner; owned from here on, also on failure */
    void (*on_lost)(void *ctx); /* the runner is gone, and with it every function */
    void *ctx;
};

/* Everything in opts is borrowed but the descriptor. ERR_NOMEM, ERR_IO with *why. */
err_t workers_new(const struct workers_opts *opts, struct workers **ret, struct problem *why);
/* Starts and stops nothing more; what runs is the runner's to end. NULL is fine. */
void workers_free(struct workers *w);

/* To invoke, poll and look at; its waiter and group events are free to take. Lives as long as w. */
struct pool *workers_pool(struct workers *w);

/* pool_set_functions for the functions of `g`, whose code is in code_dir/ARN. `g` is borrowed until the next
 * call; NULL stops all. Errors: nothing changed. */
err_t workers_set_group(struct workers *w, const struct group *g, const char *code_dir, struct problem *why);
