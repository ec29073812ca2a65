/* src/http/parse.h - bytes in, requests out: the one user of libhttp-parser. RFC 9112.
 *
 * Pure; one thread at a time. The head is collected and judged line by line by us before the library sees it,
 * because what it forgives (folded lines, a space before the colon, bare LF, repeated lengths) is what
 * request smuggling is made of. The library then reads the request line and takes the body apart.
 */
#pragma once
#include "base/buf.h"
#include "http/message.h"

struct http_parse;

struct http_parse_limits {
    size_t max_head; /* request line and headers; at most HTTP_HEAD_LIMIT */
    size_t max_body;
};

#define HTTP_HEAD_LIMIT 65536 /* the library's own limit is 80 KiB */
#define HTTP_HEADERS_MAX 128

struct http_parsed {
    struct slice method, target, path, query;
    const struct http_header *headers; /* in order, values trimmed */
    size_t header_count;
    struct slice body;
    bool keep_alive;
    bool expect_continue; /* the client waits for "100 Continue" before it sends the body */
};

/* ERR_NOMEM. */
err_t http_parse_new(const struct http_parse_limits *lim, struct http_parse **ret);
void http_parse_free(struct http_parse *p); /* NULL is fine */
/* Ready for the connection's next request; slices given out before are dead. */
void http_parse_reset(struct http_parse *p);

/* Take bytes from the front of *in.
 * ERR_OK     a request is complete; *in starts behind it. Nothing is taken until http_parse_reset
 * ERR_MORE   all bytes were taken, or the head has just been completed (call again while in->n)
 * ERR_PROTO  the request must be refused: http_parse_status, http_parse_reason; end the connection
 * ERR_NOMEM */
err_t http_parse_feed(struct http_parse *p, struct slice *in);

bool http_parse_started(const struct http_parse *p); /* a byte of this request has come */
bool http_parse_head_done(const struct http_parse *p);
/* What is known; complete after ERR_OK, all but the body once the head is done; the body is what has come of
 * it. Lives until reset, the body until the next feed. */
const struct http_parsed *http_parse_get(const struct http_parse *p);
int http_parse_status(const struct http_parse *p);         /* 400, 413, 414, 417, 431, 501, 505 */
const char *http_parse_reason(const struct http_parse *p); /* one sentence for the peer; static */
