/* src/cloud/gateway/device.h - the device port: HTTPS for certificates. The loop's thread.
 *
 * Each request is judged by the registry as it stands in the very transaction that answers it, so a revoked
 * certificate or a detached policy counts from the next request on, also on a connection that is open
 * already.
 */
#pragma once
#include "cloud/accounts.h"
#include "tls/identity.h"

struct device;

/* Serves all accounts: the name that the client asked for in its TLS handshake says which. */
err_t device_new(struct accounts *accounts, struct net_loop *loop, struct device **ret);
void device_free(struct device *d);
/* Serve an open stream of the peer `id` (gateway/front.h); takes both. */
void device_adopt(struct device *d, struct net_stream *s, struct tls_identity *id);

/* GET /sedge/connection?clientId=X: would this certificate be let in? (docs/spec/edge-cloud.md EC-17) A
 * handler. */
err_t device_connection(struct api_call *c);
