/* src/mqtt/packet.h - encode and decode every MQTT 3.1.1 and 5.0 control packet, both directions.
 *
 * Pure: no I/O, no clock, no allocation beyond the output buf; any thread. Decoders borrow from the
 * frame: their slices die with its bytes. Encoders append one whole packet, fixed header included, and
 * leave the buf as it was on failure.
 * Spec: MQTT 3.1.1 §3, MQTT 5.0 §3.
 *
 * Every decoder: ERR_PROTO for a malformed packet (5.0 reason 0x81), ERR_INVALID for one that can be read but
 * is a protocol error (0x82; §1.2, §4.13); *ret untouched then. Every encoder: ERR_INVALID for what could not
 * be legal on the wire, ERR_TOO_BIG over the buf's cap or the wire format's limits, ERR_NOMEM.
 */
#pragma once
#include "base/buf.h"
#include "mqtt/frame.h"
#include "mqtt/props.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

/* "CONNECT" ..., "reserved" for anything else. */
const char *mqtt_type_str(unsigned type);

/* The protocol level of CONNECT: 4 is 3.1.1, 5 is 5.0. */
enum mqtt_version { MQTT_V311 = 4, MQTT_V5 = 5 };

#define MQTT_STR_MAX 65535

struct mqtt_will {
    struct slice topic, payload;
    uint8_t qos;
    bool retain;
    struct mqtt_props props; /* v5 */
};

struct mqtt_connect {
    enum mqtt_version version;
    bool clean; /* Clean Session (3.1.1), Clean Start (5) */
    bool has_will, has_username, has_password;
    uint16_t keep_alive_s;
    struct slice client_id, username, password;
    struct mqtt_will will;
    struct mqtt_props props; /* v5 */
};

/* ERR_UNSUPPORTED: the protocol is MQTT but of a level other than 4 and 5; a server answers CONNACK 0x01
 * [MQTT-3.1.2-2]. */
err_t mqtt_connect_decode(const struct mqtt_frame *f, struct mqtt_connect *ret);
err_t mqtt_connect_encode(struct buf *out, const struct mqtt_connect *p);

struct mqtt_connack {
    bool session_present;
    uint8_t code; /* 3.1.1: enum mqtt_connack_code; 5: enum mqtt_reason */
    struct mqtt_props props;
};

err_t mqtt_connack_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_connack *ret);
err_t mqtt_connack_encode(struct buf *out, enum mqtt_version v, const struct mqtt_connack *p);

struct mqtt_publish {
    bool dup, retain;
    uint8_t qos;
    uint16_t packet_id; /* QoS 1 and 2 only; never 0 there [MQTT-2.3.1-1] */
    struct slice topic; /* a valid topic name; empty only in v5 with a topic alias */
    struct slice payload;
    struct mqtt_props props;
};

err_t mqtt_publish_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_publish *ret);
err_t mqtt_publish_encode(struct buf *out, enum mqtt_version v, const struct mqtt_publish *p);

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
struct mqtt_ack {
    uint16_t packet_id;
    uint8_t code; /* v5; 0 in 3.1.1 */
    struct mqtt_props props;
};

err_t mqtt_ack_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_ack *ret);
/* type: one of the four. A version 5 code of 0 without properties is sent in the two-byte form. */
err_t mqtt_ack_encode(struct buf *out, enum mqtt_version v, enum mqtt_type type, const struct mqtt_ack *p);

/* One filter of SUBSCRIBE. */
struct mqtt_subscription {
    struct slice filter;
    uint8_t qos;
    bool no_local, retain_as_published; /* v5 */
    uint8_t retain_handling;            /* v5: 0, 1, 2 */
};

/* SUBSCRIBE and UNSUBSCRIBE as they arrive: everything was checked by the decoder, `rest` holds the filters
 * still to be taken. Filters are well-formed strings; whether they are valid filters is asked of
 * mqtt/topic.h, since a server answers that one by one. */
struct mqtt_subscribe {
    uint16_t packet_id;
    unsigned count; /* filters, at least 1 [MQTT-3.8.3-3] */
    struct mqtt_props props;
    enum mqtt_version version;
    struct slice rest;
};

err_t mqtt_subscribe_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_subscribe *ret);
err_t mqtt_unsubscribe_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_subscribe *ret);
/* Take the next filter; false at the end. */
bool mqtt_subscribe_next(struct mqtt_subscribe *s, struct mqtt_subscription *ret);
bool mqtt_unsubscribe_next(struct mqtt_subscribe *s, struct slice *ret_filter);

err_t mqtt_subscribe_encode(struct buf *out, enum mqtt_version v, uint16_t packet_id,
                            const struct mqtt_props *props, const struct mqtt_subscription *subs, size_t n);
err_t mqtt_unsubscribe_encode(struct buf *out, enum mqtt_version v, uint16_t packet_id,
                              const struct mqtt_props *props, const struct slice *filters, size_t n);

/* SUBACK and UNSUBACK: one code a filter (none in a 3.1.1 UNSUBACK). */
struct mqtt_suback {
    uint16_t packet_id;
    struct slice codes;
    struct mqtt_props props;
};

err_t mqtt_suback_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_suback *ret);
/* type: MQTT_SUBACK or MQTT_UNSUBACK. */
err_t mqtt_suback_encode(struct buf *out, enum mqtt_version v, enum mqtt_type type,
                         const struct mqtt_suback *p);

/* DISCONNECT and AUTH. */
struct mqtt_disconnect {
    uint8_t code; /* v5 */
    struct mqtt_props props;
};

err_t mqtt_disconnect_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_disconnect *ret);
/* type: MQTT_DISCONNECT, or in version 5 MQTT_AUTH. */
err_t mqtt_disconnect_encode(struct buf *out, enum mqtt_version v, enum mqtt_type type,
                             const struct mqtt_disconnect *p);

/* PINGREQ and PINGRESP: nothing but a type. */
err_t mqtt_empty_decode(const struct mqtt_frame *f);
err_t mqtt_empty_encode(struct buf *out, enum mqtt_type type);
