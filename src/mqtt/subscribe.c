#include "mqtt/packet.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

/* SUBSCRIBE and UNSUBSCRIBE: MQTT 3.1.1 and 5.0 §3.8, §3.10. Both have the flags 0010. */
#define SUBSCRIBE_FLAGS 2

/* The options byte. 3.1.1 [MQTT-3-8.3-4]: only the QoS bits. 5.0 §3.8.3.1: no local 4, retain as published 8,
 * retain handling 0x30. */
static bool reserved_ok(uint8_t o, enum mqtt_version v)
{
    return v == MQTT_V311 ? o <= 2 : !(o & 0xc0); /* 5.0 [MQTT-3.8.3-5] */
}

static bool options_ok(uint8_t o, enum mqtt_version v)
{
    return reserved_ok(o, v) && (o & 3) != 3 && (o & 0x30) != 0x30;
}

static void subscription_read(struct reader *r, enum mqtt_version v, struct mqtt_subscription *ret)
{
    struct slice filter = mqtt_string_read(r);
    uint8_t o = reader_u8(r);

    mqtt_require(r, filter.n && reserved_ok(o, v));
    mqtt_allow(r, options_ok(o, v));
    *ret = (struct mqtt_subscription){
        .filter = filter,
        .qos = o & 3,
        .no_local = o & 4,
        .retain_as_published = o & 8,
        .retain_handling = o >> 4 & 3,
    };
    /* 5.0 [MQTT-3.8.3-4]: No Local on a shared subscription */
    mqtt_allow(r, !ret->no_local || !slice_starts(filter, SLICE_LIT("$share/")));
}

static void filter_read(struct reader *r, struct slice *ret)
{
    *ret = mqtt_string_read(r);
    mqtt_require(r, ret->n);
}

static err_t start(const struct mqtt_frame *f, enum mqtt_version v, struct reader *r,
                   struct mqtt_subscribe *s)
{
    *r = reader_of(f->body);
    *s = (struct mqtt_subscribe){ .packet_id = reader_be16(r), .version = v };
    mqtt_require(r, f->flags == SUBSCRIBE_FLAGS);
    mqtt_allow(r, s->packet_id);
    if (v == MQTT_V5)
        mqtt_props_read(r, f->type, &s->props);
    s->rest = r->rest;
    mqtt_allow(r, s->rest.n); /* [MQTT-3.8.3-3], [MQTT-3.10.3-2] at least one filter */
    return reader_ok(r);
}

err_t mqtt_subscribe_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_subscribe *ret)
{
    struct mqtt_subscribe s;
    struct mqtt_subscription sub;
    struct reader r;

    if (start(f, v, &r, &s))
        return reader_ok(&r);
    for (; !reader_empty(&r); s.count++)
        subscription_read(&r, v, &sub);
    if (reader_done(&r))
        return reader_done(&r);
    *ret = s;
    return ERR_OK;
}

err_t mqtt_unsubscribe_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_subscribe *ret)
{
    struct mqtt_subscribe s;
    struct slice filter;
    struct reader r;

    if (start(f, v, &r, &s))
        return reader_ok(&r);
    for (; !reader_empty(&r); s.count++)
        filter_read(&r, &filter);
    if (reader_done(&r))
        return reader_done(&r);
    *ret = s;
    return ERR_OK;
}

bool mqtt_subscribe_next(struct mqtt_subscribe *s, struct mqtt_subscription *ret)
{
    struct reader r = reader_of(s->rest);

    if (reader_empty(&r))
        return false;
    subscription_read(&r, s->version, ret);
    s->rest = r.rest;
    return true;
}

bool mqtt_unsubscribe_next(struct mqtt_subscribe *s, struct slice *ret_filter)
{
    struct reader r = reader_of(s->rest);

    if (reader_empty(&r))
        return false;
    filter_read(&r, ret_filter);
    s->rest = r.rest;
    return true;
}

static void header_write(struct writer *w, enum mqtt_version v, unsigned type, uint16_t packet_id,
                         const struct mqtt_props *props, size_t n)
{
    mqtt_expect(w, packet_id && n);
    writer_be16(w, packet_id);
    if (v == MQTT_V5)
        mqtt_props_write(w, type, props);
}

err_t mqtt_subscribe_encode(struct buf *out, enum mqtt_version v, uint16_t packet_id,
                            const struct mqtt_props *props, const struct mqtt_subscription *subs, size_t n)
{
    autobuf body = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&body);
    struct slice whole;

    header_write(&w, v, MQTT_SUBSCRIBE, packet_id, props, n);
    for (size_t i = 0; i < n; i++) {
        uint8_t o = (uint8_t)(subs[i].qos | subs[i].no_local << 2 | subs[i].retain_as_published << 3 |
                              subs[i].retain_handling << 4);

        mqtt_expect(&w, mqtt_filter_valid(subs[i].filter) && subs[i].qos <= 2 && options_ok(o, v));
        mqtt_string_write(&w, subs[i].filter);
        writer_u8(&w, o);
    }
    whole = buf_slice(&body);
    return writer_done(&w) ? writer_done(&w)
                           : mqtt_frame_add(out, MQTT_SUBSCRIBE, SUBSCRIBE_FLAGS, &whole, 1);
}

err_t mqtt_unsubscribe_encode(struct buf *out, enum mqtt_version v, uint16_t packet_id,
                              const struct mqtt_props *props, const struct slice *filters, size_t n)
{
    autobuf body = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&body);
    struct slice whole;

    header_write(&w, v, MQTT_UNSUBSCRIBE, packet_id, props, n);
    for (size_t i = 0; i < n; i++) {
        mqtt_expect(&w, mqtt_filter_valid(filters[i]));
        mqtt_string_write(&w, filters[i]);
    }
    whole = buf_slice(&body);
    return writer_done(&w) ? writer_done(&w)
                           : mqtt_frame_add(out, MQTT_UNSUBSCRIBE, SUBSCRIBE_FLAGS, &whole, 1);
}
