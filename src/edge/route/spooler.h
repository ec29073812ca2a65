/* src/edge/route/spooler.h - messages on their way to the cloud: first in, first out, in memory, with a
 * limit.
 *
 * Pure but for memory; one thread. One message is in flight (QoS 1): the next is sent when the cloud has
 * acknowledged it, and it is sent again after a reconnect. When there is no room the oldest that is not in
 * flight is dropped. Nothing survives the process. Spec: docs/spec/functions.md (spooler); greengrass-v1
 * reference 4.6.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "edge/route/drops.h"

/* A message that made the cloud close the connection this often in a row is dropped, or nothing would ever
 * leave again. For a time others on its topic are dropped without being sent; then one has a single try. */
#define SPOOLER_TRIES 5
#define SPOOLER_REFUSED_MS 60000
#define SPOOLER_REFUSED_TOPICS 16 /* remembered, the latest */
#define SPOOLER_OVERHEAD 64       /* what a message counts besides its topic and payload */

struct spooler;

struct spooler_port {
    /* QoS 1 publish. ERR_OK: spooler_acked(*ret_id) or spooler_lost follows, later. Otherwise it was not
     * sent: spooler_up follows when it can be. */
    err_t (*send)(void *ctx, const char *topic, struct slice payload, uint16_t *ret_id);
    /* One was given up: DROP_SPOOL_FULL, DROP_CLOUD_REFUSED. May not call the spooler. */
    void (*dropped)(void *ctx, enum drop why, const char *topic);
    int64_t (*now_ms)(void *ctx); /* a clock that does not go back */
};

/* ERR_NOMEM. */
err_t spooler_new(int64_t max_bytes, const struct spooler_port *port, void *ctx, struct spooler **ret);
void spooler_free(struct spooler *s); /* NULL is fine */
/* Another limit; the oldest that are too many are dropped. */
void spooler_set_max(struct spooler *s, int64_t max_bytes);

/* Take a message; everything is copied. ERR_TOO_BIG: larger than all of the room. ERR_NOMEM. */
err_t spooler_put(struct spooler *s, const char *topic, struct slice payload);
/* Would `copies` of such a message fit without dropping anything? */
bool spooler_has_room(const struct spooler *s, size_t copies, const char *topic, struct slice payload);

void spooler_up(struct spooler *s); /* connected: send */
void spooler_acked(struct spooler *s, uint16_t id);
/* The connection ended. by_peer: the cloud closed it, which may be its answer to the message in flight. */
void spooler_lost(struct spooler *s, bool by_peer);

struct spooler_stats {
    uint64_t taken, delivered, dropped_full, dropped_refused;
    size_t waiting; /* now, the one in flight too */
    size_t bytes;   /* without the one in flight, which the limit does not count */
};
void spooler_stats(const struct spooler *s, struct spooler_stats *ret);
/* The topic in flight; NULL: nothing is. */
const char *spooler_in_flight(const struct spooler *s);
