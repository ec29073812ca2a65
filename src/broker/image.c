#include "broker/internal.h"

/* A PUBLISH on its way out. One message mostly goes to many clients of the same version: it is encoded once
 * for each version, with and without a packet identifier, and the places that vary are filled in before each
 * sending. What only one client gets (topic alias, subscription identifiers) is encoded for it alone. All of
 * it in memory that is kept from message to message. */

#define KEEP_ROOM (64 * 1024) /* larger ones are not kept */

static void forget(struct broker_images *im)
{
    for (size_t i = 0; i < ARRAY_LEN(im->shared); i++) {
        im->made[i] = false;
        if (im->shared[i].bytes.room > KEEP_ROOM)
            buf_done(&im->shared[i].bytes);
        im->shared[i].bytes.max = MQTT_VARINT_MAX;
    }
}

void broker_images_done(struct broker *b)
{
    for (size_t i = 0; i < ARRAY_LEN(b->images.shared); i++)
        buf_done(&b->images.shared[i].bytes);
    buf_done(&b->images.own.bytes);
    b->images = (struct broker_images){ 0 };
}

void broker_images_guard(struct broker *b)
{
    for (size_t i = 0; i < ARRAY_LEN(b->images.shared); i++)
        b->images.shared[i].bytes.secret = true;
    b->images.own.bytes.secret = true;
}

static struct mqtt_image_of parts(const struct broker_msg *m)
{
    return (struct mqtt_image_of){
        .topic = m->topic,
        .payload = m->payload,
        .props = m->props,
        .expires = m->ends_ms != 0,
    };
}

static struct mqtt_image *shared(struct broker *b, enum mqtt_version v, uint8_t qos,
                                 const struct broker_msg *m)
{
    struct broker_images *im = &b->images;
    size_t which = (v == MQTT_V5 ? 2 : 0) + (qos ? 1 : 0);
    const struct mqtt_image_of of = parts(m);

    if (im->serial != m->serial) {
        forget(im);
        im->serial = m->serial;
    }
    if (!im->made[which] && mqtt_image_make(&im->shared[which], v, qos, &of))
        return NULL;
    im->made[which] = true;
    return &im->shared[which];
}

/* ---- topic aliases to the client: 5.0 §3.3.2.3.4. First come, first served; they end with the connection
 * ---- */

static uint16_t alias_of(const struct conn *c, struct slice topic)
{
    for (uint16_t i = 0; i < c->n_aliases_out; i++)
        if (slice_eq(c->aliases_out[i], topic))
            return (uint16_t)(i + 1);
    return 0;
}

/* Room for one more; false: none, or no memory. */
static bool alias_room(struct conn *c)
{
    if (c->n_aliases_out >= c->max_aliases_out)
        return false;
    if (!c->aliases_out)
        c->aliases_out = mem_calloc(c->max_aliases_out, sizeof(*c->aliases_out));
    return c->aliases_out != NULL;
}

static void alias_note(struct conn *c, struct slice topic)
{
    uint8_t *copy = mem_dup(topic.p, topic.n);

    if (copy) /* otherwise the client has a name for it that is never used */
        c->aliases_out[c->n_aliases_out++] = slice_of(copy, topic.n);
}

/* Encode for this client alone. `named`: with the topic's name, whatever the alias. */
static struct mqtt_image *own(struct conn *c, uint8_t qos, const struct broker_msg *m, struct slice sub_ids,
                              uint16_t alias, bool named)
{
    struct mqtt_image *im = &c->b->images.own;
    struct mqtt_image_of of = parts(m);

    of.sub_ids = sub_ids;
    of.alias = alias;
    if (!named)
        of.topic = (struct slice){ 0 };
    if (im->bytes.room > KEEP_ROOM)
        buf_done(&im->bytes);
    im->bytes.max = MQTT_VARINT_MAX;
    return mqtt_image_make(im, MQTT_V5, qos, &of) ? NULL : im;
}

static bool fits(const struct conn *c, const struct mqtt_image *im)
{
    return im && im->bytes.n <= c->max_packet;
}

/* With the alias the topic has, or with a new one (*ret_new) if the packet still fits then. */
static struct mqtt_image *with_alias(struct conn *c, uint8_t qos, const struct broker_msg *m,
                                     struct slice sub_ids, bool *ret_new)
{
    uint16_t alias = alias_of(c, m->topic);
    struct mqtt_image *im;

    if (alias)
        return own(c, qos, m, sub_ids, alias, false);
    if (alias_room(c)) {
        im = own(c, qos, m, sub_ids, (uint16_t)(c->n_aliases_out + 1), true);
        *ret_new = fits(c, im);
        if (*ret_new)
            return im;
    }
    return own(c, qos, m, sub_ids, 0, true);
}

static uint32_t seconds_left(const struct broker_msg *m, int64_t wall_ms)
{
    return m->ends_ms > wall_ms ? (uint32_t)((m->ends_ms - wall_ms + 999) / 1000) : 0;
}

bool conn_publish(struct conn *c, const struct broker_msg *m, struct mqtt_image_vary v, struct slice sub_ids)
{
    bool alone = c->version == MQTT_V5 && (sub_ids.n || c->max_aliases_out), new_alias = false;
    struct mqtt_image *im =
        alone ? with_alias(c, v.qos, m, sub_ids, &new_alias) : shared(c->b, c->version, v.qos, m);

    if (!fits(c, im)) /* 5.0 [MQTT-3.1.2-24], [MQTT-3.1.2-25] */
        return false;
    if (m->ends_ms) /* 5.0 [MQTT-3.3.2-6] */
        v.expiry_s = seconds_left(m, broker_wall(c->b));
    mqtt_image_set(im, &v);
    conn_send(c, buf_slice(&im->bytes));
    if (new_alias && c->state != CONN_DOOMED)
        alias_note(c, m->topic);
    c->b->delivered++;
    c->b->deliveries_left -= c->b->deliveries_left > 0;
    return true;
}
