/* src/net/listener.h - accept connections on TCP or Unix sockets. Belongs to its loop's thread. */
#pragma once
#include "net/stream.h"

#include <sys/types.h>

struct net_listener;

/* A connection has come: the callee owns it. Never called inside net_listen_*. */
typedef void (*net_accept_fn)(void *ctx, struct net_stream *s);

struct net_listen_opts {
    size_t max_open; /* accept no more while so many accepted streams live; 0 = 4096 */
    int backlog;     /* 0 = 128 */
};

/* `addr` is a numeric address, "localhost" or "*", and a port: "127.0.0.1:8883", "[::1]:0", "*:8443". Port 0
 * takes a free one. opts may be NULL.
 * ERR_INVALID  not an address
 * ERR_BUSY     the port is in use
 * ERR_DENIED   not permitted (a port below 1024)
 * ERR_IO, ERR_NOMEM */
err_t net_listen_tcp(struct net_loop *loop, const char *addr, const struct net_listen_opts *opts,
                     net_accept_fn fn, void *ctx, struct net_listener **ret);
/* Creates the socket file with `mode`; a stale one nobody listens on is replaced, a live one is ERR_BUSY.
 * The file is removed by net_listener_free. ERR_INVALID when the path does not fit sun_path. */
err_t net_listen_unix(struct net_loop *loop, const char *path, mode_t mode,
                      const struct net_listen_opts *opts, net_accept_fn fn, void *ctx,
                      struct net_listener **ret);
/* Over a listening socket that was made elsewhere (a service manager's); takes the descriptor on success,
 * makes it non-blocking, leaves its file alone at the end. */
err_t net_listen_fd(struct net_loop *loop, int fd, const struct net_listen_opts *opts, net_accept_fn fn,
                    void *ctx, struct net_listener **ret);
/* The socket, for another loop that accepts on it too (net_listen_fd over a duplicate); still the listener's.
 */
int net_listener_fd(const struct net_listener *l);
uint16_t net_listener_port(const struct net_listener *l);    /* 0 for Unix */
bool net_listener_is_loopback(const struct net_listener *l); /* Unix counts as loopback */
/* Streams accepted before live on. NULL is fine. */
void net_listener_free(struct net_listener *l);
