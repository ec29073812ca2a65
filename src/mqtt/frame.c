#include "mqtt/frame.h"

/* Decode a variable byte integer at the front of `s`. ERR_MORE when it goes on past the end. */
static err_t varint_decode(struct slice s, uint32_t *ret_v, size_t *ret_used)
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        if (i == s.n)
            return ERR_MORE;
        v |= (uint32_t)(s.p[i] & 0x7f) << (7 * i);
        if (s.p[i] & 0x80)
            continue;
        /* MQTT 5.0 [MQTT-1.5.5-1]: the minimum number of bytes. */
        if (i && s.p[i] == 0)
            return ERR_PROTO;
        *ret_v = v;
        *ret_used = i + 1;
        return ERR_OK;
    }
    return ERR_PROTO;
}

err_t mqtt_frame_next(struct slice *in, size_t max, struct mqtt_frame *ret)
{
    uint32_t len;
    size_t used;
    err_t e;

    if (in->n == 0)
        return ERR_MORE;
    if (in->p[0] >> 4 == 0)
        return ERR_PROTO;
    e = varint_decode(slice_skip(*in, 1), &len, &used);
    if (e)
        return e;
    if (1 + used + len > max)
        return ERR_TOO_BIG;
    if (in->n < 1 + used + len)
        return ERR_MORE;
    ret->type = in->p[0] >> 4;
    ret->flags = in->p[0] & 0x0f;
    ret->body = slice_head(slice_skip(*in, 1 + used), len);
    *in = slice_skip(*in, 1 + used + len);
    return ERR_OK;
}

uint32_t mqtt_varint_read(struct reader *r)
{
    uint32_t v;
    size_t used;

    if (r->failed)
        return 0;
    if (varint_decode(r->rest, &v, &used)) {
        reader_fail(r);
        return 0;
    }
    r->rest = slice_skip(r->rest, used);
    return v;
}

size_t mqtt_varint_len(uint32_t v)
{
    return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : 4;
}

void mqtt_varint_write(struct writer *w, uint32_t v)
{
    if (v > MQTT_VARINT_MAX) {
        if (!w->err)
            w->err = ERR_TOO_BIG;
        return;
    }
    for (; v >= 0x80; v >>= 7)
        writer_u8(w, (uint8_t)(v | 0x80));
    writer_u8(w, (uint8_t)v);
}
