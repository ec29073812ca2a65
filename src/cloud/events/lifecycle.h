/* src/cloud/events/lifecycle.h - who is and was connected, and the events about it: $aws/events/presence/...
 * and $aws/events/subscriptions/... The loop's thread.
 *
 * A client id's version number rises with each connection and begins at 0 again for one that was away for
 * LIFECYCLE_KEEP_MS; so long it is remembered why it left. Spec: iot-core reference 1.8, docs/spec/cloud.md
 * CL-90..93.
 */
#pragma once
#include "broker/broker.h"
#include "crypto/random.h"

#define LIFECYCLE_KEEP_MS (60 * 60 * 1000)
#define LIFECYCLE_AWAY_MAX 100000u /* of those that left, so many are remembered: the last ones */

struct lifecycle;

/* What is known about one client id. */
struct lifecycle_client {
    struct slice id; /* first, the key */
    uint64_t version;
    bool connected;
    char session[CRYPTO_UUID_MAX];
    char principal[129]; /* certificate id, access key id or an authorizer's principalId */
    char address[64];    /* "192.0.2.1:4711" */
    int64_t connected_ms, disconnected_ms;
    enum broker_why why;                    /* it left */
    struct lifecycle_client *older, *newer; /* of those away, in the order they left */
    uint8_t bytes[];
};

/* ERR_NOMEM. `crypto` must outlive it. */
err_t lifecycle_new(const struct crypto_ctx *crypto, struct lifecycle **ret);
void lifecycle_free(struct lifecycle *l); /* NULL is fine */

/* What the broker tells; each publishes its event on `b`. A client id with a wildcard in it has none: no
 * topic could carry it. A disconnection of a client that was never told as connected is nothing. */
void lifecycle_connected(struct lifecycle *l, struct broker *b, struct slice client_id, const char *principal,
                         struct slice address);
void lifecycle_disconnected(struct lifecycle *l, struct broker *b, struct slice client_id,
                            enum broker_why why);
void lifecycle_subscribed(struct lifecycle *l, struct broker *b, struct slice client_id,
                          const struct slice *filters, size_t n);
void lifecycle_unsubscribed(struct lifecycle *l, struct broker *b, struct slice client_id,
                            const struct slice *filters, size_t n);

/* NULL: it has not been seen, or not for a long time. Lives until the next call about the client. */
const struct lifecycle_client *lifecycle_find(const struct lifecycle *l, struct slice client_id);
