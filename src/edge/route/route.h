/* src/edge/route/route.h - the router, the spooler and the data connections put together: what the running
 * group needs of them.
 *
 * I/O on one loop; everything here belongs to its thread. Lives as long as the core: what waits for the cloud
 * outlives deployments.
 */
#pragma once
#include "edge/route/cloud.h"
#include "edge/route/router.h"

struct route;

struct route_opts {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    struct tls_context *tls;
    const struct config *config;
    const struct router_ports *ports;
    void *ctx; /* of the ports */
};

/* Everything is borrowed. No subscriptions and no connections yet. ERR_NOMEM, ERR_IO. */
err_t route_new(const struct route_opts *opts, struct route **ret);
void route_free(struct route *r); /* NULL is fine */

/* Route as the group says. Its functions must be known to the ports. Nothing of `g` is kept. ERR_NOMEM,
 * ERR_IO, ERR_TOO_BIG with *why. */
err_t route_apply(struct route *r, const struct group *g, struct problem *why);
/* The core ends: say goodbye to the cloud. */
void route_stop(struct route *r);

/* For router_publish, and as the ctx of router_builtin. */
struct router *route_router(struct route *r);

struct route_counts {
    struct router_stats router;
    struct spooler_stats spooler;
    uint64_t dropped[DROPS];
};
void route_counts(const struct route *r, struct route_counts *ret);
