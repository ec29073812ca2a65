#include "broker/internal.h"

/* Rates (iot-core.md 1.5). They count from tick to tick; what is over one stays where it is, on the wire or
 * in its session, until the next. */

const char *broker_limit_str(enum broker_limit l)
{
    static const char *const names[BROKER_LIMITS] = {
        [BROKER_LIMIT_CONNECTS] = "connects_per_s",
        [BROKER_LIMIT_CLIENT_CONNECTS] = "connects_per_client_s",
        [BROKER_LIMIT_PUBLISHES] = "publishes_per_s",
        [BROKER_LIMIT_BYTES] = "bytes_per_s",
        [BROKER_LIMIT_ALL_PUBLISHES] = "publishes_all_per_s",
        [BROKER_LIMIT_RETAINED] = "retained_per_topic_s",
    };

    return names[l];
}

/* ---- a new second ---- */

void conn_new_second(struct conn *c)
{
    const struct broker_config *cf = &c->b->o.config;

    c->stored_left = cf->stored_per_s;
    c->publishes_left = cf->publishes_per_s;
    c->bytes_left = cf->bytes_per_s;
    c->waits = c->slowed = false;
}

void broker_new_second(struct broker *b)
{
    const struct broker_config *cf = &b->o.config;

    b->connects_left = cf->connects_per_s;
    b->publishes_left = cf->publishes_all_per_s;
    b->deliveries_left = cf->deliveries_all_per_s;
    broker_rate_clear(&b->client_connects);
    broker_rate_clear(&b->retained_sets);
}

/* ---- telling ---- */

void broker_throttled(struct broker *b, enum broker_limit l)
{
    b->throttled[l]++;
}

void conn_throttled(struct conn *c, enum broker_limit l)
{
    const struct broker_events *e = &c->b->o.events;

    if (c->slowed)
        return;
    c->slowed = true;
    broker_throttled(c->b, l);
    if (e->throttled)
        e->throttled(e->ctx, c->user, conn_client_id(c), l);
}

/* ---- PUBLISH ---- */

enum broker_limit conn_over_rate(const struct conn *c)
{
    const struct broker_config *cf = &c->b->o.config;

    if (cf->publishes_per_s && !c->publishes_left)
        return BROKER_LIMIT_PUBLISHES;
    if (cf->bytes_per_s && !c->bytes_left)
        return BROKER_LIMIT_BYTES;
    if (cf->publishes_all_per_s && !c->b->publishes_left)
        return BROKER_LIMIT_ALL_PUBLISHES;
    return BROKER_LIMITS;
}

void broker_count_publish(struct broker *b, struct conn *c, size_t payload)
{
    b->publishes_left -= b->publishes_left > 0;
    if (!c)
        return;
    c->publishes_left -= c->publishes_left > 0;
    c->bytes_left -= payload < c->bytes_left ? payload : c->bytes_left;
}

/* ---- a packet that comes again ---- */

static bool wait_over(struct conn *c, enum broker_limit l)
{
    c->waits = true;
    conn_throttled(c, l);
    return true;
}

bool conn_connect_waits(struct conn *c, struct slice client_id)
{
    struct broker *b = c->b;

    if (c->client_counted || !client_id.n)
        return false;
    if (!broker_rate_take(&b->client_connects, client_id, b->o.config.connects_per_client_s))
        return wait_over(c, BROKER_LIMIT_CLIENT_CONNECTS);
    c->client_counted = true;
    return false;
}

/* Deleting costs a write only where something was kept, and that has its rate: it is not counted. */
bool broker_may_retain(struct broker *b, struct slice topic, size_t payload)
{
    return !payload || broker_rate_take(&b->retained_sets, topic, b->o.config.retained_per_topic_s);
}

bool conn_retain_waits(struct conn *c, struct slice topic, size_t payload)
{
    return !broker_may_retain(c->b, topic, payload) && wait_over(c, BROKER_LIMIT_RETAINED);
}
