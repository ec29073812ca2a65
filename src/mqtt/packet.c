#include "mqtt/packet.h"

#include "base/utf8.h"
#include "mqtt/reason.h"
#include "mqtt/wire.h"

static const char *const type_names[16] = {
    "reserved",  "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
    "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
};

const char *mqtt_type_str(unsigned type)
{
    return type_names[type < 16 ? type : 0];
}

struct slice mqtt_binary_read(struct reader *r)
{
    return reader_bytes(r, reader_be16(r));
}

struct slice mqtt_string_read(struct reader *r)
{
    struct slice s = mqtt_binary_read(r);

    mqtt_require(r, utf8_valid_no_nul(s));
    return s;
}

void mqtt_binary_write(struct writer *w, struct slice s)
{
    if (s.n > MQTT_STR_MAX) {
        if (!w->err)
            w->err = ERR_TOO_BIG;
        return;
    }
    writer_be16(w, (uint16_t)s.n);
    writer_bytes(w, s);
}

void mqtt_string_write(struct writer *w, struct slice s)
{
    mqtt_expect(w, utf8_valid_no_nul(s));
    mqtt_binary_write(w, s);
}

err_t mqtt_frame_add(struct buf *out, uint8_t type, uint8_t flags, const struct slice *parts, size_t n)
{
    struct writer w = writer_of(out);
    size_t before = out->n, total = 0;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > MQTT_VARINT_MAX - total)
            return ERR_TOO_BIG;
        total += parts[i].n;
    }
    writer_u8(&w, (uint8_t)(type << 4 | flags));
    mqtt_varint_write(&w, (uint32_t)total);
    for (size_t i = 0; i < n; i++)
        writer_bytes(&w, parts[i]);
    if (writer_done(&w))
        buf_cut(out, before);
    return writer_done(&w);
}

/* End of an encoder: the body built in `w` becomes a packet. */
static err_t finish(struct buf *out, uint8_t type, uint8_t flags, const struct writer *w)
{
    struct slice body = buf_slice(w->b);

    return writer_done(w) ? writer_done(w) : mqtt_frame_add(out, type, flags, &body, 1);
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP: 3.1.1 and 5.0 §3.4 to §3.7 ---- */

/* The flags of PUBREL are 0010, of the others 0000. */
static uint8_t ack_flags(unsigned type)
{
    return type == MQTT_PUBREL ? 2 : 0;
}

err_t mqtt_ack_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_ack *ret)
{
    struct reader r = reader_of(f->body);
    struct mqtt_ack a = { 0 };

    mqtt_require(&r, f->flags == ack_flags(f->type));
    a.packet_id = reader_be16(&r);
    mqtt_allow(&r, a.packet_id);
    if (v == MQTT_V5 && !reader_empty(&r)) {
        a.code = reader_u8(&r);
        mqtt_allow(&r, mqtt_reason_fits(a.code, f->type)); /* [MQTT-3.4.2-1] and its kin */
        /* 5.0 §3.4.2.2.1: with fewer than four bytes left there is no property length. */
        if (!reader_empty(&r))
            mqtt_props_read(&r, f->type, &a.props);
    }
    if (reader_done(&r))
        return reader_done(&r);
    *ret = a;
    return ERR_OK;
}

err_t mqtt_ack_encode(struct buf *out, enum mqtt_version v, enum mqtt_type type, const struct mqtt_ack *p)
{
    autobuf body = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&body);

    mqtt_expect(&w, type >= MQTT_PUBACK && type <= MQTT_PUBCOMP && p->packet_id);
    mqtt_expect(&w, v == MQTT_V311 || mqtt_reason_fits(p->code, type));
    writer_be16(&w, p->packet_id);
    if (v == MQTT_V5 && (p->code || p->props.has)) {
        writer_u8(&w, p->code);
        if (p->props.has)
            mqtt_props_write(&w, type, &p->props);
    }
    return finish(out, type, ack_flags(type), &w);
}

/* ---- CONNACK: §3.2 ---- */

err_t mqtt_connack_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_connack *ret)
{
    struct reader r = reader_of(f->body);
    struct mqtt_connack c = { 0 };
    uint8_t flags = reader_u8(&r);

    mqtt_require(&r, f->flags == 0 && flags <= 1); /* bits 7-1 are reserved */
    c.session_present = flags;
    c.code = reader_u8(&r);
    mqtt_require(&r, !c.session_present || !c.code); /* 3.1.1 [MQTT-3.2.2-4], 5.0 [MQTT-3.2.2-6] */
    if (v == MQTT_V5)
        mqtt_props_read(&r, MQTT_CONNACK, &c.props);
    else
        mqtt_require(&r, c.code <= 5);
    if (reader_done(&r))
        return reader_done(&r);
    *ret = c;
    return ERR_OK;
}

err_t mqtt_connack_encode(struct buf *out, enum mqtt_version v, const struct mqtt_connack *p)
{
    autobuf body = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&body);

    mqtt_expect(&w, (!p->session_present || !p->code) && (v == MQTT_V5 || p->code <= 5));
    writer_u8(&w, p->session_present);
    writer_u8(&w, p->code);
    if (v == MQTT_V5)
        mqtt_props_write(&w, MQTT_CONNACK, &p->props);
    return finish(out, MQTT_CONNACK, 0, &w);
}

/* ---- SUBACK, UNSUBACK: §3.9, §3.11 ---- */

static bool suback_code_ok(uint8_t code, enum mqtt_version v, unsigned type)
{
    if (v == MQTT_V311)
        return code <= 2 || code == 0x80; /* [MQTT-3.9.3-2] */
    return mqtt_reason_fits(code, type);  /* 5.0 [MQTT-3.9.3-2], [MQTT-3.11.3-2] */
}

static bool suback_codes_ok(struct slice codes, enum mqtt_version v, unsigned type)
{
    if (v == MQTT_V311 && type == MQTT_UNSUBACK)
        return codes.n == 0;
    for (size_t i = 0; i < codes.n; i++)
        if (!suback_code_ok(codes.p[i], v, type))
            return false;
    return codes.n > 0;
}

err_t mqtt_suback_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_suback *ret)
{
    struct reader r = reader_of(f->body);
    struct mqtt_suback s = { 0 };

    s.packet_id = reader_be16(&r);
    mqtt_require(&r, f->flags == 0 && s.packet_id);
    if (v == MQTT_V5)
        mqtt_props_read(&r, f->type, &s.props);
    s.codes = reader_bytes(&r, r.rest.n);
    mqtt_require(&r, suback_codes_ok(s.codes, v, f->type));
    if (reader_done(&r))
        return reader_done(&r);
    *ret = s;
    return ERR_OK;
}

err_t mqtt_suback_encode(struct buf *out, enum mqtt_version v, enum mqtt_type type,
                         const struct mqtt_suback *p)
{
    autobuf body = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&body);

    mqtt_expect(&w, (type == MQTT_SUBACK || type == MQTT_UNSUBACK) && p->packet_id &&
                        suback_codes_ok(p->codes, v, type));
    writer_be16(&w, p->packet_id);
    if (v == MQTT_V5)
        mqtt_props_write(&w, type, &p->props);
    writer_bytes(&w, p->codes);
    return finish(out, type, 0, &w);
}

/* ---- DISCONNECT, AUTH: §3.14, 5.0 §3.15 ---- */

err_t mqtt_disconnect_decode(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_disconnect *ret)
{
    struct reader r = reader_of(f->body);
    struct mqtt_disconnect d = { 0 };

    mqtt_require(&r, f->flags == 0 && (v == MQTT_V5 || f->type == MQTT_DISCONNECT));
    if (v == MQTT_V5 && !reader_empty(&r)) {
        d.code = reader_u8(&r);
        mqtt_allow(&r, mqtt_reason_fits(d.code, f->type)); /* [MQTT-3.14.2-1], [MQTT-3.15.2-1] */
        if (!reader_empty(&r))                             /* 5.0 §3.14.2.2.1 */
            mqtt_props_read(&r, f->type, &d.props);
    }
    if (reader_done(&r))
        return reader_done(&r);
    *ret = d;
    return ERR_OK;
}

err_t mqtt_disconnect_encode(struct buf *out, enum mqtt_version v, enum mqtt_type type,
                             const struct mqtt_disconnect *p)
{
    autobuf body = BUF_INIT(MQTT_HEADER_MAX);
    struct writer w = writer_of(&body);

    mqtt_expect(&w, type == MQTT_DISCONNECT || (type == MQTT_AUTH && v == MQTT_V5));
    mqtt_expect(&w, v == MQTT_V311 || mqtt_reason_fits(p->code, type));
    if (v == MQTT_V5 && (p->code || p->props.has)) {
        writer_u8(&w, p->code);
        if (p->props.has)
            mqtt_props_write(&w, type, &p->props);
    }
    return finish(out, type, 0, &w);
}

/* ---- PINGREQ, PINGRESP: §3.12, §3.13 ---- */

err_t mqtt_empty_decode(const struct mqtt_frame *f)
{
    return f->flags == 0 && f->body.n == 0 ? ERR_OK : ERR_PROTO;
}

err_t mqtt_empty_encode(struct buf *out, enum mqtt_type type)
{
    if (type != MQTT_PINGREQ && type != MQTT_PINGRESP)
        return ERR_INVALID;
    return mqtt_frame_add(out, type, 0, NULL, 0);
}
