/* src/http/server.h - an HTTP/1.1 server on streams it is given. RFC 9110, RFC 9112.
 *
 * I/O; belongs to one loop's thread. It listens on nothing: whoever accepts a connection (plain or TLS,
 * judged or not) hands the stream over. Requests of a connection are answered one after the other. Handlers
 * get the whole request, body included, and answer now or later by its token; a token whose connection died
 * meanwhile is harmless.
 *
 * Refused by the server itself, with a JSON body {"message": "..."} and an end of the connection: malformed
 * requests 400 (both Content-Length and Transfer-Encoding, repeated or signed lengths, folded lines, a space
 * before a colon, no or two Hosts, broken percent escapes), 501 (codings other than one final chunked), 413,
 * 414, 431, 408 (deadlines), 417 (Expect other than 100-continue), 505.
 */
#pragma once
#include "http/message.h"
#include "http/route.h"
#include "net/stream.h"

struct http_server;

/* Names a request in flight. Zero is nobody. */
struct http_token {
    uint32_t slot;
    uint32_t gen;
};

/* All slices and strings live until the request is answered or its connection dies, and in any case until the
 * handler returns. Work on another thread copies what it needs and keeps only the token. */
struct http_request {
    struct http_token token;
    struct http_server *server;
    struct slice method; /* "GET" */
    struct slice target; /* as sent: path and query */
    struct slice path;   /* raw, before '?', escapes kept: what a signature covers */
    struct slice query;  /* raw, after '?' */
    const struct http_header *headers;
    size_t header_count;
    struct slice body;
    const struct http_route *route; /* the one that matched */
    /* From the path, decoded once: http_params_get(req->labels, "thingName"). */
    const struct http_params *labels;
    const struct http_params *params; /* from the query, decoded */
    struct net_stream *stream;        /* for net_stream_peer; do not read, write or free it */
    void *user;                       /* the connection's, as given to http_server_adopt_for */
};

/* The value of a header (name in any case), trimmed; the empty slice with p NULL when absent; the first when
 * repeated. */
struct slice http_request_header(const struct http_request *req, const char *name);

struct http_server_opts {
    const struct http_route *routes; /* must outlive the server */
    size_t route_count;
    void *ctx; /* given to every handler */
    /* Called for what no route knows; NULL: 404, or 405 with Allow when only the method is wrong. */
    http_handler_fn fallback;
    size_t max_head; /* request line and headers; 0 = 16 KiB, at most 64 KiB -> 431, 414 for the line alone */
    size_t max_body; /* 0 = 1 MiB -> 413 */
    /* Bytes of bodies, of all connections together: beyond them the one that has been sending its body for
     * longest is ended (503). 0: no bound but the product of max_body and max_conns. */
    size_t max_bodies;
    size_t max_reply; /* queued output of a connection; 0 = 16 MiB */
    /* Bytes of answers that wait for slow readers, of all connections together: beyond them an answer over 64
     * KiB becomes a 503. 0: no bound but the product of max_reply and max_conns. */
    size_t max_replies;
    /* 0 = 1024. One more ends the one that has been between requests (or in the head of one) for longest;
     * when all are being served the newcomer is answered 503 and closed. */
    size_t max_conns;
    int64_t head_ms;  /* from its first byte to the end of the headers; 0 = 10 s -> 408 */
    int64_t body_ms;  /* for the body; 0 = 30 s -> 408 */
    int64_t idle_ms;  /* between requests; 0 = 60 s -> closed */
    int64_t reply_ms; /* for the handler; 0 = 60 s -> 504, -1: as long as it takes */
    /* A connection died before its request was answered; NULL: nobody asks, and the end of a connection is
     * not looked for meanwhile. Never from inside http_reply. */
    void (*on_gone)(void *ctx, struct http_token token);
};

/* ERR_NOMEM, ERR_INVALID for a broken route. opts is copied. */
err_t http_server_new(struct net_loop *loop, const struct http_server_opts *opts, struct http_server **ret);
/* Cuts all connections; tokens become harmless. NULL is fine. */
void http_server_free(struct http_server *srv);
/* Serve this connection; takes the stream in every case. A TLS stream may still be in its handshake. */
void http_server_adopt(struct http_server *srv, struct net_stream *s);
/* The same, and `user` goes with every request of it (who the peer is, say); user_free(user) when it ends. */
void http_server_adopt_for(struct http_server *srv, struct net_stream *s, void *user,
                           void (*user_free)(void *user));
size_t http_server_connections(const struct http_server *srv);

struct http_response {
    int status;
    /* Content-Type and such; Date, Content-Length, Connection are the server's. */
    const struct http_header *headers;
    size_t header_count;
    struct slice body; /* copied; not sent for HEAD, 204, 304 */
    bool close;        /* end the connection afterwards */
};

/* Answer a request, once. On the loop's thread, inside the handler or later.
 * ERR_NOT_FOUND  the connection is gone or the request was answered: nothing to do
 * ERR_INVALID    a header that cannot be sent (line break, empty name); the peer gets a 500
 * ERR_TOO_BIG    the body is over the stream's output limit; the peer gets a 500
 * ERR_BUSY       max_replies; the peer gets a 503 */
err_t http_reply(struct http_server *srv, struct http_token token, const struct http_response *resp);
/* Answer 101 with `headers` (which name the protocol; Connection: Upgrade is the server's) and give the
 * connection away: *ret is the caller's, without a handler. What the peer sent behind the request is kept for
 * the next handler. ERR_NOT_FOUND as above; ERR_NOMEM, ERR_INVALID: the peer gets a 500. */
err_t http_upgrade(struct http_server *srv, struct http_token token, const struct http_header *headers,
                   size_t header_count, struct net_stream **ret);
/* As http_reply, for a JSON text. */
err_t http_reply_json(struct http_server *srv, struct http_token token, int status, struct slice json);
