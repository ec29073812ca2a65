#include "vse/server.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "vse/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MASTERS_MAX = 64, BACKLOG = 16, READ_CHUNK = 4096, POLL_FIXED = 2 };

struct master {
    int fd;
    bool gone;
    struct buf in, out;
};

struct server {
    struct vse_chip *chip;
    int listen_fd, stop_fd;
    struct master masters[MASTERS_MAX];
    size_t n;
    int holder; /* descriptor of the master that has the bus, or -1 */
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

static void accept_master(struct server *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return; /* it went away, or there are no descriptors: the next one is as good */
    s->masters[s->n++] = (struct master){ .fd = fd,
                                          .in = BUF_SECRET(VSE_BUS_REQUEST_MAX),
                                          .out = BUF_SECRET(VSE_BUS_REPLY_MAX) };
}

static bool may_use_bus(const struct server *s, const struct master *m)
{
    return s->holder < 0 || s->holder == m->fd;
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

/* At most one transaction, so that no master starves the others. */
static void serve_one(struct server *s, struct master *m)
{
    struct slice in = buf_slice(&m->in);
    struct vse_bus_request q;
    bool hold = false;
    err_t e;

    if (m->gone || m->out.n || !may_use_bus(s, m))
        return;
    e = vse_bus_request_next(&in, &q);
    if (e == ERR_MORE)
        return;
    if (!e)
        e = vse_bus_transact(s->chip, &q, &m->out, &hold);
    if (e) {
        m->gone = true;
        return;
    }
    s->holder = hold ? m->fd : -1;
    buf_drop(&m->in, m->in.n - in.n);
    send_out(m);
}

static bool request_waits(const struct server *s, const struct master *m)
{
    struct slice in = buf_slice(&m->in);
    struct vse_bus_request q;

    return !m->gone && m->out.n == 0 && may_use_bus(s, m) && vse_bus_request_next(&in, &q) != ERR_MORE;
}

/* ---- the loop ---- */

static short wanted(const struct master *m)
{
    if (m->out.n)
        return POLLOUT;
    return m->in.n < m->in.max ? POLLIN : 0; /* also while another has the bus: an end must be seen */
}

static bool fill_polls(const struct server *s, struct pollfd *p)
{
    bool waits = false;

    p[0] = (struct pollfd){ .fd = s->stop_fd, .events = POLLIN };
    p[1] = (struct pollfd){ .fd = s->n < MASTERS_MAX ? s->listen_fd : -1, .events = POLLIN };
    for (size_t i = 0; i < s->n; i++) {
        p[POLL_FIXED + i] = (struct pollfd){ .fd = s->masters[i].fd, .events = wanted(&s->masters[i]) };
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

err_t vse_server_run(int listen_fd, int stop_fd, struct vse_chip *chip)
{
    struct server s = { .chip = chip, .listen_fd = listen_fd, .stop_fd = stop_fd, .holder = -1 };
    struct pollfd p[POLL_FIXED + MASTERS_MAX];
    err_t e = ERR_OK;

    while (!e) {
        size_t n = s.n;
        bool waits = fill_polls(&s, p);
        int r = poll(p, POLL_FIXED + n, waits ? 0 : -1);
        if (r < 0 && errno != EINTR)
            e = ERR_IO;
        if (r < 0)
            continue;
        if (p[0].revents)
            break;
        serve_masters(&s, p + POLL_FIXED, n);
        if (p[1].revents && s.n < MASTERS_MAX)
            accept_master(&s);
    }
    for (size_t i = 0; i < s.n; i++)
        s.masters[i].gone = true;
    drop_gone(&s);
    return e;
}
