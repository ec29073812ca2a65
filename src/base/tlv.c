#include "base/tlv.h"

static size_t tlv_read_len(struct reader *r)
{
    uint8_t first = reader_u8(r);

    if (first <= 0x7f)
        return first;
    if (first == 0x81)
        return reader_u8(r);
    if (first == 0x82)
        return reader_be16(r);
    reader_fail(r);
    return 0;
}

err_t tlv_next(struct slice *in, struct tlv *ret)
{
    struct reader r = reader_of(*in);

    if (in->n == 0)
        return ERR_MORE;
    uint8_t tag = reader_u8(&r);
    size_t len = tlv_read_len(&r);
    struct slice value = reader_bytes(&r, len);
    if (reader_ok(&r))
        return ERR_PROTO;
    *ret = (struct tlv){ tag, value };
    *in = r.rest;
    return ERR_OK;
}

void tlv_put(struct writer *w, uint8_t tag, struct slice value)
{
    if (value.n > 0xffff) {
        if (!w->err)
            w->err = ERR_TOO_BIG;
        return;
    }
    writer_u8(w, tag);
    if (value.n > 0xff) {
        writer_u8(w, 0x82);
        writer_be16(w, (uint16_t)value.n);
    } else {
        if (value.n > 0x7f)
            writer_u8(w, 0x81);
        writer_u8(w, (uint8_t)value.n);
    }
    writer_bytes(w, value);
}

void tlv_put_u8(struct writer *w, uint8_t tag, uint8_t v)
{
    tlv_put(w, tag, slice_of(&v, 1));
}

void tlv_put_be16(struct writer *w, uint8_t tag, uint16_t v)
{
    const uint8_t x[] = { (uint8_t)(v >> 8), (uint8_t)v };
    tlv_put(w, tag, SLICE_ARRAY(x));
}

void tlv_put_be32(struct writer *w, uint8_t tag, uint32_t v)
{
    const uint8_t x[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    tlv_put(w, tag, SLICE_ARRAY(x));
}
