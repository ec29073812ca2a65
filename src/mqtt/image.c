#include "mqtt/image.h"

#include "mqtt/wire.h"

#define ALIAS_SIZE 3  /* identifier and two bytes */
#define EXPIRY_SIZE 5 /* identifier and four bytes */

static size_t props_size(const struct mqtt_image_of *of)
{
    return of->props.n + of->sub_ids.n + (of->alias ? ALIAS_SIZE : 0) + (of->expires ? EXPIRY_SIZE : 0);
}

static void props_write(struct writer *w, const struct mqtt_image_of *of, struct mqtt_image *im)
{
    mqtt_varint_write(w, (uint32_t)props_size(of));
    if (of->alias) {
        writer_u8(w, MQTT_PROP_TOPIC_ALIAS);
        writer_be16(w, of->alias);
    }
    if (of->expires) {
        writer_u8(w, MQTT_PROP_MESSAGE_EXPIRY);
        im->expiry_at = w->b->n;
        writer_be32(w, 0);
    }
    writer_bytes(w, of->props);
    writer_bytes(w, of->sub_ids);
}

static err_t body_size(enum mqtt_version v, uint8_t qos, const struct mqtt_image_of *of, size_t *ret)
{
    size_t props = v == MQTT_V5 ? props_size(of) : 0;

    if (of->topic.n > MQTT_STR_MAX || props > MQTT_VARINT_MAX || of->payload.n > MQTT_VARINT_MAX)
        return ERR_TOO_BIG;
    *ret = 2 + of->topic.n + (qos ? 2 : 0) + of->payload.n +
           (v == MQTT_V5 ? mqtt_varint_len((uint32_t)props) + props : 0);
    return *ret > MQTT_VARINT_MAX ? ERR_TOO_BIG : ERR_OK;
}

err_t mqtt_image_make(struct mqtt_image *im, enum mqtt_version v, uint8_t qos, const struct mqtt_image_of *of)
{
    struct writer w = writer_of(&im->bytes);
    size_t body;
    err_t e = body_size(v, qos, of, &body);

    buf_clear(&im->bytes);
    im->id_at = im->expiry_at = 0;
    if (!e)
        e = buf_reserve(&im->bytes, 1 + mqtt_varint_len((uint32_t)body) + body);
    if (e)
        return e;
    writer_u8(&w, MQTT_PUBLISH << 4);
    mqtt_varint_write(&w, (uint32_t)body);
    writer_be16(&w, (uint16_t)of->topic.n);
    writer_bytes(&w, of->topic);
    if (qos) {
        im->id_at = im->bytes.n;
        writer_be16(&w, 0);
    }
    if (v == MQTT_V5)
        props_write(&w, of, im);
    writer_bytes(&w, of->payload);
    return writer_done(&w); /* there was room for all of it */
}

void mqtt_image_set(struct mqtt_image *im, const struct mqtt_image_vary *v)
{
    uint8_t *p = im->bytes.p;

    p[0] = (uint8_t)(MQTT_PUBLISH << 4 | v->dup << 3 | v->qos << 1 | v->retain);
    if (im->id_at) {
        p[im->id_at] = (uint8_t)(v->packet_id >> 8);
        p[im->id_at + 1] = (uint8_t)v->packet_id;
    }
    for (unsigned i = 0; im->expiry_at && i < 4; i++)
        p[im->expiry_at + i] = (uint8_t)(v->expiry_s >> (24 - 8 * i));
}

err_t mqtt_sub_id_add(struct buf *out, uint32_t id)
{
    struct writer w = writer_of(out);
    size_t before = out->n;

    writer_u8(&w, MQTT_PROP_SUBSCRIPTION_ID);
    mqtt_varint_write(&w, id);
    if (writer_done(&w))
        buf_cut(out, before);
    return writer_done(&w);
}
