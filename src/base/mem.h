/* src/base/mem.h - allocation, ownership helpers, checked arithmetic. Any thread.
 *
 * autofree, autoclose: the local is freed when it leaves scope; steal() hands it over instead.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdlib.h>

void mem_free_ptr(void *pp);      /* for autofree; pp is the address of the pointer */
void mem_close_fd(const int *fd); /* for autoclose; ignores -1 and keeps errno */

#define autofree __attribute__((cleanup(mem_free_ptr)))
#define autoclose __attribute__((cleanup(mem_close_fd)))

/* Move a pointer out of an owning variable, leaving NULL. */
#define steal(pp)                             \
    ({                                        \
        __typeof__(*(pp)) steal_tmp_ = *(pp); \
        *(pp) = NULL;                         \
        steal_tmp_;                           \
    })

/* Move a descriptor out of an owning variable, leaving -1. */
static inline int steal_fd(int *fd)
{
    int f = *fd;
    *fd = -1;
    return f;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Heap objects; NULL when out of memory. mem_dup and mem_str add a NUL behind the copy, so 0 bytes
 * give a pointer to one zero byte. */
void *mem_calloc(size_t count, size_t size);
void *mem_dup(const void *p, size_t n);
char *mem_strdup(const char *s);
/* A slice as a string; NULL when out of memory or when s holds a NUL byte. */
char *mem_str(struct slice s);
/* printf into a new string; NULL when out of memory. Caller frees. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Grow *pp (count elements of size) to hold at least `want`, doubling, at most `max` elements.
 * New elements are zeroed. *cap is updated. ERR_TOO_BIG over max, ERR_NOMEM. */
err_t mem_grow(void *pp, size_t *cap, size_t want, size_t max, size_t size);

/* Fill n bytes with zeros in a way the compiler keeps. */
void mem_wipe(void *p, size_t n);
/* Constant-time comparison of n bytes. */
bool mem_eq_ct(const void *a, const void *b, size_t n);
