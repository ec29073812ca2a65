/* src/edge/link/link.h - one of the core's connections to the cloud: connect, subscribe, stay, come back.
 *
 * I/O on one loop; everything here belongs to its thread. The protocol is mqttc's; this file owns the stream,
 * the timers and the lines that V1 writes on the way (greengrass-v1 reference 2.2), in V1's order. Spec:
 * docs/spec/edge-cloud.md section 2.
 */
#pragma once
#include "base/slice.h"
#include "crypto/process.h"
#include "edge/problem.h"
#include "net/loop.h"
#include "tls/context.h"

struct link;

/* What a connection is for: what its log says of it, and what becomes of a subscription the cloud refuses. */
enum link_role {
    LINK_DEPLOYMENTS, /* the connection ends over it and is tried again */
    LINK_DATA,        /* the others go on, this one is asked for again every max_retry_s */
};

enum link_state { LINK_DOWN, LINK_WAITING, LINK_CONNECTING, LINK_CONNACK, LINK_SUBSCRIBING, LINK_READY };

struct link_handler {
    void (*on_ready)(void *ctx); /* connected, and every topic subscribed or refused */
    void (*on_message)(void *ctx, struct slice topic, struct slice payload);
    /* A connection or an attempt ended with `e` while it was `at`; the next one follows by itself. `why` dies
     * when this returns. */
    void (*on_down)(void *ctx, enum link_state at, err_t e, const char *why);
    void (*on_published)(void *ctx, uint16_t id); /* acknowledged; may be NULL */
};

struct link_opts {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    struct tls_context *tls;
    const char *host;
    uint16_t port;
    enum link_role role;
    const char *client_id;
    const char *thing_name;
    const char *const *topics; /* filters, subscribed one after the other in this order */
    size_t topic_count;        /* 0: ready when connected */
    uint8_t qos;               /* of the subscriptions */
    int64_t keep_alive_s, operation_timeout_s, max_retry_s;
    const struct link_handler *handler;
    void *ctx;
};

/* Texts are copied, objects borrowed. At rest until link_start. ERR_NOMEM. */
err_t link_new(const struct link_opts *opts, struct link **ret);
void link_free(struct link *l); /* NULL is fine */
void link_start(struct link *l);
/* Say goodbye to the cloud and stay down. */
void link_stop(struct link *l);

/* QoS 1. ret_id (may be NULL): what on_published will be called with. ERR_WRONG_STATE when not ready;
 * ERR_BUSY, ERR_TOO_BIG, ERR_NOMEM. ERR_IO: on_down was called. */
err_t link_publish(struct link *l, const char *topic, struct slice payload, uint16_t *ret_id);

/* What to say to a person about an attempt or connection that ended. Pure; table driven. */
void link_explain(enum link_role role, enum link_state at, err_t e, const char *detail, const char *client_id,
                  const char *thing_name, struct problem *ret);
