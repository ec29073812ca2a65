#include "mqtt/packet.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

/* CONNECT: MQTT 3.1.1 and 5.0 §3.1. */

enum connect_flag {
    FLAG_RESERVED = 0x01,
    FLAG_CLEAN = 0x02,
    FLAG_WILL = 0x04,
    FLAG_WILL_QOS = 0x18,
    FLAG_WILL_RETAIN = 0x20,
    FLAG_PASSWORD = 0x40,
    FLAG_USERNAME = 0x80,
};

/* [MQTT-3.1.2-3] the reserved bit; 3.1.1 [MQTT-3.1.2-13..15]: no Will, no Will flags, and QoS 3 is malformed;
 * 3.1.1 [MQTT-3.1.2-22]: a password needs a user name, which 5.0 lifted. */
static bool flags_ok(uint8_t flags, unsigned level)
{
    if (flags & FLAG_RESERVED)
        return false;
    if (!(flags & FLAG_WILL) && (flags & (FLAG_WILL_QOS | FLAG_WILL_RETAIN)))
        return false;
    if ((flags & FLAG_WILL_QOS) == FLAG_WILL_QOS)
        return false;
    return level == MQTT_V5 || (flags & FLAG_USERNAME) || !(flags & FLAG_PASSWORD);
}

static void will_read(struct reader *r, uint8_t flags, struct mqtt_connect *c)
{
    c->has_will = true;
    c->will.qos = (flags & FLAG_WILL_QOS) >> 3;
    c->will.retain = flags & FLAG_WILL_RETAIN;
    if (c->version == MQTT_V5)
        mqtt_props_read(r, MQTT_PROPS_WILL, &c->will.props);
    c->will.topic = mqtt_string_read(r);
    mqtt_require(r, mqtt_topic_valid(c->will.topic));
    if (mqtt_props_has(&c->will.props, MQTT_PROP_RESPONSE_TOPIC))
        mqtt_allow(r, mqtt_topic_valid(c->will.props.response_topic));
    c->will.payload = mqtt_binary_read(r);
}

static void login_read(struct reader *r, uint8_t flags, struct mqtt_connect *c)
{
    c->has_username = flags & FLAG_USERNAME;
    c->has_password = flags & FLAG_PASSWORD;
    if (c->has_username)
        c->username = mqtt_string_read(r);
    if (c->has_password)
        c->password = mqtt_binary_read(r);
}

err_t mqtt_connect_decode(const struct mqtt_frame *f, struct mqtt_connect *ret)
{
    struct reader r = reader_of(f->body);
    struct mqtt_connect c = { 0 };
    struct slice name = mqtt_string_read(&r);
    uint8_t level = reader_u8(&r), flags;

    if (reader_ok(&r) || f->flags)
        return ERR_PROTO;
    /* Level 3 was called MQIsdp; any other name is not MQTT [MQTT-3.1.2-1]. */
    if (slice_eq(name, SLICE_LIT("MQIsdp")))
        return ERR_UNSUPPORTED;
    if (!slice_eq(name, SLICE_LIT("MQTT")))
        return ERR_PROTO;
    if (level != MQTT_V311 && level != MQTT_V5)
        return ERR_UNSUPPORTED;
    c.version = level;
    flags = reader_u8(&r);
    mqtt_require(&r, flags_ok(flags, level));
    c.clean = flags & FLAG_CLEAN;
    c.keep_alive_s = reader_be16(&r);
    if (c.version == MQTT_V5)
        mqtt_props_read(&r, MQTT_CONNECT, &c.props);
    /* 5.0 §3.1.2.11.10: data without a method is a protocol error */
    mqtt_allow(&r, !mqtt_props_has(&c.props, MQTT_PROP_AUTH_DATA) ||
                       mqtt_props_has(&c.props, MQTT_PROP_AUTH_METHOD));
    c.client_id = mqtt_string_read(&r);
    if (flags & FLAG_WILL)
        will_read(&r, flags, &c);
    login_read(&r, flags, &c);
    if (reader_done(&r))
        return reader_done(&r);
    *ret = c;
    return ERR_OK;
}

static uint8_t flags_of(const struct mqtt_connect *p)
{
    uint8_t flags = 0;

    if (p->clean)
        flags |= FLAG_CLEAN;
    if (p->has_will)
        flags |= (uint8_t)(FLAG_WILL | (p->will.qos & 3) << 3 | (p->will.retain ? FLAG_WILL_RETAIN : 0));
    if (p->has_password)
        flags |= FLAG_PASSWORD;
    if (p->has_username)
        flags |= FLAG_USERNAME;
    return flags;
}

static void will_write(struct writer *w, const struct mqtt_connect *p)
{
    mqtt_expect(w, mqtt_topic_valid(p->will.topic) && p->will.qos <= 2);
    if (p->version == MQTT_V5)
        mqtt_props_write(w, MQTT_PROPS_WILL, &p->will.props);
    mqtt_string_write(w, p->will.topic);
    mqtt_binary_write(w, p->will.payload);
}

err_t mqtt_connect_encode(struct buf *out, const struct mqtt_connect *p)
{
    autobuf body = BUF_SECRET(MQTT_HEADER_MAX); /* may hold a password */
    struct writer w = writer_of(&body);
    struct slice whole;

    mqtt_expect(&w, p->version == MQTT_V311 || p->version == MQTT_V5);
    mqtt_expect(&w, flags_ok(flags_of(p), p->version));
    mqtt_expect(&w, p->client_id.n || p->clean || p->version == MQTT_V5); /* 3.1.1 [MQTT-3.1.3-7] */
    mqtt_string_write(&w, SLICE_LIT("MQTT"));
    writer_u8(&w, (uint8_t)p->version);
    writer_u8(&w, flags_of(p));
    writer_be16(&w, p->keep_alive_s);
    if (p->version == MQTT_V5)
        mqtt_props_write(&w, MQTT_CONNECT, &p->props);
    mqtt_string_write(&w, p->client_id);
    if (p->has_will)
        will_write(&w, p);
    if (p->has_username)
        mqtt_string_write(&w, p->username);
    if (p->has_password)
        mqtt_binary_write(&w, p->password);
    whole = buf_slice(&body);
    return writer_done(&w) ? writer_done(&w) : mqtt_frame_add(out, MQTT_CONNECT, 0, &whole, 1);
}
