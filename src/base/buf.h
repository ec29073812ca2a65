/* src/base/buf.h - an owned, growable run of bytes with a hard cap. One thread at a time.
 *
 * The cap is given at init and met before any allocation: reaching it is ERR_TOO_BIG and leaves the
 * contents as they were. A buf initialised with {0} has cap 0: use BUF_INIT(cap) or buf_init.
 * The contents are always followed by a NUL that is not counted, so b.p can be printed once
 * something was appended; buf_str() is safe in every case.
 */
#pragma once
#include "base/err.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdarg.h>

struct buf {
    uint8_t *p;
    size_t n;    /* bytes in use */
    size_t room; /* bytes allocated */
    size_t max;  /* hard cap on n */
    bool secret; /* wiped before every free and move */
};

#define BUF_INIT(cap) ((struct buf){ .max = (cap) })
#define BUF_SECRET(cap) ((struct buf){ .max = (cap), .secret = true })
#define autobuf __attribute__((cleanup(buf_done))) struct buf

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* free; b may be used again after buf_init */
void buf_clear(struct buf *b); /* n = 0, memory kept (wiped when secret) */

/* All appenders: ERR_TOO_BIG over the cap, ERR_NOMEM; contents unchanged then. */
err_t buf_reserve(struct buf *b, size_t more);
err_t buf_add(struct buf *b, struct slice s);
err_t buf_add_mem(struct buf *b, const void *p, size_t n);
err_t buf_add_str(struct buf *b, const char *s);
err_t buf_add_u8(struct buf *b, uint8_t v);
err_t buf_add_be16(struct buf *b, uint16_t v);
err_t buf_add_be32(struct buf *b, uint32_t v);
err_t buf_add_be64(struct buf *b, uint64_t v);
err_t buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
err_t buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Drop the first n bytes (n <= b->n). */
void buf_drop(struct buf *b, size_t n);
/* Cut to n bytes (n <= b->n). */
void buf_cut(struct buf *b, size_t n);

/* Borrowed views, dead after the next change of b. */
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){ b->p, b->n };
}
static inline const char *buf_str(const struct buf *b)
{
    return b->p ? (const char *)b->p : "";
}
/* Hand the bytes over as a NUL-terminated heap string; b becomes empty. NULL when out of memory. */
char *buf_steal_str(struct buf *b);
