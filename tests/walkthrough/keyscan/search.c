#include "search.h"

enum { BLOCK = 64 * 1024 };

/* A stream is looked at through a window: the last bytes of the block before, then the block. */
struct lane {
    uint8_t bytes[PATTERN_MAX + BLOCK];
    size_t n;
    uint64_t base; /* offset of bytes[0] in the stream */
    uint64_t seen; /* length of the stream before this block */
};

struct search {
    const struct patterns *ps;
    uint8_t first_two[1 << 16]; /* may a pattern start with these two bytes? */
    search_found_fn found;
    void *ctx;
    struct lane plain, squeezed;
    bool backslash; /* the squeezed lane's last byte was a backslash */
};

struct search *search_new(const struct patterns *ps)
{
    struct search *s = mem_calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->ps = ps;
    for (size_t i = 0; i < ps->n; i++)
        s->first_two[ps->list[i].bytes[0] << 8 | ps->list[i].bytes[1]] = 1;
    return s;
}

void search_free(struct search *s)
{
    if (s)
        mem_wipe(s, sizeof(*s));
    free(s);
}

void search_start(struct search *s, search_found_fn found, void *ctx)
{
    s->found = found;
    s->ctx = ctx;
    s->plain.n = s->squeezed.n = 0;
    s->plain.base = s->squeezed.base = 0;
    s->plain.seen = s->squeezed.seen = 0;
    s->backslash = false;
}

/* A find that ends among the bytes kept from the block before was told then. */
static void look_at(struct search *s, const struct lane *l, size_t at, bool squeezed)
{
    for (size_t i = 0; i < s->ps->n; i++) {
        const struct pattern *p = &s->ps->list[i];
        if ((squeezed && !p->text) || p->n > l->n - at || l->base + at + p->n <= l->seen)
            continue;
        if (memcmp(p->bytes, l->bytes + at, p->n) == 0)
            s->found(s->ctx, p, l->base + at, squeezed);
    }
}

static void scan_lane(struct search *s, const struct lane *l, bool squeezed)
{
    for (size_t at = 0; at + 1 < l->n; at++)
        if (s->first_two[l->bytes[at] << 8 | l->bytes[at + 1]])
            look_at(s, l, at, squeezed);
}

static void keep_tail(const struct search *s, struct lane *l)
{
    size_t keep = s->ps->longest - 1 < l->n ? s->ps->longest - 1 : l->n;

    memmove(l->bytes, l->bytes + l->n - keep, keep);
    l->base += l->n - keep;
    l->n = keep;
}

static void add_plain(struct search *s, struct slice part)
{
    memcpy(s->plain.bytes + s->plain.n, part.p, part.n);
    s->plain.n += part.n;
}

/* PEM lines, hex dumps, JSON strings: white space, colons and the two characters \n do not count. */
static void add_squeezed(struct search *s, struct slice part)
{
    struct lane *l = &s->squeezed;

    for (size_t i = 0; i < part.n; i++) {
        uint8_t c = part.p[i];
        bool escaped_break = s->backslash && (c == 'n' || c == 'r');
        s->backslash = c == '\\';
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ':' || c == '\\' || escaped_break)
            continue;
        l->bytes[l->n++] = c;
    }
}

static void feed_block(struct search *s, struct slice part)
{
    s->plain.seen = s->plain.base + s->plain.n;
    s->squeezed.seen = s->squeezed.base + s->squeezed.n;
    add_plain(s, part);
    add_squeezed(s, part);
    scan_lane(s, &s->plain, false);
    scan_lane(s, &s->squeezed, true);
    keep_tail(s, &s->plain);
    keep_tail(s, &s->squeezed);
}

void search_feed(struct search *s, struct slice bytes)
{
    while (bytes.n) {
        struct slice part = slice_head(bytes, BLOCK);
        feed_block(s, part);
        bytes = slice_skip(bytes, part.n);
    }
}
