/* src/cloud/gateway/mqtt.h - the device gateway's MQTT side: certificates, policies, and the broker. One
 * loop's thread.
 *
 * TLS accepts any client certificate whose key is proven; who it is comes from the registry, asked at CONNECT
 * and again whenever the certificate, its policies or its things change (docs/spec/cloud.md CL-30..37).
 */
#pragma once
#include "broker/broker.h"
#include "cloud/effects.h"
#include "cloud/env.h"
#include "cloud/events/lifecycle.h"
#include "cloud/store.h"
#include "net/stream.h"
#include "tls/identity.h"

struct gateway;
struct admission;

err_t gateway_new(const struct cloud_env *env, struct net_loop *loop, struct store *store,
                  struct gateway **ret);
/* Hand what sessions are to keep to the store: before store_stop. NULL is fine. */
void gateway_flush(struct gateway *g);
void gateway_free(struct gateway *g); /* NULL is fine */

/* Ask this about certificates that are not registered (provisioning/admission.h). Borrowed. */
void gateway_set_admission(struct gateway *g, struct admission *a);

/* Serve an open stream of the peer `id` (gateway/front.h); takes both. */
void gateway_adopt(struct gateway *g, struct net_stream *s, struct tls_identity *id);

/* Serve a connection of --plain-mqtt: no certificate, no policy (docs/spec/cloud.md CL-45); takes it. */
void gateway_adopt_plain(struct gateway *g, struct net_stream *s);
#define GATEWAY_PLAIN "plain-mqtt" /* what stands for its certificate's id */

/* Something about this certificate changed: judge its connections again, at once. */
void gateway_recheck(struct gateway *g, const char *cert_id);

/* What this policy says changed: the same for every connection that has it. */
void gateway_recheck_policy(struct gateway *g, const char *policy);
/* The same for every connection there is. */
void gateway_recheck_all(struct gateway *g);

struct broker *gateway_broker(struct gateway *g);
struct authorizers;
/* Whom guests are let in by; must outlive its last connection, or be NULL again. */
void gateway_set_authorizers(struct gateway *g, struct authorizers *a);
struct authorizers *gateway_authorizers(const struct gateway *g);
const struct lifecycle *gateway_lifecycle(const struct gateway *g);
