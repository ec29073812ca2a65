/* src/edge/route/router.h - takes messages and brings each to the targets of the subscriptions that match.
 *
 * On one loop; everything here belongs to its thread. Nothing is delivered from inside a delivery: what the
 * shadow service says while it is given a message waits for the loop's next turn, so that no circle of
 * subscriptions can grow the stack or keep the loop. Spec: docs/spec/functions.md (router); greengrass-v1
 * reference 4.4, 4.6.
 */
#pragma once
#include "base/buf.h"
#include "edge/deploy/group.h"
#include "edge/route/drops.h"
#include "edge/route/spooler.h"
#include "net/loop.h"

#define ROUTER_FUNCTION_ARN "arn:aws:lambda:::function:GGRouter"

struct router;

/* What a publisher wants done when a target has no room. */
enum queue_full_policy {
    QUEUE_BEST_EFFORT,  /* deliver to those that have, drop the rest */
    QUEUE_ALL_OR_ERROR, /* to all, or to none and tell the publisher */
};

/* Where messages go. None of these may free the router. */
struct router_ports {
    /* An Event invocation. ERR_BUSY: the work queue is full. ERR_NOT_FOUND: no such function. */
    err_t (*invoke)(void *ctx, const char *function, const char *source, struct slice context,
                    struct slice payload);
    /* Would the work queue take `items` more, with so many bytes of contexts and payloads? */
    bool (*has_room)(void *ctx, size_t items, size_t bytes);
    bool (*has_function)(void *ctx, const char *function);
    err_t (*to_shadows)(void *ctx, struct slice topic, struct slice payload);
};

struct router_opts {
    struct net_loop *loop;
    struct spooler *spooler;
    struct drops *drops;
    const struct router_ports *ports;
    void *ctx;
};

/* Everything is borrowed. Without subscriptions until router_set. ERR_NOMEM, ERR_IO. */
err_t router_new(const struct router_opts *opts, struct router **ret);
void router_free(struct router *r); /* NULL is fine */

/* From now on these subscriptions; nothing of `subs` is kept. Those that cannot deliver are named in the
 * log. ERR_NOMEM, ERR_IO: the old ones stay. */
err_t router_set(struct router *r, const struct group_subscription *subs, size_t n, struct problem *why);

/* One message of `source` (a function's ARN with its version, ROUTE_CLOUD_NAME, ROUTE_SHADOWS_NAME).
 * ERR_OK        it went where it could; no subscription may have matched, and what was dropped is counted
 * ERR_INVALID   no topic to publish on (empty, wildcards, not UTF-8)
 * ERR_TOO_BIG   topic or payload over their limits
 * ERR_BUSY      QUEUE_ALL_OR_ERROR, and not every target can take it: none has got it
 * ERR_NOMEM */
err_t router_publish(struct router *r, const char *source, const char *topic, struct slice payload,
                     enum queue_full_policy policy);

/* A function's publish: the pool's builtin ROUTER_FUNCTION_ARN, `ctx` is the router. The source is
 * invoker_arn, whatever the context says. Also ERR_INVALID: a context without a subject. */
err_t router_builtin(void *ctx, const char *invoker_arn, struct slice context, struct slice payload,
                     struct buf *result, char *function_error);

/* Count and log a message that somebody else gave up on its way, e.g. the spooler. */
void router_note_drop(struct router *r, enum drop why, const char *topic);

struct router_stats {
    uint64_t published, to_functions, to_cloud, to_shadows;
};
void router_stats(const struct router *r, struct router_stats *ret);
