#include "base/mem.h"
#include "sigv4/canonical.h"

#include <stdlib.h>

static bool unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

err_t sigv4_escape(struct slice text, bool keep_slash, struct buf *out)
{
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < text.n; i++) {
        uint8_t c = text.p[i];
        e = unreserved(c) || (keep_slash && c == '/') ? buf_add_u8(out, c)
                                                      : buf_printf(out, "%%%02X", (unsigned)c);
    }
    return e;
}

bool sigv4_param_next(struct slice *query, struct sigv4_param *ret)
{
    if (!query->n)
        return false;
    const uint8_t *amp = memchr(query->p, '&', query->n);
    struct slice pair = amp ? slice_head(*query, (size_t)(amp - query->p)) : *query;
    const uint8_t *eq = pair.n ? memchr(pair.p, '=', pair.n) : NULL;

    ret->name = eq ? slice_head(pair, (size_t)(eq - pair.p)) : pair;
    ret->value = slice_skip(pair, ret->name.n + 1);
    *query = slice_skip(*query, pair.n + 1);
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo and redo the escapes: %2f and %2F, a literal ':' and %3A become one. '+' is a plus sign here. */
static err_t add_normalised(struct buf *out, struct slice text)
{
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '%') {
            int hi = i + 1 < text.n ? hex_digit(text.p[i + 1]) : -1;
            int lo = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return ERR_INVALID;
            c = (uint8_t)(hi << 4 | lo);
            i += 2;
        }
        e = sigv4_escape(slice_of(&c, 1), false, out);
    }
    return e;
}

/* A parameter as the signature sees it: views into one buffer, by offset because the buffer may move. */
struct entry {
    size_t name, name_n, value, value_n;
};

struct table {
    struct buf text;
    struct entry list[SIGV4_PARAMS_MAX];
    size_t n;
};

static err_t add_text(struct table *t, struct slice s, unsigned reading, size_t *ret_at, size_t *ret_n)
{
    size_t at = t->text.n;
    err_t e = reading & SIGV4_QUERY_NORMALISED ? add_normalised(&t->text, s) : buf_add(&t->text, s);

    *ret_at = at;
    *ret_n = t->text.n - at;
    return e;
}

static bool left_out(const struct sigv4_param *p, unsigned reading)
{
    return slice_eq(p->name, SLICE_LIT("X-Amz-Signature")) ||
           ((reading & SIGV4_QUERY_NO_TOKEN) && slice_eq(p->name, SLICE_LIT("X-Amz-Security-Token")));
}

static err_t collect(struct slice query, unsigned reading, struct table *t)
{
    struct sigv4_param p;
    err_t e = ERR_OK;

    while (!e && sigv4_param_next(&query, &p)) {
        if (left_out(&p, reading))
            continue;
        if (t->n == SIGV4_PARAMS_MAX)
            return ERR_TOO_BIG;
        struct entry *entry = &t->list[t->n++];
        e = add_text(t, p.name, reading, &entry->name, &entry->name_n);
        if (!e)
            e = add_text(t, p.value, reading, &entry->value, &entry->value_n);
    }
    return e;
}

static int compare_bytes(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
    size_t n = an < bn ? an : bn;
    int c = n ? memcmp(a, b, n) : 0;

    return c ? c : (an > bn) - (an < bn);
}

static int compare(const void *a, const void *b, void *text)
{
    const struct entry *x = a, *y = b;
    const uint8_t *p = text;
    int c = compare_bytes(p + x->name, x->name_n, p + y->name, y->name_n);

    return c ? c : compare_bytes(p + x->value, x->value_n, p + y->value, y->value_n);
}

err_t sigv4_canonical_query(struct slice query, unsigned reading, struct buf *out)
{
    struct table t = { .text = BUF_INIT(SIGV4_CANONICAL_MAX * 3) };
    err_t e = collect(query, reading, &t);

    if (!e && t.text.p)
        qsort_r(t.list, t.n, sizeof(t.list[0]), compare, t.text.p);
    for (size_t i = 0; !e && i < t.n; i++) {
        const struct entry *x = &t.list[i];
        const uint8_t *p = t.text.p ? t.text.p : (const uint8_t *)"";
        e = i ? buf_add_u8(out, '&') : ERR_OK;
        if (!e)
            e = buf_add_mem(out, p + x->name, x->name_n);
        if (!e)
            e = buf_add_u8(out, '=');
        if (!e)
            e = buf_add_mem(out, p + x->value, x->value_n);
    }
    buf_done(&t.text);
    return e;
}
