/* src/http/websocket.h - RFC 6455: an HTTP request becomes a stream whose bytes go in binary frames.
 *
 * I/O; belongs to the loop's thread of its HTTP server. First the request is judged (websocket_offer), then
 * whoever asks is (meanwhile the connection waits), then it is accepted, or refused with an ordinary answer.
 * The stream is a net_stream as any other (net/stream.h): frames are not to be seen, PING is answered here.
 * on_close: ERR_CANCELLED when the client said that it goes (a close frame), ERR_PROTO when its frames are no
 * good; otherwise the transport's reasons.
 */
#pragma once
#include "http/server.h"

struct crypto_ctx;

struct websocket_offer {
    char accept[29];      /* the answer to the client's key */
    const char *protocol; /* one of those asked for */
};

/* Is the request a handshake for one of `protocols` (in order of preference, NULL at the end)?
 * ERR_INVALID      no, and *ret_why says what is wrong: answer 400
 * ERR_UNSUPPORTED  another version: answer 426 with websocket_version_header
 * ERR_CRYPTO */
err_t websocket_offer(const struct crypto_ctx *crypto, const struct http_request *req,
                      const char *const *protocols, struct websocket_offer *ret, const char **ret_why);
extern const struct http_header websocket_version_header;

#define WEBSOCKET_FRAME_MAX (1u << 20) /* payload of one frame; more is closed with 1009 */

/* Answer 101 and take the connection from the server. ERR_NOT_FOUND: it has gone; ERR_NOMEM: it was cut. */
err_t websocket_accept(struct http_server *srv, struct http_token token, const struct websocket_offer *offer,
                       struct net_stream **ret);

/* The same stream over one that is there already: for tests. Takes `transport` on success. ERR_NOMEM. */
err_t websocket_stream_new(struct net_stream *transport, struct net_stream **ret);
