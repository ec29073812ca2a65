#include "vse/server.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "vse/power.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MASTERS_MAX = 64,
    BACKLOG = 16,
    READ_CHUNK = 4096,
    POLL_LISTEN = 1,
    POLL_FIXED = POLL_LISTEN + VSE_SERVER_LISTENERS,
};

struct master {
    int fd;
    bool gone;
    struct buf in, out;
    int64_t out_due_us; /* realtime: when the transaction of `out` is over */
};

struct server {
    struct vse_bus *bus;
    const int *listen_fds;
    int stop_fd;
    struct master masters[MASTERS_MAX];
    size_t n;
    int holder;          /* descriptor of the master that has the bus, or -1 */
    int64_t now_us;      /* of this round */
    int64_t bus_free_us; /* realtime: when the running transaction is over */
};

/* ---- the socket ---- */

static err_t check_folder(const char *path)
{
    autofree char *copy = mem_strdup(path);
    struct stat st;

    if (!copy)
        return ERR_NOMEM;
    if (stat(dirname(copy), &st) != 0)
        return file_err(errno);
    return (st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX) ? ERR_DENIED : ERR_OK;
}

static bool answers(const struct sockaddr_un *a)
{
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0;
}

static err_t clear_stale(const struct sockaddr_un *a)
{
    struct stat st;

    if (lstat(a->sun_path, &st) != 0)
        return errno == ENOENT ? ERR_OK : file_err(errno);
    if (!S_ISSOCK(st.st_mode) || answers(a))
        return ERR_EXISTS;
    return unlink(a->sun_path) == 0 ? ERR_OK : file_err(errno);
}

static err_t bind_private(int fd, const struct sockaddr_un *a)
{
    mode_t old = umask(0177);
    int r = bind(fd, (const struct sockaddr *)a, sizeof(*a));
    int saved = errno;

    (void)umask(old);
    errno = saved;
    return r == 0 && listen(fd, BACKLOG) == 0 ? ERR_OK : file_err(errno);
}

err_t vse_server_listen(const char *path, int *ret_fd)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    autoclose int fd = -1;
    err_t e;

    if (strlen(path) >= sizeof(a.sun_path))
        return ERR_TOO_BIG;
    memcpy(a.sun_path, path, strlen(path));
    e = check_folder(path);
    if (!e)
        e = clear_stale(&a);
    if (e)
        return e;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    e = fd < 0 ? ERR_IO : bind_private(fd, &a);
    if (!e)
        *ret_fd = steal_fd(&fd);
    return e;
}

static err_t parse_loopback(const char *where, struct sockaddr_in *ret)
{
    const char *colon = strrchr(where, ':');
    autofree char *host = colon ? mem_str(slice_of(where, (size_t)(colon - where))) : NULL;
    struct sockaddr_in a = { .sin_family = AF_INET };
    char *end;
    unsigned long port;

    if (!colon || colon[1] < '0' || colon[1] > '9')
        return ERR_INVALID;
    if (!host)
        return ERR_NOMEM;
    port = strtoul(colon + 1, &end, 10);
    if (*end || port > UINT16_MAX || inet_pton(AF_INET, host, &a.sin_addr) != 1)
        return ERR_INVALID;
    if (ntohl(a.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
        return ERR_DENIED;
    a.sin_port = htons((uint16_t)port);
    *ret = a;
    return ERR_OK;
}

err_t vse_server_listen_tcp(const char *where, int *ret_fd, uint16_t *ret_port)
{
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    int one = 1;
    autoclose int fd = -1;
    err_t e = parse_loopback(where, &a);

    if (e)
        return e;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
        return file_err(errno);
    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, BACKLOG) != 0)
        return errno == EADDRINUSE ? ERR_EXISTS : file_err(errno);
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return file_err(errno);
    *ret_port = ntohs(a.sin_port);
    *ret_fd = steal_fd(&fd);
    return ERR_OK;
}

/* ---- masters ---- */

static void master_end(struct server *s, struct master *m)
{
    if (s->holder == m->fd)
        s->holder = -1; /* a connection's end releases the bus */
    mem_close_fd(&m->fd);
    buf_done(&m->in);
    buf_done(&m->out);
}

static void drop_gone(struct server *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->masters[i].gone)
            master_end(s, &s->masters[i]);
        else
            s->masters[kept++] = s->masters[i];
    }
    s->n = kept;
}

static void accept_master(struct server *s, int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int one = 1;

    if (fd < 0)
        return; /* it went away, or there are no descriptors: the next one is as good */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* no TCP: no such option, no harm */
    s->masters[s->n++] = (struct master){ .fd = fd,
                                          .in = BUF_SECRET(VSE_BUS_REQUEST_MAX),
                                          .out = BUF_SECRET(VSE_BUS_REPLY_MAX) };
}

static bool may_use_bus(const struct server *s, const struct master *m)
{
    return (s->holder < 0 || s->holder == m->fd) && s->now_us >= s->bus_free_us;
}

/* Bytes only as far as one request: what follows waits in the kernel, and so does the peer. */
static void receive(struct master *m)
{
    uint8_t chunk[READ_CHUNK];
    size_t room = m->in.max - m->in.n;
    ssize_t n = recv(m->fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    m->gone = n <= 0 || buf_add_mem(&m->in, chunk, (size_t)n);
    mem_wipe(chunk, sizeof(chunk));
}

static void send_out(struct master *m)
{
    ssize_t n = send(m->fd, m->out.p, m->out.n, MSG_NOSIGNAL);

    if (n >= 0)
        buf_drop(&m->out, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        m->gone = true;
}

/* Power is gone with this reply half out: the master gets what was on the wire. */
static void die_sending(struct master *m)
{
    int flags = fcntl(m->fd, F_GETFL);

    if (flags >= 0 && fcntl(m->fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
        while (!m->gone && m->out.n)
            send_out(m);
    vse_power_off();
}

static void transaction_done(struct server *s, struct master *m, const struct vse_bus_done *done)
{
    s->holder = done->hold ? m->fd : -1;
    if (done->power_cut)
        die_sending(m);
    if (vse_chip_realtime(s->bus->chip))
        m->out_due_us = s->bus_free_us = s->now_us + (int64_t)done->wire_us;
    else
        send_out(m);
}

/* At most one transaction, so that no master starves the others. */
static void serve_one(struct server *s, struct master *m)
{
    struct slice in = buf_slice(&m->in);
    struct vse_bus_request q;
    struct vse_bus_done done;
    err_t e;

    if (m->gone || m->out.n)
        return;
    e = vse_bus_request_next(&in, &q);
    if (e == ERR_MORE || (!e && !may_use_bus(s, m)))
        return;
    if (!e)
        e = vse_bus_transact(s->bus, &q, &m->out, &done);
    if (e) {
        m->gone = true;
        return;
    }
    buf_drop(&m->in, m->in.n - in.n);
    transaction_done(s, m, &done);
}

static bool request_waits(const struct server *s, const struct master *m)
{
    struct slice in = buf_slice(&m->in);
    struct vse_bus_request q;

    return !m->gone && m->out.n == 0 && may_use_bus(s, m) && vse_bus_request_next(&in, &q) != ERR_MORE;
}

/* ---- the loop ---- */

static short wanted(const struct server *s, const struct master *m)
{
    if (m->out.n)
        return s->now_us >= m->out_due_us ? POLLOUT : 0;
    return m->in.n < m->in.max ? POLLIN : 0; /* also while another has the bus: an end must be seen */
}

/* Does anybody's request wait for nothing but this thread? */
static bool fill_polls(const struct server *s, struct pollfd *p)
{
    bool waits = false;

    p[0] = (struct pollfd){ .fd = s->stop_fd, .events = POLLIN };
    for (size_t i = 0; i < VSE_SERVER_LISTENERS; i++)
        p[POLL_LISTEN + i] =
            (struct pollfd){ .fd = s->n < MASTERS_MAX ? s->listen_fds[i] : -1, .events = POLLIN };
    for (size_t i = 0; i < s->n; i++) {
        p[POLL_FIXED + i] = (struct pollfd){ .fd = s->masters[i].fd, .events = wanted(s, &s->masters[i]) };
        waits = waits || request_waits(s, &s->masters[i]);
    }
    return waits;
}

static void serve_masters(struct server *s, const struct pollfd *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct master *m = &s->masters[i];
        if (p[i].revents & POLLOUT)
            send_out(m);
        else if (p[i].revents & POLLIN)
            receive(m);
        else if (p[i].revents & (POLLHUP | POLLERR))
            m->gone = true;
        serve_one(s, m);
    }
    drop_gone(s);
}

/* Until something happens, or the transaction on the wire is over. */
static int wait_for_work(const struct server *s, struct pollfd *p, bool waits)
{
    int64_t us = waits ? 0 : s->bus_free_us - s->now_us;
    struct timespec t = { us / 1000000, us % 1000000 * 1000 };

    return ppoll(p, POLL_FIXED + s->n, waits || us > 0 ? &t : NULL, NULL);
}

static void accept_masters(struct server *s, const struct pollfd *p)
{
    for (size_t i = 0; i < VSE_SERVER_LISTENERS; i++)
        if (p[i].revents && s->n < MASTERS_MAX)
            accept_master(s, s->listen_fds[i]);
}

err_t vse_server_run(const int listen_fds[VSE_SERVER_LISTENERS], int stop_fd, struct vse_bus *bus)
{
    struct server s = { .bus = bus, .listen_fds = listen_fds, .stop_fd = stop_fd, .holder = -1 };
    struct pollfd p[POLL_FIXED + MASTERS_MAX];
    err_t e = ERR_OK;

    while (!e) {
        size_t n = s.n;
        int r;
        s.now_us = clock_mono_us();
        r = wait_for_work(&s, p, fill_polls(&s, p));
        if (r < 0 && errno != EINTR)
            e = ERR_IO;
        if (r < 0)
            continue;
        if (p[0].revents)
            break;
        s.now_us = clock_mono_us();
        serve_masters(&s, p + POLL_FIXED, n);
        accept_masters(&s, p + POLL_LISTEN);
    }
    for (size_t i = 0; i < s.n; i++)
        s.masters[i].gone = true;
    drop_gone(&s);
    return e;
}
