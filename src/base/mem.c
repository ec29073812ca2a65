#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void mem_free_ptr(void *pp)
{
    void *p;
    memcpy(&p, pp, sizeof(p));
    free(p);
}

void mem_close_fd(const int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}

void *mem_calloc(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void *mem_dup(const void *p, size_t n)
{
    if (n == SIZE_MAX)
        return NULL;
    uint8_t *copy = malloc(n + 1);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, p, n);
    copy[n] = 0;
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_dup(s, strlen(s));
}

char *mem_str(struct slice s)
{
    if (s.n && memchr(s.p, 0, s.n))
        return NULL;
    return mem_dup(s.p, s.n);
}

char *mem_printf(const char *fmt, ...)
{
    char *out = NULL;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&out, fmt, ap);
    va_end(ap);
    return n < 0 ? NULL : out;
}

/* Elements to begin with: about 128 bytes, most arrays stay small. */
static size_t first_room(size_t size)
{
    if (size < 16)
        return 8;
    return size < 128 ? 128 / size : 1;
}

err_t mem_grow(void *pp, size_t *cap, size_t want, size_t max, size_t size)
{
    void *old, *p;
    size_t room = *cap ? *cap : first_room(size);
    size_t bytes;

    if (want <= *cap)
        return ERR_OK;
    if (want > max)
        return ERR_TOO_BIG;
    while (room < want)
        room = room > max / 2 ? max : room * 2;
    if (room > max)
        room = max;
    if (__builtin_mul_overflow(room, size, &bytes))
        return ERR_TOO_BIG;
    memcpy(&old, pp, sizeof(old));
    p = realloc(old, bytes);
    if (!p)
        return ERR_NOMEM;
    memset((uint8_t *)p + *cap * size, 0, bytes - *cap * size);
    memcpy(pp, &p, sizeof(p));
    *cap = room;
    return ERR_OK;
}

void mem_wipe(void *p, size_t n)
{
    if (n)
        explicit_bzero(p, n);
}

bool mem_eq_ct(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t diff = 0;

    for (size_t i = 0; i < n; i++)
        diff |= x[i] ^ y[i];
    return diff == 0;
}
