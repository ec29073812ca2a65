/* src/net/connect.c - outgoing connections: look the name up, try every address in turn. */
#include "base/file.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/fd_stream.h"
#include "net/resolve.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

struct net_dial {
    struct net_fd_stream *f;
    struct net_resolve *lookup;
    const struct addrinfo *next; /* not tried yet; lives in the look-up */
    int last_errno;
};

static void try_next(struct net_dial *d);

void net_dial_cancel(struct net_dial *d)
{
    if (!d)
        return;
    net_resolve_free(d->lookup);
    free(d);
}

static void dial_failed(struct net_dial *d, const char *reason)
{
    struct net_fd_stream *f = d->f;
    net_stream_end(&f->base, ERR_UNAVAILABLE, "cannot connect to %s: %s", f->base.peer, reason);
}

static void connected(struct net_dial *d)
{
    struct net_fd_stream *f = d->f;
    f->dial = NULL;
    net_dial_cancel(d);
    if (net_fd_stream_go(f))
        net_stream_end(&f->base, ERR_NOMEM, "no memory for the connection to %s", f->base.peer);
}

static void on_connect_result(void *ctx, bool readable, bool writable)
{
    struct net_dial *d = ctx;
    int errnum = 0;
    socklen_t len = sizeof(errnum);
    (void)readable, (void)writable;
    if (d->f->base.state != NET_OPENING || d->f->base.dead)
        return; /* the deadline was first */
    if (getsockopt(d->f->fd, SOL_SOCKET, SO_ERROR, &errnum, &len))
        errnum = errno;
    if (!errnum) {
        connected(d);
        return;
    }
    d->last_errno = errnum;
    net_fd_stream_detach(d->f);
    try_next(d);
}

static bool try_one(struct net_dial *d, const struct addrinfo *ai)
{
    autoclose int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    if (fd < 0 || (connect(fd, ai->ai_addr, ai->ai_addrlen) && errno != EINPROGRESS)) {
        d->last_errno = errno;
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only speed */
    if (net_fd_stream_attach(d->f, fd, on_connect_result, d)) {
        d->last_errno = ENOMEM;
        return false;
    }
    (void)steal_fd(&fd); /* the stream's now */
    return true;
}

static void try_next(struct net_dial *d)
{
    while (d->next) {
        const struct addrinfo *ai = d->next;
        d->next = ai->ai_next;
        if (try_one(d, ai))
            return;
    }
    dial_failed(d, strerror(d->last_errno));
}

static void on_resolved(void *ctx, const struct addrinfo *list, int gai_error)
{
    struct net_dial *d = ctx;
    if (d->f->base.state != NET_OPENING || d->f->base.dead)
        return;
    if (!list) {
        dial_failed(d, gai_strerror(gai_error));
        return;
    }
    d->next = list;
    try_next(d);
}

static err_t dial_new(struct net_fd_stream *f)
{
    f->dial = mem_calloc(1, sizeof(*f->dial));
    if (!f->dial)
        return ERR_NOMEM;
    f->dial->f = f;
    return ERR_OK;
}

err_t net_connect_tcp(struct net_loop *loop, const char *host, uint16_t port, int64_t timeout_ms,
                      struct net_stream **ret)
{
    struct net_fd_stream *f = NULL;
    if (!host || !*host || strlen(host) > 253) /* RFC 1035 §2.3.4 */
        return ERR_INVALID;
    autofree char *peer = mem_printf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    if (!peer)
        return ERR_NOMEM;
    err_t e = net_fd_stream_new(loop, peer, &f);
    if (e)
        return e;
    e = dial_new(f);
    if (!e) /* numeric addresses take the same way: a thread costs 20 us, a second way costs tests */
        e = net_resolve_start(loop, host, port, on_resolved, f->dial, &f->dial->lookup);
    if (e) {
        net_stream_free(&f->base);
        return e;
    }
    net_stream_open_by(&f->base, timeout_ms, "connecting");
    *ret = &f->base;
    return ERR_OK;
}

static err_t unix_err(int errnum)
{
    return errnum == ECONNREFUSED || errnum == EAGAIN ? ERR_UNAVAILABLE : file_err(errnum);
}

err_t net_connect_unix(struct net_loop *loop, const char *path, struct net_stream **ret)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n >= sizeof(sa.sun_path))
        return ERR_INVALID;
    memcpy(sa.sun_path, path, n);
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
        return unix_err(errno);
    err_t e = net_stream_from_fd(loop, fd, "unix", ret);
    if (!e)
        (void)steal_fd(&fd); /* the stream's now */
    return e;
}
