#include "base/buf.h"

#include <stdio.h>

void buf_init(struct buf *b, size_t max)
{
    *b = BUF_INIT(max);
}

void buf_done(struct buf *b)
{
    if (b->secret && b->p)
        mem_wipe(b->p, b->room);
    free(b->p);
    b->p = NULL;
    b->n = b->room = 0;
}

void buf_clear(struct buf *b)
{
    if (b->secret && b->p)
        mem_wipe(b->p, b->room);
    b->n = 0;
    if (b->p)
        b->p[0] = 0;
}

/* realloc that leaves no copy of a secret behind. */
static uint8_t *buf_move(struct buf *b, size_t room)
{
    if (!b->secret)
        return realloc(b->p, room);
    uint8_t *p = malloc(room);
    if (!p)
        return NULL;
    if (b->p) {
        memcpy(p, b->p, b->n + 1);
        mem_wipe(b->p, b->room);
        free(b->p);
    }
    return p;
}

err_t buf_reserve(struct buf *b, size_t more)
{
    if (b->n > b->max || more > b->max - b->n)
        return ERR_TOO_BIG;
    size_t need = b->n + more + 1; /* and the NUL */
    if (need <= b->room)
        return ERR_OK;
    size_t room = b->room ? b->room : 64;
    while (room < need)
        room = room > SIZE_MAX / 2 ? need : room * 2;
    if (b->max < SIZE_MAX && room > b->max + 1)
        room = b->max + 1;
    uint8_t *p = buf_move(b, room);
    if (!p)
        return ERR_NOMEM;
    b->p = p;
    b->room = room;
    b->p[b->n] = 0;
    return ERR_OK;
}

err_t buf_add_mem(struct buf *b, const void *p, size_t n)
{
    err_t e = buf_reserve(b, n);
    if (e)
        return e;
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = 0;
    return ERR_OK;
}

err_t buf_add(struct buf *b, struct slice s)
{
    return buf_add_mem(b, s.p, s.n);
}

err_t buf_add_str(struct buf *b, const char *s)
{
    return buf_add_mem(b, s, strlen(s));
}

err_t buf_add_u8(struct buf *b, uint8_t v)
{
    return buf_add_mem(b, &v, 1);
}

err_t buf_add_be16(struct buf *b, uint16_t v)
{
    const uint8_t x[] = { (uint8_t)(v >> 8), (uint8_t)v };
    return buf_add_mem(b, x, sizeof(x));
}

err_t buf_add_be32(struct buf *b, uint32_t v)
{
    const uint8_t x[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    return buf_add_mem(b, x, sizeof(x));
}

err_t buf_add_be64(struct buf *b, uint64_t v)
{
    uint8_t x[8];
    for (int i = 0; i < 8; i++)
        x[i] = (uint8_t)(v >> (56 - 8 * i));
    return buf_add_mem(b, x, sizeof(x));
}

err_t buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    err_t e = n < 0 ? ERR_INVALID : buf_reserve(b, (size_t)n);
    if (!e) {
        (void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    return e;
}

err_t buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_t e = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return e;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    if (b->secret)
        mem_wipe(b->p + b->n - n, n);
    b->n -= n;
    b->p[b->n] = 0;
}

void buf_cut(struct buf *b, size_t n)
{
    if (n >= b->n)
        return;
    if (b->secret)
        mem_wipe(b->p + n, b->n - n);
    b->n = n;
    b->p[n] = 0;
}

char *buf_steal_str(struct buf *b)
{
    char *s = b->p ? (char *)b->p : mem_strdup("");
    b->p = NULL;
    b->n = b->room = 0;
    return s;
}
