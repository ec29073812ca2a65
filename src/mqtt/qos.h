/* src/mqtt/qos.h - which acknowledgement may come next, and the identifiers a receiver must remember.
 *
 * No I/O, no clock. The transitions are pure; a set belongs to one thread at a time. Spec: MQTT 3.1.1 §4.3,
 * §2.3.1; MQTT 5.0 §4.3, §4.9 flow control.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one side waits for, for one packet identifier. */
enum mqtt_qos_state {
    MQTT_QOS_IDLE,         /* identifier free */
    MQTT_QOS_WAIT_PUBACK,  /* sender, QoS 1 */
    MQTT_QOS_WAIT_PUBREC,  /* sender, QoS 2 */
    MQTT_QOS_WAIT_PUBCOMP, /* sender, QoS 2, PUBREL sent */
    MQTT_QOS_OWE_PUBACK,   /* receiver, QoS 1, not yet durable */
    MQTT_QOS_OWE_PUBREC,   /* receiver, QoS 2, not yet durable */
    MQTT_QOS_WAIT_PUBREL,  /* receiver, QoS 2, PUBREC sent */
    MQTT_QOS_OWE_PUBCOMP,  /* receiver, QoS 2, PUBREL came */
};

enum mqtt_qos_event {
    MQTT_EV_TX_PUBLISH1,
    MQTT_EV_TX_PUBLISH2,
    MQTT_EV_TX_PUBACK,
    MQTT_EV_TX_PUBREC,
    MQTT_EV_TX_PUBREL,
    MQTT_EV_TX_PUBCOMP,
    MQTT_EV_RX_PUBLISH1,
    MQTT_EV_RX_PUBLISH2,
    MQTT_EV_RX_PUBACK,
    MQTT_EV_RX_PUBREC,
    MQTT_EV_RX_PUBREL,
    MQTT_EV_RX_PUBCOMP,
};

/* The state after `ev` in `from`. ERR_PROTO when the event is not legal there; *ret untouched then. */
err_t mqtt_qos_next(enum mqtt_qos_state from, enum mqtt_qos_event ev, enum mqtt_qos_state *ret);

/* The packet identifiers a receiver of QoS 2 has taken a message under and not seen released: a PUBLISH with
 * one of them is the same message again (5.0 [MQTT-4.3.3-10]). A zeroed set is empty and holds no memory. */
struct mqtt_ids {
    uint16_t *ids;
    size_t n, room;
};

/* ERR_EXISTS it is there; ERR_BUSY `max` are (5.0 §3.3.4 receive maximum); ERR_NOMEM. */
err_t mqtt_ids_add(struct mqtt_ids *set, uint16_t id, size_t max);
bool mqtt_ids_has(const struct mqtt_ids *set, uint16_t id);
/* False: it was not there. */
bool mqtt_ids_remove(struct mqtt_ids *set, uint16_t id);
void mqtt_ids_done(struct mqtt_ids *set);
