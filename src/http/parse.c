/* src/http/parse.c - see parse.h. */
#include "http/parse.h"

#include <http_parser.h>
#include <strings.h>

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_DONE, STAGE_BAD };

struct http_parse {
    struct http_parse_limits lim;
    enum stage stage;
    unsigned minor; /* of HTTP/1.x */
    http_parser lib;
    struct buf head;
    size_t scanned; /* bytes of head known to hold no end of head */
    struct buf body;
    struct http_header headers[HTTP_HEADERS_MAX];
    struct http_parsed out;
    int status;
    const char *reason;
};

static err_t refuse(struct http_parse *p, int status, const char *reason)
{
    p->stage = STAGE_BAD;
    p->status = status;
    p->reason = reason;
    return ERR_PROTO;
}

/* ---- lines of the head ---- */

/* The line in front of the next CRLF. The caller made sure that every line has one. */
static struct slice next_line(struct slice *rest)
{
    const uint8_t *cr = memchr(rest->p, '\r', rest->n);
    struct slice line = { rest->p, (size_t)(cr - rest->p) };
    *rest = slice_skip(*rest, line.n + 2);
    return line;
}

/* CR and LF only as a pair, no NUL anywhere. */
static bool line_ends_ok(struct slice head)
{
    for (size_t i = 0; i < head.n; i++) {
        bool cr = head.p[i] == '\r', lf = head.p[i] == '\n';
        if ((cr && (i + 1 == head.n || head.p[i + 1] != '\n')) || (lf && (i == 0 || head.p[i - 1] != '\r')) ||
            head.p[i] == 0)
            return false;
    }
    return true;
}

static err_t take_header(struct http_parse *p, struct slice line)
{
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return refuse(p, 400, "folded header lines are not accepted"); /* RFC 9112 §5.2 */
    const uint8_t *colon = memchr(line.p, ':', line.n);
    size_t n = colon ? (size_t)(colon - line.p) : line.n;
    struct http_header h = { { line.p, n }, http_trim(slice_skip(line, n + 1)) };
    if (!colon || !http_header_ok(&h))
        return refuse(p, 400, "malformed header line"); /* also a space before the colon, RFC 9112 §5.1 */
    if (p->out.header_count == HTTP_HEADERS_MAX)
        return refuse(p, 431, "too many header lines");
    p->headers[p->out.header_count++] = h;
    return ERR_OK;
}

/* "METHOD SP target SP HTTP/1.x", RFC 9112 §3, one space each. */
static err_t take_request_line(struct http_parse *p, struct slice line)
{
    const uint8_t *a = memchr(line.p, ' ', line.n);
    size_t method = a ? (size_t)(a - line.p) : 0;
    struct slice rest = slice_skip(line, method + 1);
    const uint8_t *b = a && rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
    if (!method || !b || b == rest.p)
        return refuse(p, 400, "malformed request line");
    size_t target = (size_t)(b - rest.p);
    struct slice version = slice_skip(rest, target + 1);
    p->out.method = slice_head(line, method);
    p->out.target = slice_head(rest, target);
    if (!http_is_token(p->out.method))
        return refuse(p, 400, "malformed request line");
    if (!slice_starts(version, SLICE_LIT("HTTP/")) || version.n != 8)
        return refuse(p, 400, "malformed request line");
    if (!slice_eq(version, SLICE_LIT("HTTP/1.1")) && !slice_eq(version, SLICE_LIT("HTTP/1.0")))
        return refuse(p, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    p->minor = (unsigned)(version.p[7] - '0');
    return ERR_OK;
}

/* The absolute form "http://host/path" must be understood too, RFC 9112 §3.2.2. */
static struct slice origin_form(struct slice target)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (target.n < n || strncasecmp((const char *)target.p, schemes[i], n) != 0)
            continue;
        while (n < target.n && target.p[n] != '/' && target.p[n] != '?')
            n++;
        return n < target.n && target.p[n] == '/' ? slice_skip(target, n) : (struct slice){ 0 };
    }
    return target;
}

static err_t take_target(struct http_parse *p)
{
    p->out.target = origin_form(p->out.target);
    struct slice t = p->out.target;
    if (!t.n || t.p[0] != '/')
        return refuse(p, 400, "the request target must be a path");
    if (memchr(t.p, '#', t.n))
        return refuse(p, 400, "the request target must not hold a fragment");
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= 0x20 || t.p[i] >= 0x7f)
            return refuse(p, 400, "the request target holds characters that must be escaped");
    const uint8_t *q = memchr(t.p, '?', t.n);
    size_t n = q ? (size_t)(q - t.p) : t.n;
    p->out.path = slice_head(t, n);
    p->out.query = slice_skip(t, q ? n + 1 : n);
    return ERR_OK;
}

/* ---- what the headers say together ---- */

static size_t count_of(const struct http_parse *p, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < p->out.header_count; i++)
        n += http_name_eq(p->headers[i].name, slice_str(name));
    return n;
}

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static err_t check_length(struct http_parse *p, struct slice length)
{
    uint64_t n = 0;
    if (!all_digits(length))
        return refuse(p, 400, "malformed Content-Length");
    for (size_t i = 0; i < length.n; i++) {
        n = n * 10 + (uint64_t)(length.p[i] - '0');
        if (n > p->lim.max_body)
            return refuse(p, 413, "the request body is too large");
    }
    return ERR_OK;
}

/* RFC 9112 §6.3 and §11.2: a length that two readers could understand differently is an attack. */
static err_t check_framing(struct http_parse *p)
{
    size_t lengths = count_of(p, "Content-Length"), codings = count_of(p, "Transfer-Encoding");
    if (lengths > 1 || codings > 1 || (lengths && codings))
        return refuse(p, 400, "more than one of Content-Length and Transfer-Encoding");
    if (codings) {
        struct slice te = http_header_get(p->headers, p->out.header_count, "Transfer-Encoding");
        if (!http_name_eq(te, SLICE_LIT("chunked")))
            return refuse(p, 501, "the only transfer coding understood is chunked");
        if (p->minor == 0)
            return refuse(p, 400, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (lengths)
        return check_length(p, http_header_get(p->headers, p->out.header_count, "Content-Length"));
    return ERR_OK;
}

static err_t check_expect(struct http_parse *p)
{
    struct slice expect = http_header_get(p->headers, p->out.header_count, "Expect");
    if (!expect.p)
        return ERR_OK;
    if (!http_name_eq(expect, SLICE_LIT("100-continue")) || count_of(p, "Expect") > 1)
        return refuse(p, 417, "the only expectation understood is 100-continue");
    p->out.expect_continue = p->minor > 0; /* RFC 9110 §10.1.1 */
    return ERR_OK;
}

static err_t check_headers(struct http_parse *p)
{
    size_t hosts = count_of(p, "Host");
    if (hosts > 1 || (hosts == 0 && p->minor > 0)) /* RFC 9112 §3.2 */
        return refuse(p, 400, "exactly one Host header is needed");
    err_t e = check_framing(p);
    return e ? e : check_expect(p);
}

/* ---- the library ---- */

static int on_body(http_parser *lib, const char *at, size_t n)
{
    struct http_parse *p = lib->data;
    err_t e = buf_add_mem(&p->body, at, n);
    if (e == ERR_TOO_BIG)
        (void)refuse(p, 413, "the request body is too large");
    return e ? -1 : 0;
}

static int on_headers_complete(http_parser *lib)
{
    lib->upgrade = 0; /* an offer we do not take up; the request is answered as it is (RFC 9110 §7.8) */
    return 0;
}

static int on_message_complete(http_parser *lib)
{
    struct http_parse *p = lib->data;
    p->stage = STAGE_DONE;
    p->out.keep_alive = http_should_keep_alive(lib) != 0;
    http_parser_pause(lib, 1); /* what follows belongs to the next request */
    return 0;
}

static const http_parser_settings settings = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static err_t lib_error(struct http_parse *p)
{
    if (p->stage == STAGE_BAD)
        return ERR_PROTO; /* a callback has said why */
    if (HTTP_PARSER_ERRNO(&p->lib) == HPE_CB_body)
        return ERR_NOMEM;
    if (HTTP_PARSER_ERRNO(&p->lib) == HPE_INVALID_METHOD)
        return refuse(p, 501, "unknown method");
    return refuse(p, 400, p->stage == STAGE_HEAD ? "malformed request" : "malformed chunk");
}

/* Feeds the library; *ret_used is how far it came. */
static err_t lib_feed(struct http_parse *p, struct slice in, size_t *ret_used)
{
    size_t used = http_parser_execute(&p->lib, &settings, (const char *)in.p, in.n);
    enum http_errno err = HTTP_PARSER_ERRNO(&p->lib);
    if (err == HPE_PAUSED && p->stage == STAGE_DONE) {
        *ret_used = used;
        return ERR_OK;
    }
    if (err != HPE_OK || used != in.n)
        return lib_error(p);
    *ret_used = used;
    return ERR_MORE;
}

/* ---- head and body ---- */

static err_t judge_lines(struct http_parse *p, struct slice head)
{
    if (!line_ends_ok(head))
        return refuse(p, 400, "lines must end in CR LF");
    struct slice rest = head;
    err_t e = take_request_line(p, next_line(&rest));
    while (!e && rest.n > 2)
        e = take_header(p, next_line(&rest));
    return e ? e : take_target(p);
}

static err_t head_complete(struct http_parse *p)
{
    struct slice head = buf_slice(&p->head);
    size_t used = 0;
    err_t e = judge_lines(p, head);
    if (e)
        return e;
    if (slice_eq(p->out.method, SLICE_LIT("CONNECT")))
        return refuse(p, 501, "this is not a proxy");
    e = check_headers(p);
    if (e)
        return e;
    e = lib_feed(p, head, &used);
    if (e == ERR_MORE && p->stage == STAGE_HEAD)
        p->stage = STAGE_BODY;
    return e;
}

/* Where the head ends: the offset behind CR LF CR LF (LF LF counts, to be refused), or 0. */
static size_t find_end(const struct http_parse *p)
{
    for (size_t i = p->scanned; i < p->head.n; i++) {
        if (p->head.p[i] != '\n' || i == 0)
            continue;
        bool crlf = i >= 3 && memcmp(p->head.p + i - 3, "\r\n\r\n", 4) == 0;
        if (crlf || p->head.p[i - 1] == '\n')
            return i + 1;
    }
    return 0;
}

/* Blank lines in front of a request are ignored, RFC 9112 §2.2. */
static void skip_blank(struct http_parse *p, struct slice *in)
{
    while (!p->head.n && in->n && (in->p[0] == '\r' || in->p[0] == '\n'))
        *in = slice_skip(*in, 1);
}

static err_t too_long(struct http_parse *p)
{
    bool line_done = p->head.n && memchr(p->head.p, '\n', p->head.n);
    return line_done ? refuse(p, 431, "the request's headers are too large")
                     : refuse(p, 414, "the request line is too long");
}

static err_t feed_head(struct http_parse *p, struct slice *in)
{
    skip_blank(p, in);
    struct slice part = slice_head(*in, p->lim.max_head - p->head.n);
    size_t before = p->head.n;
    err_t e = buf_add(&p->head, part);
    if (e)
        return e;
    if (p->head.n && !http_is_token(slice_of(p->head.p, 1))) /* do not wait for a line end that never comes */
        return refuse(p, 400, "this is not an HTTP request: is it TLS, spoken to a plain port?");
    size_t end = find_end(p);
    if (!end) {
        *in = slice_skip(*in, part.n);
        p->scanned = p->head.n;
        return p->head.n == p->lim.max_head ? too_long(p) : ERR_MORE;
    }
    buf_cut(&p->head, end);
    *in = slice_skip(*in, end - before);
    p->out.headers = p->headers;
    return head_complete(p);
}

static err_t feed_body(struct http_parse *p, struct slice *in)
{
    size_t used = 0;
    if (!in->n)
        return ERR_MORE;
    err_t e = lib_feed(p, *in, &used);
    if (!e || e == ERR_MORE)
        *in = slice_skip(*in, used);
    return e;
}

err_t http_parse_feed(struct http_parse *p, struct slice *in)
{
    if (p->stage == STAGE_DONE)
        return ERR_OK;
    if (p->stage == STAGE_BAD)
        return ERR_PROTO;
    err_t e = p->stage == STAGE_HEAD ? feed_head(p, in) : feed_body(p, in);
    p->out.body = buf_slice(&p->body);
    return e;
}

/* ---- life ---- */

void http_parse_reset(struct http_parse *p)
{
    buf_done(&p->head); /* an idle connection holds nothing */
    buf_done(&p->body);
    buf_init(&p->head, p->lim.max_head);
    buf_init(&p->body, p->lim.max_body);
    p->scanned = 0;
    p->stage = STAGE_HEAD;
    p->out = (struct http_parsed){ 0 };
    http_parser_init(&p->lib, HTTP_REQUEST);
    p->lib.data = p;
}

err_t http_parse_new(const struct http_parse_limits *lim, struct http_parse **ret)
{
    struct http_parse *p = mem_calloc(1, sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    p->lim = *lim;
    if (p->lim.max_head > HTTP_HEAD_LIMIT)
        p->lim.max_head = HTTP_HEAD_LIMIT;
    http_parse_reset(p);
    *ret = p;
    return ERR_OK;
}

void http_parse_free(struct http_parse *p)
{
    if (!p)
        return;
    buf_done(&p->head);
    buf_done(&p->body);
    free(p);
}

bool http_parse_started(const struct http_parse *p)
{
    return p->head.n > 0;
}

bool http_parse_head_done(const struct http_parse *p)
{
    return p->stage == STAGE_BODY || p->stage == STAGE_DONE;
}

const struct http_parsed *http_parse_get(const struct http_parse *p)
{
    return &p->out;
}

int http_parse_status(const struct http_parse *p)
{
    return p->status;
}

const char *http_parse_reason(const struct http_parse *p)
{
    return p->reason;
}
