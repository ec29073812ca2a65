#include "base/writer.h"

void writer_bytes(struct writer *w, struct slice s)
{
    if (!w->err)
        w->err = buf_add(w->b, s);
}

void writer_str(struct writer *w, const char *s)
{
    writer_bytes(w, slice_str(s));
}

void writer_u8(struct writer *w, uint8_t v)
{
    writer_bytes(w, slice_of(&v, 1));
}

void writer_be16(struct writer *w, uint16_t v)
{
    if (!w->err)
        w->err = buf_add_be16(w->b, v);
}

void writer_be32(struct writer *w, uint32_t v)
{
    if (!w->err)
        w->err = buf_add_be32(w->b, v);
}

void writer_be64(struct writer *w, uint64_t v)
{
    if (!w->err)
        w->err = buf_add_be64(w->b, v);
}
