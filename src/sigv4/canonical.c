#include "sigv4/canonical.h"

#include <strings.h>

bool sigv4_name_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

struct slice sigv4_header_find(const struct sigv4_request *req, struct slice name, size_t *ret_count)
{
    struct slice value = { 0 };

    *ret_count = 0;
    for (size_t i = 0; i < req->header_count; i++) {
        if (!sigv4_name_eq(req->headers[i].name, name))
            continue;
        value = req->headers[i].value;
        ++*ret_count;
    }
    return *ret_count == 1 ? value : (struct slice){ 0 };
}

/* The end of the output's last segment goes: "/a/b" -> "/a". Never past `start`. */
static void drop_segment(struct buf *out, size_t start)
{
    while (out->n > start && out->p[out->n - 1] != '/')
        buf_cut(out, out->n - 1);
    if (out->n > start)
        buf_cut(out, out->n - 1);
}

/* Dot segments and doubled slashes go first (RFC 3986 §5.2.4, and what AWS adds to it), then what is left is
 * escaped once more: "%2F" on the wire becomes "%252F" (trap 17). */
err_t sigv4_canonical_path(struct slice path, struct buf *out)
{
    size_t start = out->n;
    bool trailing = path.n && path.p[path.n - 1] == '/';
    err_t e = ERR_OK;

    while (!e && path.n) {
        const uint8_t *slash = memchr(path.p, '/', path.n);
        struct slice segment = slash ? slice_head(path, (size_t)(slash - path.p)) : path;
        path = slice_skip(path, segment.n + 1);
        if (!segment.n || slice_eq(segment, SLICE_LIT(".")))
            continue;
        if (slice_eq(segment, SLICE_LIT(".."))) {
            drop_segment(out, start);
            continue;
        }
        e = buf_add_u8(out, '/');
        if (!e)
            e = sigv4_escape(segment, true, out);
    }
    if (!e && (trailing || out->n == start))
        e = buf_add_u8(out, '/');
    return e;
}

static bool blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Trimmed, inner runs of blanks made one space. */
static err_t add_value(struct buf *out, struct slice v)
{
    bool gap = false, any = false;
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < v.n; i++) {
        if (blank(v.p[i])) {
            gap = any;
            continue;
        }
        if (gap)
            e = buf_add_u8(out, ' ');
        if (!e)
            e = buf_add_u8(out, v.p[i]);
        gap = false;
        any = true;
    }
    return e;
}

/* "name:value\n"; a header given several times has its values joined by commas, in order. */
static err_t add_header(const struct sigv4_request *req, struct slice name, struct buf *out)
{
    bool any = false;
    err_t e = buf_add(out, name);

    if (!e)
        e = buf_add_u8(out, ':');
    for (size_t i = 0; !e && i < req->header_count; i++) {
        if (!sigv4_name_eq(req->headers[i].name, name))
            continue;
        e = any ? buf_add_u8(out, ',') : ERR_OK;
        if (!e)
            e = add_value(out, req->headers[i].value);
        any = true;
    }
    if (!e && !any)
        return ERR_NOT_FOUND;
    return e ? e : buf_add_u8(out, '\n');
}

static err_t add_headers(const struct sigv4_canonical *c, struct buf *out)
{
    struct slice rest = slice_str(c->signed_headers);
    err_t e = ERR_OK;

    for (size_t n = 0; !e && rest.n; n++) {
        const uint8_t *semi = memchr(rest.p, ';', rest.n);
        struct slice name = semi ? slice_head(rest, (size_t)(semi - rest.p)) : rest;
        if (n == SIGV4_HEADERS_MAX)
            return ERR_TOO_BIG;
        e = add_header(c->req, name, out);
        rest = slice_skip(rest, name.n + 1);
    }
    return e;
}

err_t sigv4_canonical_request(const struct sigv4_canonical *c, struct buf *out)
{
    err_t e = buf_add(out, c->req->method);

    if (!e)
        e = buf_add_u8(out, '\n');
    if (!e)
        e = sigv4_canonical_path(c->req->path, out);
    if (!e)
        e = buf_add_u8(out, '\n');
    if (!e)
        e = sigv4_canonical_query(c->req->query, c->query_reading, out);
    if (!e)
        e = buf_add_u8(out, '\n');
    if (!e)
        e = add_headers(c, out);
    if (!e)
        e = buf_printf(out, "\n%s\n%s", c->signed_headers, c->payload_hash);
    return e;
}
