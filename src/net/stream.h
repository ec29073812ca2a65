/* src/net/stream.h - one connection, whatever carries it: TCP, Unix, TLS, a pair in memory.
 *
 * I/O, never blocking. A stream belongs to its loop's thread. Its user has one set of callbacks:
 *
 *     on_open   the connection (and its handshake) is there; streams from a plain listener have it at once
 *     on_read   bytes have come
 *     on_drain  the output queue is empty again
 *     on_close  it ended without the user asking; the last callback
 *
 * Callbacks come from the loop, never from inside a call below, and stop at once after net_stream_free or
 * net_stream_finish, which may be called inside any of them. A stream has no callbacks and reads nothing
 * until net_stream_set_handler.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "net/loop.h"

struct net_stream;

struct net_handler {
    /* NULL: not interested. */
    void (*on_open)(void *ctx);
    /* Returns how many bytes of `in` (1 or more given) it has used. The rest is kept and shown again, with
     * more behind it, when more has arrived or after net_stream_resume. `in` dies when this returns. */
    size_t (*on_read)(void *ctx, struct slice in);
    /* NULL: not interested. */
    void (*on_drain)(void *ctx);
    /* The user still has to net_stream_free(s); net_stream_why(s) tells more.
     * ERR_EOF          the peer closed in an orderly way
     * ERR_TIMEOUT      connect, handshake, idle or stall deadline
     * ERR_UNAVAILABLE  nobody there: refused, unreachable, name unknown
     * ERR_TOO_BIG      kept bytes reached the input limit: the user waits for more than it may have
     * ERR_AUTH         TLS: one side refused the other's certificate
     * ERR_PROTO        TLS: not a TLS peer, or no common ground
     * ERR_BUSY         TLS: the signing queue is full, or newer handshakes took this one's place
     * ERR_CRYPTO       TLS: our private key could not sign (its token does not answer, say)
     * ERR_CANCELLED    TLS: the signer is being stopped; WebSocket: the peer said that it goes
     * ERR_IO, ERR_NOMEM */
    void (*on_close)(void *ctx, err_t why);
};

/* The handler may be exchanged at any time (a listener's, then the protocol's); `h` must outlive the stream,
 * NULL stops callbacks and reading. Events that happened before are told to the new one: on_open if the
 * stream is open already, bytes kept, the close. */
void net_stream_set_handler(struct net_stream *s, const struct net_handler *h, void *ctx);

/* Queue all of `data` or nothing. Allowed before on_open.
 * ERR_TOO_BIG  the output limit would be passed: the peer reads too slowly; close it or wait for on_drain
 * ERR_WRONG_STATE    the stream has ended; on_close comes or was called
 * ERR_NOMEM */
err_t net_stream_write(struct net_stream *s, struct slice data);
/* Bytes accepted by net_stream_write that the kernel (or the other half) has not taken yet. */
size_t net_stream_queued(const struct net_stream *s);

/* No on_read until resumed; the peer feels it, because nothing is read from the wire. An end or an
 * error may go unnoticed while paused. */
void net_stream_pause(struct net_stream *s);
/* Bytes kept are shown again in the next turn. */
void net_stream_resume(struct net_stream *s);

struct net_limits {
    size_t in_max;    /* kept input bytes; 0 leaves it as it is (default 256 KiB) */
    size_t out_max;   /* queued output bytes; 0 leaves it as it is (default 1 MiB) */
    int64_t idle_ms;  /* no byte received for so long: ERR_TIMEOUT; 0 = never (default), -1 leaves it */
    int64_t stall_ms; /* output queued and none taken for so long: ERR_TIMEOUT; 0 = never, -1 leaves it
                       * (default 30 s) */
};
void net_stream_set_limits(struct net_stream *s, const struct net_limits *lim);

/* Give the stream up: queued output is still sent (for at most 5 s), the end is announced, what the peer
 * still sends is thrown away. No callbacks any more. NULL is fine. */
void net_stream_finish(struct net_stream *s);
/* Give the stream up and cut the connection now. No callbacks any more. NULL is fine. */
void net_stream_free(struct net_stream *s);

bool net_stream_is_open(const struct net_stream *s);
/* "127.0.0.1:4711", "[::1]:80", "unix", "pair"; for outgoing connections the name asked for,
 * "HOST:PORT". Lives as long as s. */
const char *net_stream_peer(const struct net_stream *s);
/* Why the stream ended, for a log line: "cannot connect to localhost:8883: Connection refused".
 * Empty before the end. Lives as long as s. */
const char *net_stream_why(const struct net_stream *s);

/* Connect to a name or a numeric address; names are looked up on a helper thread, all addresses are tried in
 * turn. The stream is returned at once; on_open or on_close (ERR_UNAVAILABLE, ERR_TIMEOUT) follows.
 * ERR_INVALID for an empty or overlong host, ERR_BUSY with too many look-ups under way, ERR_NOMEM. */
err_t net_connect_tcp(struct net_loop *loop, const char *host, uint16_t port, int64_t timeout_ms,
                      struct net_stream **ret);
/* ERR_UNAVAILABLE nobody listens, ERR_DENIED, ERR_NOT_FOUND, ERR_INVALID path too long, ERR_IO. */
err_t net_connect_unix(struct net_loop *loop, const char *path, struct net_stream **ret);
/* A stream over a connected, non-blocking socket; takes the descriptor on success. ERR_NOMEM. */
err_t net_stream_from_fd(struct net_loop *loop, int fd, const char *peer, struct net_stream **ret);
/* The socket under a stream, for questions to the kernel about the peer; still the stream's. -1 where there
 * is none. */
int net_stream_fd(const struct net_stream *s);
/* Two streams joined in memory, for tests: what one writes the other reads. ERR_NOMEM. */
err_t net_stream_pair(struct net_loop *loop, struct net_stream **ret_a, struct net_stream **ret_b);

/* Split "HOST:PORT", "[v6]:PORT" (port 0..65535, host not empty). host has `size` bytes. ERR_INVALID. */
err_t net_addr_split(const char *text, char *host, size_t size, uint16_t *ret_port);
