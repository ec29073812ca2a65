/* src/mqtt/qos.h - which acknowledgement may come next, packet identifiers, the window in flight.
 *
 * No I/O, no clock. The transitions are pure; a window belongs to one thread at a time. It starts empty and
 * grows to its limit as packets are really in flight: most clients never have more than one. Spec: MQTT 3.1.1
 * §4.3, §2.3.1; MQTT 5.0 §4.3, §4.9 flow control.
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

struct mqtt_slot {
    uint16_t id; /* 0: free */
    enum mqtt_qos_state state;
    void *item; /* the owner's message; the window never touches it */
};

/* Packets in flight in one direction: at most `max` (receive maximum), each with its identifier. */
struct mqtt_window {
    struct mqtt_slot *slots;
    size_t room; /* slots allocated */
    uint16_t max, used;
    uint16_t last_id; /* identifiers are handed out in rising order and wrap past 65535 to 1 */
};

void mqtt_window_init(struct mqtt_window *w, uint16_t max);
/* Change the limit; what is in flight stays. */
static inline void mqtt_window_limit(struct mqtt_window *w, uint16_t max)
{
    w->max = max;
}
void mqtt_window_done(struct mqtt_window *w); /* a zeroed window is fine */

/* A fresh identifier and its slot in state WAIT_PUBACK (qos 1) or WAIT_PUBREC (qos 2). ERR_BUSY when the
 * window is full: wait for an acknowledgement. ERR_NOMEM. The slot's address is good until the next take or
 * note. */
err_t mqtt_window_take(struct mqtt_window *w, uint8_t qos, void *item, struct mqtt_slot **ret);
/* The same with an identifier used before: a packet sent again after a reconnect [MQTT-4.4.0-1]. ERR_EXISTS
 * when it is in flight. */
err_t mqtt_window_retake(struct mqtt_window *w, uint16_t id, uint8_t qos, void *item, struct mqtt_slot **ret);
/* Note a packet that the peer numbered, in state OWE_PUBACK or OWE_PUBREC. ERR_EXISTS when that identifier is
 * in flight already (a redelivery: see mqtt_window_find), ERR_BUSY when the peer exceeds the window (MQTT 5.0
 * [MQTT-3.3.4-9]), ERR_NOMEM. id is not 0. */
err_t mqtt_window_note(struct mqtt_window *w, uint16_t id, uint8_t qos, void *item, struct mqtt_slot **ret);
/* The slot of an identifier, NULL when it is not in flight. */
struct mqtt_slot *mqtt_window_find(const struct mqtt_window *w, uint16_t id);
/* Apply an event to a slot; a slot that becomes IDLE is free afterwards. ERR_PROTO as mqtt_qos_next. */
err_t mqtt_window_step(struct mqtt_window *w, struct mqtt_slot *s, enum mqtt_qos_event ev);
