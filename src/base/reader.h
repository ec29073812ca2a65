/* src/base/reader.h - a cursor over borrowed bytes with a sticky failure. Pure; any thread.
 *
 * A decoder reads straight down and checks once at the end: after the first read past the end every
 * read gives 0 or an empty slice and reader_done() is ERR_PROTO, or what reader_refuse() was told.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct reader {
    struct slice rest;
    bool failed;
    err_t why; /* ERR_OK: read past the end */
};

static inline struct reader reader_of(struct slice s)
{
    return (struct reader){ .rest = s };
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_be16(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t n); /* points into the input */
static inline void reader_fail(struct reader *r)
{
    r->failed = true;
    r->rest = (struct slice){ 0 };
}
/* The bytes are there, but not what they may be: the first such reason stays. */
static inline void reader_refuse(struct reader *r, err_t why)
{
    if (!r->failed)
        r->why = why;
    reader_fail(r);
}
static inline bool reader_empty(const struct reader *r)
{
    return r->rest.n == 0;
}
/* ERR_OK when nothing failed and nothing is left, otherwise ERR_PROTO or what was refused. */
err_t reader_done(const struct reader *r);
/* ERR_OK when nothing failed, whatever is left. */
static inline err_t reader_ok(const struct reader *r)
{
    return !r->failed ? ERR_OK : r->why ? r->why : ERR_PROTO;
}
