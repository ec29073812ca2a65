/* src/mqtt/image.h - a PUBLISH in the form in which it goes to many: encoded once, its variable places
 * marked.
 *
 * Pure but for the output buf; any thread. What differs from one receiver to the next has a fixed width: the
 * flags in the first byte, the packet identifier and what is left of the message's life. They are written
 * into the image before each sending. Spec: MQTT 3.1.1 and 5.0 §3.3.
 */
#pragma once
#include "base/buf.h"
#include "mqtt/packet.h"

/* All of it comes from packets that were decoded, or from mqtt_props_write: nothing is checked again. */
struct mqtt_image_of {
    struct slice topic; /* empty: only the alias is sent (5.0) */
    struct slice payload;
    /* 5.0 only: */
    struct slice props;   /* encoded, without length: what goes unaltered to every receiver */
    struct slice sub_ids; /* encoded subscription identifiers (mqtt_sub_id_add) */
    uint16_t alias;       /* 0: none */
    bool expires;         /* there is a message expiry interval */
};

struct mqtt_image {
    struct buf bytes;
    size_t id_at, expiry_at; /* 0: not there */
};

/* Build it in im->bytes (cleared before). `qos` only says whether there is a packet identifier. ERR_TOO_BIG
 * over the buf's cap or the format's limits, ERR_NOMEM: im->bytes is empty then. */
err_t mqtt_image_make(struct mqtt_image *im, enum mqtt_version v, uint8_t qos,
                      const struct mqtt_image_of *of);

/* Write the places that vary. */
struct mqtt_image_vary {
    bool dup, retain;
    uint8_t qos; /* over 0 exactly if the image was made so */
    uint16_t packet_id;
    uint32_t expiry_s;
};
void mqtt_image_set(struct mqtt_image *im, const struct mqtt_image_vary *v);

/* Append one encoded subscription identifier (1..MQTT_VARINT_MAX). ERR_TOO_BIG, ERR_NOMEM. */
err_t mqtt_sub_id_add(struct buf *out, uint32_t id);
