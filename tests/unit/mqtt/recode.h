/* tests/unit/mqtt/recode.h - decode any packet and encode what came out; shared by the unit test and the fuzz
 * targets. */
#pragma once
#include "mqtt/packet.h"

#define RECODE_FILTERS 64

static inline err_t recode_subscribe(struct buf *out, enum mqtt_version v, struct mqtt_subscribe *s)
{
    struct mqtt_subscription subs[RECODE_FILTERS];
    size_t n = 0;

    while (n < RECODE_FILTERS && mqtt_subscribe_next(s, &subs[n]))
        n++;
    return mqtt_subscribe_encode(out, v, s->packet_id, &s->props, subs, n);
}

static inline err_t recode_unsubscribe(struct buf *out, enum mqtt_version v, struct mqtt_subscribe *s)
{
    struct slice filters[RECODE_FILTERS];
    size_t n = 0;

    while (n < RECODE_FILTERS && mqtt_unsubscribe_next(s, &filters[n]))
        n++;
    return mqtt_unsubscribe_encode(out, v, s->packet_id, &s->props, filters, n);
}

/* *ret_decoded: what the decoder said. Returns the encoder's answer, ERR_OK when it was not reached. */
static inline err_t recode(const struct mqtt_frame *f, enum mqtt_version v, struct buf *out,
                           err_t *ret_decoded)
{
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        struct mqtt_ack ack;
        struct mqtt_subscribe subscribe;
        struct mqtt_suback suback;
        struct mqtt_disconnect disconnect;
    } p;
#define RECODE(decode, encode) (*ret_decoded = (decode)) ? ERR_OK : (encode)
    switch ((enum mqtt_type)f->type) {
    case MQTT_CONNECT:
        return RECODE(mqtt_connect_decode(f, &p.connect), mqtt_connect_encode(out, &p.connect));
    case MQTT_CONNACK:
        return RECODE(mqtt_connack_decode(f, v, &p.connack), mqtt_connack_encode(out, v, &p.connack));
    case MQTT_PUBLISH:
        return RECODE(mqtt_publish_decode(f, v, &p.publish), mqtt_publish_encode(out, v, &p.publish));
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return RECODE(mqtt_ack_decode(f, v, &p.ack), mqtt_ack_encode(out, v, f->type, &p.ack));
    case MQTT_SUBSCRIBE:
        return RECODE(mqtt_subscribe_decode(f, v, &p.subscribe), recode_subscribe(out, v, &p.subscribe));
    case MQTT_UNSUBSCRIBE:
        return RECODE(mqtt_unsubscribe_decode(f, v, &p.subscribe), recode_unsubscribe(out, v, &p.subscribe));
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return RECODE(mqtt_suback_decode(f, v, &p.suback), mqtt_suback_encode(out, v, f->type, &p.suback));
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        return RECODE(mqtt_empty_decode(f), mqtt_empty_encode(out, f->type));
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        return RECODE(mqtt_disconnect_decode(f, v, &p.disconnect),
                      mqtt_disconnect_encode(out, v, f->type, &p.disconnect));
    }
#undef RECODE
    *ret_decoded = ERR_PROTO;
    return ERR_OK;
}
