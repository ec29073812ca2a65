/* src/http/uri.c - see uri.h. */
#include "http/uri.h"

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of the escape at the front of s, or -1. */
static int unescape(struct slice s)
{
    if (s.n < 3)
        return -1;
    int hi = nibble(s.p[1]), lo = nibble(s.p[2]);
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

static err_t decode_into(struct buf *out, struct slice in, bool plus_is_space)
{
    err_t e = ERR_OK;
    while (in.n && !e) {
        int c = in.p[0];
        size_t used = 1;
        if (c == '%') {
            c = unescape(in);
            used = 3;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c <= 0) /* broken, or a NUL in whatever form */
            return ERR_INVALID;
        e = buf_add_u8(out, (uint8_t)c);
        in = slice_skip(in, used);
    }
    return e;
}

err_t http_percent_decode(struct buf *out, struct slice in, bool plus_is_space)
{
    size_t before = out->n;
    err_t e = decode_into(out, in, plus_is_space);
    if (e)
        buf_cut(out, before);
    return e;
}

static bool is_unreserved(uint8_t c) /* RFC 3986 §2.3 */
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

err_t http_percent_encode(struct buf *out, struct slice in, bool keep_slash)
{
    size_t before = out->n;
    err_t e = ERR_OK;
    for (size_t i = 0; i < in.n && !e; i++) {
        uint8_t c = in.p[i];
        e = is_unreserved(c) || (c == '/' && keep_slash) ? buf_add_u8(out, c) : buf_printf(out, "%%%02X", c);
    }
    if (e)
        buf_cut(out, before);
    return e;
}

void http_params_done(struct http_params *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->list[i].name);
        free(p->list[i].value);
    }
    free(p->list);
    *p = (struct http_params){ 0 };
}

const char *http_params_get(const struct http_params *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->list[i].name, name) == 0)
            return p->list[i].value;
    return NULL;
}

static err_t decode_str(struct slice in, bool plus_is_space, char **ret)
{
    autobuf b = BUF_INIT(in.n + 1);
    err_t e = http_percent_decode(&b, in, plus_is_space);
    if (e)
        return e;
    char *s = b.n ? buf_steal_str(&b) : mem_strdup("");
    if (!s)
        return ERR_NOMEM;
    *ret = s;
    return ERR_OK;
}

err_t http_params_add(struct http_params *p, struct slice name, struct slice value, bool plus_is_space)
{
    autofree char *n = NULL, *v = NULL;
    err_t e = mem_grow(&p->list, &p->room, p->n + 1, HTTP_PARAMS_MAX, sizeof(p->list[0]));
    if (!e)
        e = decode_str(name, plus_is_space, &n);
    if (!e)
        e = decode_str(value, plus_is_space, &v);
    if (!e)
        p->list[p->n++] = (struct http_param){ steal(&n), steal(&v) };
    return e;
}

/* The part before the first `sep`; *rest is what follows it. */
static struct slice cut_at(struct slice s, uint8_t sep, struct slice *rest)
{
    const uint8_t *at = s.n ? memchr(s.p, sep, s.n) : NULL;
    size_t n = at ? (size_t)(at - s.p) : s.n;
    *rest = slice_skip(s, at ? n + 1 : n);
    return slice_head(s, n);
}

err_t http_query_parse(struct http_params *out, struct slice query)
{
    while (query.n) {
        struct slice value, piece = cut_at(query, '&', &query);
        struct slice name = cut_at(piece, '=', &value);
        err_t e = piece.n ? http_params_add(out, name, value, true) : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}
