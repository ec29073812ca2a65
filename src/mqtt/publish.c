#include "mqtt/packet.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

/* PUBLISH: MQTT 3.1.1 and 5.0 §3.3. Fixed header flags: DUP 8, QoS 6, RETAIN 1. */

/* 5.0 [MQTT-3.3.2-2] no wildcards. An empty name needs an alias; [MQTT-3.3.2-14] no wildcards in the response
 * topic. */
static bool topic_and_props_ok(const struct mqtt_publish *p)
{
    bool alias = mqtt_props_has(&p->props, MQTT_PROP_TOPIC_ALIAS);

    if (mqtt_props_has(&p->props, MQTT_PROP_RESPONSE_TOPIC) && !mqtt_topic_valid(p->props.response_topic))
        return false;
    return p->topic.n > 0 || alias;
}

err_t mqtt_publish_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_publish *ret)
{
    struct reader r = reader_of(f->body);
    struct mqtt_publish p = {
        .dup = f->flags & 8,
        .qos = f->flags >> 1 & 3,
        .retain = f->flags & 1,
    };

    mqtt_require(&r, p.qos != 3);      /* [MQTT-3.3.1-4] */
    mqtt_require(&r, p.qos || !p.dup); /* [MQTT-3.3.1-2] */
    p.topic = mqtt_string_read(&r);
    if (p.qos) {
        p.packet_id = reader_be16(&r);
        mqtt_allow(&r, p.packet_id);
    }
    if (v == MQTT_V5)
        mqtt_props_read(&r, MQTT_PUBLISH, &p.props);
    mqtt_require(&r, !p.topic.n || mqtt_topic_valid(p.topic));
    mqtt_allow(&r, topic_and_props_ok(&p));
    p.payload = reader_bytes(&r, r.rest.n);
    if (reader_done(&r))
        return reader_done(&r);
    *ret = p;
    return ERR_OK;
}

err_t mqtt_publish_encode(struct buf *out, enum mqtt_version v, const struct mqtt_publish *p)
{
    autobuf head = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&head);
    struct slice parts[2];

    mqtt_expect(&w, p->qos <= 2 && (p->qos || !p->dup) && !p->qos == !p->packet_id);
    mqtt_expect(&w, v == MQTT_V5 ? topic_and_props_ok(p) : p->topic.n > 0);
    mqtt_expect(&w, !p->topic.n || mqtt_topic_valid(p->topic));
    /* 5.0 [MQTT-3.3.2-8]; a decoder lets alias 0 through, because its reason code is one of its own (0x94) */
    mqtt_expect(&w, !mqtt_props_has(&p->props, MQTT_PROP_TOPIC_ALIAS) || p->props.topic_alias);
    mqtt_string_write(&w, p->topic);
    if (p->qos)
        writer_be16(&w, p->packet_id);
    if (v == MQTT_V5)
        mqtt_props_write(&w, MQTT_PUBLISH, &p->props);
    if (writer_done(&w))
        return writer_done(&w);
    parts[0] = buf_slice(&head);
    parts[1] = p->payload;
    return mqtt_frame_add(out, MQTT_PUBLISH, (uint8_t)(p->dup << 3 | p->qos << 1 | p->retain), parts, 2);
}
