/* src/cloud/gateway/front.h - the handshakes of one TLS port on one loop.
 *
 * I/O; belongs to its loop's thread. Who is at the other end can be told only after the handshake: then the
 * stream goes to the protocol behind the port, which lives on the home loop. Where that is another loop, TLS
 * stays here and the protocol gets the near end of a relay (net/relay.h).
 */
#pragma once
#include "tls/context.h"
#include "tls/identity.h"

struct front;

/* On the home loop's thread: an open stream and who it is; takes both. */
typedef void (*front_fn)(void *ctx, struct net_stream *s, struct tls_identity *id);

struct front_opts {
    const char *name;        /* of the port, for the log: "mqtt" */
    struct tls_context *tls; /* borrowed; any thread */
    struct net_loop *loop, *home;
    front_fn fn;
    void *ctx;
};

/* ERR_NOMEM. */
err_t front_new(const struct front_opts *o, struct front **ret);
/* A connection of the front's loop; takes it. */
void front_adopt(struct front *f, struct net_stream *transport);
/* Ends the handshakes that are under way. NULL is fine. */
void front_free(struct front *f);
