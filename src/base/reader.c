#include "base/reader.h"

struct slice reader_bytes(struct reader *r, size_t n)
{
    if (r->failed || n > r->rest.n) {
        reader_fail(r);
        return (struct slice){ 0 };
    }
    struct slice s = slice_head(r->rest, n);
    r->rest = slice_skip(r->rest, n);
    return s;
}

static uint64_t read_be(struct reader *r, size_t n)
{
    struct slice s = reader_bytes(r, n);
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

uint16_t reader_be16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t reader_be32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t reader_be64(struct reader *r)
{
    return read_be(r, 8);
}

err_t reader_done(const struct reader *r)
{
    return r->failed ? reader_ok(r) : r->rest.n ? ERR_PROTO : ERR_OK;
}
