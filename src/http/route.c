/* src/http/route.c - see route.h. */
#include "http/route.h"

#define PIECES_MAX 24

/* A path's decoded pieces. */
struct pieces {
    char *text[PIECES_MAX];
    size_t n;
};

static void pieces_done(struct pieces *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->text[i]);
}
#define autopieces __attribute__((cleanup(pieces_done))) struct pieces

/* The piece in front of the next '/' of s, which starts behind a '/'; *s is advanced, p NULL at the end. */
static struct slice next_piece(struct slice *s)
{
    if (!s->p)
        return (struct slice){ 0 };
    const uint8_t *slash = s->n ? memchr(s->p, '/', s->n) : NULL;
    size_t n = slash ? (size_t)(slash - s->p) : s->n;
    struct slice piece = { s->p, n };
    *s = slash ? slice_skip(*s, n + 1) : (struct slice){ 0 };
    return piece;
}

/* Signing removes such pieces (sigv4/canonical.h): what was signed would be another path than what is asked
 * for. */
static bool is_dots(const char *piece)
{
    return strcmp(piece, ".") == 0 || strcmp(piece, "..") == 0;
}

/* ERR_NOT_FOUND for a path no table can hold. */
static err_t split(struct slice path, struct pieces *out)
{
    if (!path.n || path.p[0] != '/')
        return ERR_NOT_FOUND;
    struct slice rest = { path.p + 1, path.n - 1 };
    for (;;) {
        struct slice piece = next_piece(&rest);
        if (!piece.p)
            return ERR_OK;
        if (out->n == PIECES_MAX)
            return ERR_NOT_FOUND;
        autobuf b = BUF_INIT(piece.n + 1);
        err_t e = http_percent_decode(&b, piece, false);
        if (e)
            return e;
        if (is_dots(buf_str(&b)))
            return ERR_INVALID;
        out->text[out->n] = mem_strdup(buf_str(&b));
        if (!out->text[out->n])
            return ERR_NOMEM;
        out->n++;
    }
}

static struct slice after_slash(const char *path)
{
    return slice_str(path + 1);
}

static bool is_label(struct slice piece)
{
    return piece.n >= 2 && piece.p[0] == '{';
}

/* "{topic+}": all that is left of the path. */
static bool is_rest(struct slice piece)
{
    return is_label(piece) && piece.n > 3 && piece.p[piece.n - 2] == '+';
}

static struct slice label_name(struct slice piece)
{
    return (struct slice){ piece.p + 1, piece.n - 2 - is_rest(piece) };
}

static bool matches(const struct http_route *r, const struct pieces *p)
{
    struct slice rest = after_slash(r->path);
    for (size_t i = 0; i < p->n; i++) {
        struct slice piece = next_piece(&rest);
        if (!piece.p)
            return false;
        if (is_rest(piece))
            return i + 1 < p->n || *p->text[i];
        if (is_label(piece) ? !*p->text[i] : !slice_eq(piece, slice_str(p->text[i])))
            return false;
    }
    return rest.p == NULL;
}

/* Both match the same path: is `a` literal where they first differ in kind? */
static bool more_literal(const struct http_route *a, const struct http_route *b)
{
    struct slice ra = after_slash(a->path), rb = after_slash(b->path);
    while (ra.p && rb.p) {
        bool la = is_label(next_piece(&ra)), lb = is_label(next_piece(&rb));
        if (la != lb)
            return lb;
    }
    return false;
}

/* Label names are the table's: nothing in them is an escape. Values were decoded already. */
static err_t add_label(struct http_params *out, struct slice name, const char *value)
{
    autofree char *n = mem_str(name);
    autofree char *v = mem_strdup(value);
    if (!n || !v)
        return ERR_NOMEM;
    err_t e = mem_grow(&out->list, &out->room, out->n + 1, HTTP_PARAMS_MAX, sizeof(out->list[0]));
    if (!e)
        out->list[out->n++] = (struct http_param){ steal(&n), steal(&v) };
    return e;
}

/* The decoded pieces from `i` on with slashes between: "a%2Fb" and "a/b" are the same. */
static err_t add_rest(struct http_params *out, struct slice name, const struct pieces *p, size_t i)
{
    autobuf text = BUF_INIT(SIZE_MAX / 2);
    err_t e = buf_add_str(&text, p->text[i]);

    while (!e && ++i < p->n)
        e = buf_printf(&text, "/%s", p->text[i]);
    return e ? e : add_label(out, name, buf_str(&text));
}

static err_t fill_labels(const struct http_route *r, const struct pieces *p, struct http_params *out)
{
    struct slice rest = after_slash(r->path);
    for (size_t i = 0; i < p->n; i++) {
        struct slice piece = next_piece(&rest);
        if (is_rest(piece))
            return add_rest(out, label_name(piece), p, i);
        err_t e = is_label(piece) ? add_label(out, label_name(piece), p->text[i]) : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}

err_t http_route_match(const struct http_route *routes, size_t n, struct slice method, struct slice path,
                       const struct http_route **ret, struct http_params *labels)
{
    autopieces p = { .n = 0 };
    const struct http_route *best = NULL;
    bool path_known = false;
    err_t e = split(path, &p);
    if (e)
        return e;
    for (size_t i = 0; i < n; i++) {
        if (!matches(&routes[i], &p))
            continue;
        path_known = true;
        if (slice_eq(method, slice_str(routes[i].method)) && (!best || more_literal(&routes[i], best)))
            best = &routes[i];
    }
    if (!best)
        return path_known ? ERR_DENIED : ERR_NOT_FOUND;
    e = fill_labels(best, &p, labels);
    if (!e)
        *ret = best;
    return e;
}

err_t http_route_allow(const struct http_route *routes, size_t n, struct slice path, struct buf *out)
{
    autopieces p = { .n = 0 };
    const char *sep = "";
    err_t e = split(path, &p);
    for (size_t i = 0; i < n && !e; i++) {
        if (!matches(&routes[i], &p))
            continue;
        e = buf_printf(out, "%s%s", sep, routes[i].method);
        sep = ", ";
    }
    return e;
}

static bool piece_ok(struct slice piece, size_t *labels)
{
    bool open = piece.n && memchr(piece.p, '{', piece.n), shut = piece.n && memchr(piece.p, '}', piece.n);
    if (!open && !shut)
        return true;
    ++*labels;
    return piece.n > 2 && piece.p[0] == '{' && piece.p[piece.n - 1] == '}';
}

static bool route_ok(const struct http_route *r)
{
    size_t labels = 0, pieces = 0;
    if (!r->method || !*r->method || !r->path || r->path[0] != '/' || !r->fn)
        return false;
    struct slice rest = after_slash(r->path);
    for (;;) {
        struct slice piece = next_piece(&rest);
        if (!piece.p)
            return labels <= HTTP_ROUTE_LABELS_MAX && pieces <= PIECES_MAX;
        pieces++;
        if (!piece_ok(piece, &labels) || (is_rest(piece) && rest.p))
            return false;
    }
}

err_t http_routes_check(const struct http_route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!route_ok(&routes[i]))
            return ERR_INVALID;
    return ERR_OK;
}
