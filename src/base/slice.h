/* src/base/slice.h - a borrowed view of bytes. Pure; any thread.
 *
 * A slice owns nothing. Whoever hands one out says what it points into and how long that lives.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *p;
    size_t n;
};

/* A string literal's bytes, without its NUL. */
#define SLICE_LIT(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })
/* An array's bytes. */
#define SLICE_ARRAY(a) ((struct slice){ (const uint8_t *)(a), sizeof(a) })
/* printf("%.*s") arguments. */
#define SLICE_FMT(s) (int)(s).n, (const char *)((s).n ? (s).p : (const uint8_t *)"")

static inline struct slice slice_of(const void *p, size_t n)
{
    return (struct slice){ p, n };
}

/* The bytes of a NUL-terminated string (NULL gives the empty slice). */
static inline struct slice slice_str(const char *s)
{
    return (struct slice){ (const uint8_t *)s, s ? strlen(s) : 0 };
}

/* Not for secrets: see secret_eq. */
static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* s without its first n bytes; n is capped at s.n. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
    if (n > s.n)
        n = s.n;
    return (struct slice){ n ? s.p + n : s.p, s.n - n };
}

/* The first n bytes of s; n is capped at s.n. */
static inline struct slice slice_head(struct slice s, size_t n)
{
    return (struct slice){ s.p, n < s.n ? n : s.n };
}
