/* src/net/listener.c - see listener.h. */
#include "net/listener.h"

#include "base/file.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/fd_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPT_BATCH 16     /* per turn, so that accepting cannot starve the connections */
#define ACCEPT_PAUSE_MS 100 /* when descriptors or memory run out */

struct net_listener {
    struct net_loop *loop;
    int fd;
    uint16_t port;
    bool loopback;
    char *unlink_path;
    struct net_watch *watch;
    struct net_timer *again;
    size_t max_open;
    struct net_gate *gate;
    net_accept_fn fn;
    void *ctx;
    bool *freed; /* set while fn is on the stack */
};

static void update_watch(struct net_listener *l)
{
    bool room = l->gate->open < l->max_open && !net_timer_armed(l->again);
    if (net_watch_set(l->watch, room, false))
        net_timer_set(l->again, ACCEPT_PAUSE_MS);
}

static void on_again(void *ctx)
{
    update_watch(ctx);
}

/* A stream made from `fd` and counted at the gate. */
static err_t wrap(struct net_listener *l, int fd, const char *peer, struct net_stream **ret)
{
    err_t e = net_stream_from_fd(l->loop, fd, peer, ret);
    if (e)
        return e;
    CONTAINER_OF(*ret, struct net_fd_stream, base)->gate = l->gate;
    l->gate->refs++;
    l->gate->open++;
    return ERR_OK;
}

/* Returns false when there is nothing more to accept now. */
static bool accept_one(struct net_listener *l, struct net_stream **ret)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof(ss);
    char peer[NET_ADDR_MAX];
    int one = 1;
    autoclose int fd = accept4(l->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        net_timer_set(l->again, ACCEPT_PAUSE_MS); /* the queue keeps them; try when some were closed */
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    if (ss.ss_family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only speed */
    net_addr_text((struct sockaddr *)&ss, peer);
    if (wrap(l, fd, peer, ret) == ERR_OK)
        (void)steal_fd(&fd); /* the stream's now */
    return true;
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct net_listener *l = ctx;
    bool freed = false;
    (void)readable, (void)writable;
    l->freed = &freed;
    for (int i = 0; i < ACCEPT_BATCH && l->gate->open < l->max_open; i++) {
        struct net_stream *s = NULL;
        if (!accept_one(l, &s))
            break;
        if (s)
            l->fn(l->ctx, s);
        if (freed)
            return;
    }
    l->freed = NULL;
    update_watch(l);
}

static void on_stream_gone(void *ctx)
{
    update_watch(ctx);
}

static struct net_gate *gate_new(struct net_listener *l)
{
    struct net_gate *g = mem_calloc(1, sizeof(*g));
    if (g)
        *g = (struct net_gate){ .refs = 1, .below = on_stream_gone, .ctx = l };
    return g;
}

static err_t start(struct net_listener *l, int backlog)
{
    if (listen(l->fd, backlog ? backlog : 128))
        return errno == EADDRINUSE ? ERR_BUSY : ERR_IO;
    l->gate = gate_new(l);
    if (!l->gate)
        return ERR_NOMEM;
    err_t e = net_timer_new(l->loop, on_again, l, &l->again);
    if (!e)
        e = net_watch_new(l->loop, l->fd, on_ready, l, &l->watch);
    return e ? e : net_watch_set(l->watch, true, false);
}

static struct net_listener *listener_new(struct net_loop *loop, const struct net_listen_opts *opts,
                                         net_accept_fn fn, void *ctx)
{
    struct net_listener *l = mem_calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->loop = loop;
    l->fd = -1;
    l->max_open = opts && opts->max_open ? opts->max_open : 4096;
    l->fn = fn;
    l->ctx = ctx;
    return l;
}

/* Run the rest and free on failure. */
static err_t finish(struct net_listener *l, const struct net_listen_opts *opts, err_t e,
                    struct net_listener **ret)
{
    if (!e)
        e = start(l, opts ? opts->backlog : 0);
    if (e)
        net_listener_free(l);
    else
        *ret = l;
    return e;
}

static err_t bind_err(int errnum)
{
    if (errnum == EADDRINUSE)
        return ERR_BUSY;
    if (errnum == EADDRNOTAVAIL)
        return ERR_INVALID;
    return file_err(errnum);
}

static err_t parse_addr(const char *addr, struct addrinfo **ret)
{
    char host[256], port_text[8];
    uint16_t port;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
    err_t e = net_addr_split(addr, host, sizeof(host), &port);
    if (e)
        return e;
    snprintf(port_text, sizeof(port_text), "%u", port);
    const char *node = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (strcmp(host, "*") == 0)
        node = "0.0.0.0";
    return getaddrinfo(node, port_text, &hints, ret) ? ERR_INVALID : ERR_OK;
}

static err_t bind_tcp(struct net_listener *l, const struct addrinfo *ai)
{
    int one = 1;
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof(ss);
    l->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return ERR_IO;
    /* Without this a restart waits for the old connections' TIME_WAIT. */
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(l->fd, ai->ai_addr, ai->ai_addrlen))
        return bind_err(errno);
    if (getsockname(l->fd, (struct sockaddr *)&ss, &len))
        return ERR_IO;
    l->port = net_addr_port((struct sockaddr *)&ss);
    l->loopback = net_addr_is_loopback((struct sockaddr *)&ss);
    return ERR_OK;
}

err_t net_listen_tcp(struct net_loop *loop, const char *addr, const struct net_listen_opts *opts,
                     net_accept_fn fn, void *ctx, struct net_listener **ret)
{
    struct addrinfo *ai = NULL;
    err_t e = parse_addr(addr, &ai);
    if (e)
        return e;
    struct net_listener *l = listener_new(loop, opts, fn, ctx);
    e = l ? bind_tcp(l, ai) : ERR_NOMEM;
    freeaddrinfo(ai);
    return l ? finish(l, opts, e, ret) : e;
}

/* A socket file nobody listens on is left over from a process that died. */
static bool is_stale(const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return false;
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) && errno == ECONNREFUSED;
}

static err_t bind_unix(struct net_listener *l, const struct sockaddr_un *sa, mode_t mode)
{
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return ERR_IO;
    if (is_stale(sa))
        unlink(sa->sun_path);
    /* The file is born with the socket's mode (Linux): no moment in which others could connect. */
    if (fchmod(l->fd, mode) || bind(l->fd, (const struct sockaddr *)sa, sizeof(*sa)))
        return bind_err(errno);
    l->unlink_path = mem_strdup(sa->sun_path);
    return l->unlink_path && chmod(sa->sun_path, mode) == 0 ? ERR_OK : ERR_IO; /* undo the umask */
}

err_t net_listen_unix(struct net_loop *loop, const char *path, mode_t mode,
                      const struct net_listen_opts *opts, net_accept_fn fn, void *ctx,
                      struct net_listener **ret)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(sa.sun_path))
        return ERR_INVALID;
    memcpy(sa.sun_path, path, n);
    struct net_listener *l = listener_new(loop, opts, fn, ctx);
    if (!l)
        return ERR_NOMEM;
    l->loopback = true;
    return finish(l, opts, bind_unix(l, &sa, mode), ret);
}

err_t net_listen_fd(struct net_loop *loop, int fd, const struct net_listen_opts *opts, net_accept_fn fn,
                    void *ctx, struct net_listener **ret)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof(ss);
    int flags = fcntl(fd, F_GETFL);
    struct net_listener *l = listener_new(loop, opts, fn, ctx);
    err_t e = ERR_OK;
    if (!l)
        return ERR_NOMEM;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC) ||
        getsockname(fd, (struct sockaddr *)&ss, &len))
        e = ERR_IO;
    l->port = net_addr_port((struct sockaddr *)&ss);
    l->loopback = ss.ss_family == AF_UNIX || net_addr_is_loopback((struct sockaddr *)&ss);
    l->fd = fd;
    if (!e)
        e = start(l, opts ? opts->backlog : 0);
    if (e) {
        l->fd = -1; /* still the caller's */
        net_listener_free(l);
        return e;
    }
    *ret = l;
    return ERR_OK;
}

int net_listener_fd(const struct net_listener *l)
{
    return l->fd;
}

uint16_t net_listener_port(const struct net_listener *l)
{
    return l->port;
}

bool net_listener_is_loopback(const struct net_listener *l)
{
    return l->loopback;
}

void net_listener_free(struct net_listener *l)
{
    if (!l)
        return;
    if (l->freed)
        *l->freed = true;
    if (l->gate)
        l->gate->below = NULL;
    net_gate_unref(l->gate);
    net_watch_free(l->watch);
    net_timer_free(l->again);
    if (l->fd >= 0)
        close(l->fd);
    if (l->unlink_path)
        unlink(l->unlink_path);
    free(l->unlink_path);
    free(l);
}
