/* src/edge/route/table.h - the group's subscriptions, compiled: who gets a message from this source on this
 * topic.
 *
 * Pure but for memory and the hash's random key; one thread. What a match costs depends on the topic's levels
 * and on what matches, not on how many subscriptions there are. Spec: docs/spec/functions.md (router);
 * greengrass-v1 reference 4.6: a/# does not match a.
 */
#pragma once
#include "base/slice.h"
#include "edge/deploy/group.h"

#define ROUTE_CLOUD_NAME "cloud"
#define ROUTE_SHADOWS_NAME "GGShadowService"

enum route_kind {
    ROUTE_CLOUD,
    ROUTE_SHADOWS,
    ROUTE_FUNCTION,
    ROUTE_DEVICE, /* a local device's or a connector's ARN: nobody this release delivers to */
};
enum route_kind route_kind_of(const char *endpoint);

/* From the cloud to the cloud, or the shadow service to itself: each message would go round for ever. */
bool route_goes_round(const struct group_subscription *s);

struct route_target {
    enum route_kind kind;
    const char *name; /* as the subscription has it; the table's */
};

struct route_table;

/* Subscriptions with the same source, subject and target count once, those that go round not at all. Nothing
 * of `subs` is kept; n may be 0. ERR_NOMEM, ERR_IO (no random bytes). The filters are valid: group_parse has
 * seen to it. */
err_t route_table_new(const struct group_subscription *subs, size_t n, struct route_table **ret);
void route_table_free(struct route_table *t); /* NULL is fine */

/* Called once for every subscription that matches, in no particular order. The target lives as long as the
 * table. */
typedef void (*route_found_fn)(void *ctx, const struct route_target *target);
/* `topic` has passed route_topic_check. The callback must not free the table. */
void route_table_match(struct route_table *t, const char *source, struct slice topic, route_found_fn found,
                       void *ctx);

/* Does any message come from the cloud or go there? */
bool route_table_uses_cloud(const struct route_table *t);
/* Nodes looked at so far, for tests. */
uint64_t route_table_visits(const struct route_table *t);
