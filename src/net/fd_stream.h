/* src/net/fd_stream.h - private to src/net: a stream over a socket, also before the socket is connected. */
#pragma once
#include "net/stream_impl.h"

/* Counts the streams of one listener; freed with the last of them. */
struct net_gate {
    size_t open;              /* live streams */
    size_t refs;              /* the streams and the listener */
    void (*below)(void *ctx); /* a stream has gone; NULL after the listener has gone */
    void *ctx;
};
void net_gate_unref(struct net_gate *g);

struct net_fd_stream {
    struct net_stream base;
    int fd; /* -1 while connecting has not got that far */
    struct net_watch *watch;
    bool reading;
    struct buf out;
    size_t out_at;  /* sent bytes at the front of out */
    bool finishing; /* output end was or will be announced; input is thrown away */
    bool shut;
    struct net_gate *gate;
    struct net_dial *dial; /* while connecting: connect.c */
};

/* A stream in state NET_OPENING without a socket. ERR_NOMEM. */
err_t net_fd_stream_new(struct net_loop *loop, const char *peer, struct net_fd_stream **ret);
/* Give it a connecting socket (taken on success); fn is told when it is writable. ERR_NOMEM, ERR_IO. */
err_t net_fd_stream_attach(struct net_fd_stream *f, int fd, net_watch_fn fn, void *ctx);
/* Take the socket away again and close it. */
void net_fd_stream_detach(struct net_fd_stream *f);
/* The socket is connected: read, write, tell. */
err_t net_fd_stream_go(struct net_fd_stream *f);
/* Stop connecting and free d. */
void net_dial_cancel(struct net_dial *d);
