#include "se/keyd_wire.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

static const struct {
    uint8_t code;
    err_t e;
} codes[] = {
    { SE_KEYD_DENIED, ERR_DENIED },     { SE_KEYD_BUSY, ERR_BUSY }, { SE_KEYD_UNAVAILABLE, ERR_UNAVAILABLE },
    { SE_KEYD_TIMEOUT, ERR_TIMEOUT },   { SE_KEYD_IO, ERR_IO },     { SE_KEYD_PROTO, ERR_PROTO },
    { SE_KEYD_CONFLICT, ERR_CONFLICT },
};

err_t se_keyd_err(uint8_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].code == code)
            return codes[i].e;
    }
    return ERR_IO;
}

enum se_keyd_code se_keyd_code(err_t e)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].e == e)
            return codes[i].code;
    }
    return SE_KEYD_FAILED;
}

err_t se_keyd_frame_next(struct slice *in, struct se_keyd_frame *ret)
{
    struct reader r = reader_of(*in);
    uint16_t length = reader_be16(&r);
    struct se_keyd_frame f = { 0 };

    f.type = reader_u8(&r);
    f.flags = reader_u8(&r);
    if (in->n >= 2 && length > SE_KEYD_BODY_MAX)
        return ERR_TOO_BIG;
    f.body = reader_bytes(&r, length);
    if (reader_ok(&r))
        return ERR_MORE;
    *ret = f;
    *in = r.rest;
    return ERR_OK;
}

err_t se_keyd_frame_put(struct buf *out, uint8_t type, uint8_t flags, struct slice body)
{
    err_t e = body.n > SE_KEYD_BODY_MAX ? ERR_TOO_BIG : buf_reserve(out, SE_KEYD_FRAME_HEADER + body.n);
    struct writer w = writer_of(out);

    if (e)
        return e;
    writer_be16(&w, (uint16_t)body.n);
    writer_u8(&w, type);
    writer_u8(&w, flags);
    writer_bytes(&w, body);
    return writer_done(&w);
}

err_t se_keyd_welcome_encode(const struct se_keyd_welcome *w, struct buf *out)
{
    struct writer to = writer_of(out);

    writer_u8(&to, w->version);
    writer_u8(&to, w->flags);
    writer_bytes(&to, SLICE_ARRAY(w->select));
    writer_be32(&to, w->generation);
    writer_str(&to, w->keys);
    return writer_done(&to);
}

err_t se_keyd_welcome_decode(struct slice body, struct se_keyd_welcome *ret)
{
    struct reader r = reader_of(body);
    struct se_keyd_welcome w = { 0 };
    struct slice select;

    w.version = reader_u8(&r);
    w.flags = reader_u8(&r);
    select = reader_bytes(&r, sizeof(w.select));
    w.generation = reader_be32(&r);
    if (body.n && w.version != SE_KEYD_VERSION)
        return ERR_UNSUPPORTED;
    if (reader_ok(&r) || r.rest.n > SE_KEYD_CHANNEL_NAME_MAX || memchr(r.rest.p, 0, r.rest.n))
        return ERR_PROTO;
    memcpy(w.select, select.p, select.n);
    memcpy(w.keys, r.rest.p, r.rest.n);
    *ret = w;
    return ERR_OK;
}
