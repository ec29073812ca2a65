/* src/edge/route/cloud.h - the data connections to the cloud: what the group's subscriptions take from it and
 * send there.
 *
 * I/O on one loop; everything here belongs to its thread. Connections exist only while a group needs them:
 * CORE-c00, CORE-c01 ..., each with up to 50 topics; the first one publishes, too. Spec:
 * docs/spec/functions.md (data connections); greengrass-v1 reference 3.1.
 */
#pragma once
#include "crypto/process.h"
#include "edge/config.h"
#include "edge/route/spooler.h"
#include "net/loop.h"
#include "tls/context.h"

#define ROUTE_CLOUD_TOPICS 50       /* on one connection */
#define ROUTE_CLOUD_CONNECTIONS 250 /* V1's most */

struct route_cloud;

struct route_cloud_opts {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    struct tls_context *tls;
    const struct config *config;
    struct spooler *spooler; /* told when it may send, and what became of it */
    /* A message from the cloud, once however many connections bring it. Views of this call only. */
    void (*on_message)(void *ctx, struct slice topic, struct slice payload);
    void *ctx;
};

/* Everything is borrowed; no connection yet. ERR_NOMEM. */
err_t route_cloud_new(const struct route_cloud_opts *opts, struct route_cloud **ret);
void route_cloud_free(struct route_cloud *c); /* NULL is fine */

/* From now on these filters, each once; `publishes`: a connection is wanted even without any. What did not
 * change stays connected. ERR_TOO_BIG: more than all connections may have. ERR_NOMEM, ERR_IO. On an error
 * there are no connections. */
err_t route_cloud_set(struct route_cloud *c, const char *const *filters, size_t n, bool publishes);
/* Say goodbye to the cloud and stay down. */
void route_cloud_stop(struct route_cloud *c);

/* The spooler's port: QoS 1 on the first connection. */
err_t route_cloud_publish(struct route_cloud *c, const char *topic, struct slice payload, uint16_t *ret_id);
