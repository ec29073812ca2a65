#include "base/secret.h"

#include "base/mem.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Each secret has pages of its own: only whole pages can be locked and kept out of core dumps. */
struct secret {
    size_t map; /* bytes mapped */
    size_t n;
    uint8_t bytes[];
};

err_t secret_new(struct slice bytes, struct secret **ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t need;

    if (__builtin_add_overflow(sizeof(struct secret) + 1 + page, bytes.n, &need))
        return ERR_TOO_BIG;
    size_t map = need / page * page;
    struct secret *s = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return ERR_NOMEM;
    (void)madvise(s, map, MADV_DONTDUMP);
    (void)mlock(s, map); /* refused without RLIMIT_MEMLOCK: then it may reach swap, nothing else changes */
    s->map = map;
    s->n = bytes.n;
    if (bytes.n)
        memcpy(s->bytes, bytes.p, bytes.n);
    *ret = s;
    return ERR_OK;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    size_t map = s->map;
    mem_wipe(s, map);
    (void)munmap(s, map);
}

void secret_free_ptr(struct secret **s)
{
    secret_free(*s);
}

bool secret_eq(const struct secret *s, struct slice other)
{
    return s->n == other.n && mem_eq_ct(s->bytes, other.p, s->n);
}

size_t secret_len(const struct secret *s)
{
    return s->n;
}

struct slice secret_expose_bytes(const struct secret *s)
{
    return slice_of(s->bytes, s->n);
}

void secret_process_init(bool undumpable)
{
    const struct rlimit none = { 0, 0 };

    (void)setrlimit(RLIMIT_CORE, &none);
    if (undumpable)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
