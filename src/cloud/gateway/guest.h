/* src/cloud/gateway/guest.h - MQTT connections of those who have no certificate: the holder of an access key,
 * or whom a custom authorizer let in. The loop's thread.
 *
 * What a guest may do was said when it was let in: policies that are not in the registry. Otherwise it is a
 * principal like any other. Spec: iot-core reference 3.6, 9.5, 9.6.
 */
#pragma once
#include "base/json.h"
#include "cloud/gateway/facts.h"
#include "cloud/gateway/mqtt.h"

/* On which terms somebody is let in. */
struct guest_terms {
    const char *id;          /* access key id, or the authorizer's principalId; PRINCIPAL_ID_MAX */
    struct facts facts;      /* its policies; taken */
    enum broker_why ttl_why; /* said when the connection has lived as long as it may */
    bool by_key;             /* id is that of an access key: gateway_recheck_keys */
};

/* ERR_INVALID: a document is no policy; ERR_NOMEM, ERR_TOO_BIG. *ret: for facts_done in every case. */
err_t guest_policies(const char *const *documents, size_t n, struct facts *ret);
/* The administrator: everything. */
err_t guest_all(struct facts *ret);

/* Serve MQTT on an open stream; takes it, and the terms' facts, in every case. */
void gateway_adopt_guest(struct gateway *g, struct net_stream *s, struct guest_terms *terms);

/* The same for somebody whom a custom authorizer is to let in when CONNECT has come: it is asked with what
 * was shown before (authorizer.h) and what CONNECT shows, and again when its answer is to be refreshed. name
 * NULL: the default one. Takes `s`; copies the rest. */
void gateway_adopt_stranger(struct gateway *g, struct net_stream *s, const char *name, const json_t *shown);

/* End the connections of guests whose access key is not there any more. */
void gateway_recheck_keys(struct gateway *g, bool (*is_there)(void *ctx, const char *key_id), void *ctx);
