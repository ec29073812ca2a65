/* src/edge/link/mqttc.h - an MQTT 3.1.1 client's side of one connection, as a state machine.
 *
 * Pure: bytes and `now` in, bytes (m->out) and events out. One thread at a time.
 * Spec: MQTT 3.1.1 §3, §4.3.2 (QoS 1); the packets are src/mqtt's.
 */
#pragma once
#include "base/buf.h"
#include "edge/problem.h"

#define MQTTC_MAX_PACKET (256 * 1024) /* AWS IoT: 128 KB of payload */
#define MQTTC_MAX_OPERATIONS 16

enum mqttc_event_type {
    MQTTC_EV_CONNECTED,  /* CONNACK 0 */
    MQTTC_EV_REFUSED,    /* CONNACK with .code */
    MQTTC_EV_SUBSCRIBED, /* SUBACK for .id, granted */
    MQTTC_EV_DENIED,     /* SUBACK 0x80 for .id */
    MQTTC_EV_PUBLISHED,  /* PUBACK for .id */
    MQTTC_EV_MESSAGE,    /* .topic, .payload; already acknowledged in `out` when QoS 1 */
    MQTTC_EV_PONG,       /* PINGRESP */
};

struct mqttc_event {
    enum mqttc_event_type type;
    uint16_t id;
    uint8_t code;
    struct slice topic, payload; /* point into the input given */
};

struct mqttc_operation {
    uint16_t id; /* 0: free */
    bool is_subscribe;
    int64_t deadline_ms;
};

enum mqttc_state { MQTTC_CLOSED, MQTTC_WAIT_CONNACK, MQTTC_OPEN };

struct mqttc {
    enum mqttc_state state;
    int64_t keep_alive_ms, timeout_ms;
    int64_t last_tx_ms, connack_deadline_ms, pong_deadline_ms; /* deadlines: 0 = none */
    uint16_t last_id;
    struct mqttc_operation ops[MQTTC_MAX_OPERATIONS];
    struct buf out; /* to be sent and cleared by the owner */
};

void mqttc_init(struct mqttc *m, int64_t keep_alive_s, int64_t operation_timeout_s);
void mqttc_done(struct mqttc *m);

/* Forget the last connection and queue CONNECT. ERR_INVALID (client id), ERR_NOMEM. */
err_t mqttc_open(struct mqttc *m, const char *client_id, int64_t now_ms);
/* Queue DISCONNECT; no input is taken afterwards. */
void mqttc_close(struct mqttc *m);

/* ERR_WRONG_STATE when not open, ERR_BUSY with too many operations under way, ERR_INVALID, ERR_TOO_BIG,
 * ERR_NOMEM. */
err_t mqttc_subscribe(struct mqttc *m, struct slice filter, uint8_t qos, int64_t now_ms, uint16_t *ret_id);
err_t mqttc_publish(struct mqttc *m, struct slice topic, struct slice payload, int64_t now_ms,
                    uint16_t *ret_id); /* QoS 1 */

/* Take one packet from the front of *in and say what it meant. ERR_MORE: not complete yet. ERR_PROTO,
 * ERR_TOO_BIG: cut the connection; *why says what was wrong with it. *in is advanced on ERR_OK only. */
err_t mqttc_input(struct mqttc *m, struct slice *in, int64_t now_ms, struct mqttc_event *ret,
                  struct problem *why);

/* Time passes: queues PINGREQ when due. ERR_TIMEOUT with *why: CONNACK, PINGRESP, SUBACK or PUBACK did not
 * come in time. */
err_t mqttc_tick(struct mqttc *m, int64_t now_ms, struct problem *why);
/* When to tick next, in ms from now; -1: never. */
int64_t mqttc_next_ms(const struct mqttc *m, int64_t now_ms);
