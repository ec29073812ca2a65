/* src/base/writer.h - straight-line encoding into a buf with a sticky failure. One thread at a time.
 *
 * The first failure (cap, memory) is kept, later writes do nothing, writer_done() returns it.
 */
#pragma once
#include "base/buf.h"

struct writer {
    struct buf *b;
    err_t err;
};

static inline struct writer writer_of(struct buf *b)
{
    return (struct writer){ b, ERR_OK };
}

void writer_u8(struct writer *w, uint8_t v);
void writer_be16(struct writer *w, uint16_t v);
void writer_be32(struct writer *w, uint32_t v);
void writer_be64(struct writer *w, uint64_t v);
void writer_bytes(struct writer *w, struct slice s);
void writer_str(struct writer *w, const char *s);
static inline err_t writer_done(const struct writer *w)
{
    return w->err;
}
