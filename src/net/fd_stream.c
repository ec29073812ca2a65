/* src/net/fd_stream.c - a stream over a TCP or Unix socket. */
#include "net/fd_stream.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct net_fd_stream *fd_of(struct net_stream *s)
{
    return CONTAINER_OF(s, struct net_fd_stream, base);
}

static size_t fd_queued(const struct net_stream *s)
{
    const struct net_fd_stream *f = (const struct net_fd_stream *)(const void *)s;
    return f->out.n - f->out_at;
}

static void update_watch(struct net_fd_stream *f)
{
    if (!f->watch || f->base.state == NET_OPENING)
        return;
    bool live = f->base.state == NET_OPEN && !f->base.dead;
    if (net_watch_set(f->watch, live && (f->reading || f->finishing), live && fd_queued(&f->base) > 0))
        net_stream_end(&f->base, ERR_IO, "%s: cannot wait for the socket", f->base.peer);
}

static void fd_want_read(struct net_stream *s, bool on)
{
    fd_of(s)->reading = on;
    update_watch(fd_of(s));
}

static void fail_errno(struct net_fd_stream *f, const char *what, int errnum)
{
    net_stream_end(&f->base, ERR_IO, "%s %s: %s", what, f->base.peer, strerror(errnum));
}

/* Returns how many bytes the kernel took; an error ends the stream. */
static size_t send_some(struct net_fd_stream *f, struct slice data)
{
    size_t sent = 0;
    while (sent < data.n) {
        ssize_t r = send(f->fd, data.p + sent, data.n - sent, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            fail_errno(f, "sending to", errno);
        if (r <= 0)
            break;
        sent += (size_t)r;
    }
    return sent;
}

static void forget_sent(struct net_fd_stream *f)
{
    if (f->out_at == f->out.n) {
        size_t max = f->out.max;
        buf_done(&f->out); /* an idle connection holds nothing */
        f->out = BUF_SECRET(max);
        f->out_at = 0;
    } else if (f->out_at > f->out.n / 2) {
        buf_drop(&f->out, f->out_at);
        f->out_at = 0;
    }
}

static err_t fd_write(struct net_stream *s, struct slice data)
{
    struct net_fd_stream *f = fd_of(s);
    size_t queued = fd_queued(s);
    if (data.n > s->out_max || queued > s->out_max - data.n)
        return ERR_TOO_BIG;
    if (!queued && s->state == NET_OPEN)
        data = slice_skip(data, send_some(f, data));
    if (s->state == NET_ENDED)
        return ERR_WRONG_STATE;
    if (!data.n)
        return ERR_OK;
    if (buf_add(&f->out, data)) {
        /* Part of it may be on the wire: there is no way back to "nothing queued". */
        net_stream_end(s, ERR_NOMEM, "no memory to queue output for %s", s->peer);
        return ERR_NOMEM;
    }
    if (!queued)
        net_stream_progress(s);
    update_watch(f);
    return ERR_OK;
}

static void maybe_shut(struct net_fd_stream *f)
{
    if (!f->finishing || f->shut || fd_queued(&f->base))
        return;
    f->shut = true;
    /* Closing with unread input would make the kernel send RST, which can destroy what we just sent
     * (RFC 9112 §9.6): announce the end, then read until the peer ends too. */
    if (shutdown(f->fd, SHUT_WR))
        net_stream_give_up(&f->base);
}

static void flush(struct net_fd_stream *f)
{
    size_t sent = send_some(f, slice_skip(buf_slice(&f->out), f->out_at));
    f->out_at += sent;
    forget_sent(f);
    if (sent)
        net_stream_progress(&f->base);
    if (f->base.state == NET_ENDED)
        return;
    update_watch(f);
    if (!fd_queued(&f->base)) {
        maybe_shut(f);
        net_stream_drained(&f->base);
    }
}

static void take_input(struct net_fd_stream *f)
{
    uint8_t *scratch = net_loop_scratch(f->base.loop);
    ssize_t r = recv(f->fd, scratch, NET_READ_MAX, 0);
    if (r > 0 && !f->finishing) {
        net_stream_feed(&f->base, slice_of(scratch, (size_t)r));
        mem_wipe(scratch, (size_t)r); /* it may have been a key or a PIN */
    } else if (r == 0)
        net_stream_end(&f->base, ERR_EOF, "%s closed the connection", f->base.peer);
    else if (r < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        fail_errno(f, "reading from", errno);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct net_fd_stream *f = ctx;
    net_stream_hold(&f->base);
    if (writable)
        flush(f);
    if (readable && f->base.state == NET_OPEN && !f->base.dead && (f->reading || f->finishing))
        take_input(f);
    (void)net_stream_release(&f->base); /* f may be gone */
}

static void fd_finish(struct net_stream *s)
{
    struct net_fd_stream *f = fd_of(s);
    f->finishing = true;
    net_stream_hold(s);
    update_watch(f);
    maybe_shut(f);
    (void)net_stream_release(s);
}

void net_gate_unref(struct net_gate *g)
{
    if (g && --g->refs == 0)
        free(g);
}

static void leave_gate(struct net_fd_stream *f)
{
    if (!f->gate)
        return;
    f->gate->open--;
    if (f->gate->below)
        f->gate->below(f->gate->ctx);
    net_gate_unref(f->gate);
}

static void fd_destroy(struct net_stream *s)
{
    struct net_fd_stream *f = fd_of(s);
    net_dial_cancel(f->dial);
    net_fd_stream_detach(f);
    leave_gate(f);
    buf_done(&f->out);
    net_stream_done(s);
    free(f);
}

static const struct net_stream_vtable fd_vtable = {
    .write = fd_write,
    .queued = fd_queued,
    .want_read = fd_want_read,
    .finish = fd_finish,
    .destroy = fd_destroy,
};

err_t net_fd_stream_new(struct net_loop *loop, const char *peer, struct net_fd_stream **ret)
{
    autofree struct net_fd_stream *f = mem_calloc(1, sizeof(*f));
    if (!f || net_stream_init(&f->base, loop, &fd_vtable, peer))
        return ERR_NOMEM;
    f->fd = -1;
    /* base.out_max is the limit (fd_write). Wiped when freed: an answer may carry a new private key. */
    f->out = BUF_SECRET(SIZE_MAX / 2);
    *ret = steal(&f);
    return ERR_OK;
}

err_t net_fd_stream_attach(struct net_fd_stream *f, int fd, net_watch_fn fn, void *ctx)
{
    struct net_watch *w = NULL;
    err_t e = net_watch_new(f->base.loop, fd, fn, ctx, &w);
    if (!e)
        e = net_watch_set(w, false, true);
    if (e) {
        net_watch_free(w);
        return e;
    }
    f->watch = w;
    f->fd = fd;
    return ERR_OK;
}

void net_fd_stream_detach(struct net_fd_stream *f)
{
    net_watch_free(f->watch);
    f->watch = NULL;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

err_t net_fd_stream_go(struct net_fd_stream *f)
{
    net_watch_free(f->watch);
    f->watch = NULL;
    err_t e = net_watch_new(f->base.loop, f->fd, on_ready, f, &f->watch);
    if (e)
        return e;
    net_stream_hold(&f->base);
    net_stream_opened(&f->base);
    update_watch(f);
    (void)net_stream_release(&f->base);
    return ERR_OK;
}

err_t net_stream_from_fd(struct net_loop *loop, int fd, const char *peer, struct net_stream **ret)
{
    struct net_fd_stream *f = NULL;
    err_t e = net_fd_stream_new(loop, peer, &f);
    if (e)
        return e;
    f->fd = fd;
    e = net_fd_stream_go(f);
    if (e) {
        f->fd = -1; /* still the caller's */
        net_stream_free(&f->base);
        return e;
    }
    *ret = &f->base;
    return ERR_OK;
}

int net_stream_fd(const struct net_stream *s)
{
    return s->v == &fd_vtable ? CONTAINER_OF(s, const struct net_fd_stream, base)->fd : -1;
}
