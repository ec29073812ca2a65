#include "broker/rate.h"

#include "base/mem.h"

#include <search.h>
#include <string.h>

struct name {
    struct slice text; /* first, the key */
    unsigned n;
    uint8_t bytes[];
};

static int name_cmp(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n ? memcmp(x->p, y->p, x->n) : 0;
}

static struct name *add(struct broker_rate *r, struct slice text)
{
    struct name *m = r->n < RATE_NAMES_MAX ? mem_calloc(1, sizeof(*m) + text.n) : NULL;

    if (!m)
        return NULL;
    if (text.n)
        memcpy(m->bytes, text.p, text.n);
    m->text = slice_of(m->bytes, text.n);
    if (!tsearch(m, &r->names, name_cmp)) {
        free(m);
        return NULL;
    }
    r->n++;
    return m;
}

bool broker_rate_take(struct broker_rate *r, struct slice name, unsigned most)
{
    void *hit;
    struct name *m;

    if (!most)
        return true;
    hit = tfind(&name, &r->names, name_cmp);
    m = hit ? *(struct name **)hit : add(r, name);
    if (!m || m->n >= most)
        return false;
    m->n++;
    return true;
}

void broker_rate_clear(struct broker_rate *r)
{
    tdestroy(r->names, free);
    *r = (struct broker_rate){ 0 };
}
