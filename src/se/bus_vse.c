/* The transport to the virtual chip: I2C transactions over a Unix socket (architecture, "the command
 * surface"). The lock is flock on SOCKET.lock, because a socket's path cannot be opened. */
#include "base/file.h"
#include "base/mem.h"
#include "se/bus_open.h"
#include "se/detail.h"
#include "se/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { REPLY_PATIENCE_S = 5 };

struct vse_bus {
    struct se_bus bus;
    uint8_t address;
    struct se_bus_fd socket;
    struct se_bus_fd lock;
};

static err_t send_all(int fd, struct slice bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_UNAVAILABLE;
        bytes = slice_skip(bytes, (size_t)n);
    }
    return ERR_OK;
}

static err_t recv_all(int fd, uint8_t *out, size_t n)
{
    while (n) {
        ssize_t got = recv(fd, out, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) /* end, error, or silence over REPLY_PATIENCE_S: the stream is of no more use */
            return ERR_UNAVAILABLE;
        out += got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

/* One transaction; `want` bytes of answer go to out. */
static err_t transact(struct vse_bus *b, uint8_t op, struct slice data, uint16_t length, uint8_t *out,
                      size_t want)
{
    uint8_t request[SE_BUS_REQUEST_HEADER + SE_T1_OVERREAD] = {
        op, b->address, 0, 0, (uint8_t)(length >> 8), (uint8_t)length
    };
    uint8_t reply[SE_BUS_REPLY_HEADER];
    err_t e;

    if (data.n > SE_T1_OVERREAD)
        return ERR_TOO_BIG;
    if (data.n)
        memcpy(request + SE_BUS_REQUEST_HEADER, data.p, data.n);
    e = send_all(b->socket.fd, slice_of(request, SE_BUS_REQUEST_HEADER + data.n));
    mem_wipe(request, sizeof(request));
    if (e)
        return se_fail(e, "the virtual chip closed the connection");
    if (recv_all(b->socket.fd, reply, sizeof(reply)))
        return se_fail(ERR_IO, "the virtual chip closed the connection without a reply");
    if (reply[0] == SE_BUS_STATUS_ADDRESS_NACK || reply[0] == SE_BUS_STATUS_DATA_NACK)
        return ERR_MORE;
    if (reply[0] != SE_BUS_STATUS_DONE)
        return se_fail(ERR_IO, "bus error %u", reply[0]);
    if ((size_t)(reply[2] << 8 | reply[3]) != want)
        return se_fail(ERR_UNAVAILABLE,
                       "the program at the other end of the socket does not speak the virtual bus");
    return want ? recv_all(b->socket.fd, out, want) : ERR_OK;
}

static err_t vse_write(struct se_bus *bus, struct slice bytes)
{
    struct vse_bus *b = CONTAINER_OF(bus, struct vse_bus, bus);

    return transact(b, SE_BUS_OP_WRITE, bytes, (uint16_t)bytes.n, NULL, 0);
}

static err_t vse_read(struct se_bus *bus, uint8_t *out, size_t n)
{
    struct vse_bus *b = CONTAINER_OF(bus, struct vse_bus, bus);

    return transact(b, SE_BUS_OP_READ, (struct slice){ 0 }, (uint16_t)n, out, n);
}

static err_t vse_try_lock(struct se_bus *bus, enum se_bus_lock which)
{
    return se_bus_fd_try_lock(CONTAINER_OF(bus, struct vse_bus, bus)->lock.fd, which);
}

static void vse_unlock(struct se_bus *bus, enum se_bus_lock which)
{
    se_bus_fd_unlock(CONTAINER_OF(bus, struct vse_bus, bus)->lock.fd, which);
}

static bool vse_is_marked(struct se_bus *bus, const struct se_bus_mark *mark)
{
    return se_bus_fd_is_marked(CONTAINER_OF(bus, struct vse_bus, bus)->lock.fd, mark);
}

static void vse_mark(struct se_bus *bus, struct se_bus_mark *ret_mark)
{
    se_bus_fd_mark(CONTAINER_OF(bus, struct vse_bus, bus)->lock.fd, ret_mark);
}

static void vse_close(struct se_bus *bus)
{
    struct vse_bus *b = CONTAINER_OF(bus, struct vse_bus, bus);

    se_bus_fd_close(&b->socket);
    se_bus_fd_close(&b->lock);
    free(b);
}

static const struct se_bus_ops ops = {
    .write = vse_write,
    .read = vse_read,
    .try_lock = vse_try_lock,
    .unlock = vse_unlock,
    .is_marked = vse_is_marked,
    .mark = vse_mark,
    .close = vse_close,
};

static err_t not_there(const struct se_port *port, int errnum)
{
    char advice[SE_ADVICE_MAX];

    se_bus_advice(port, advice, sizeof(advice));
    return se_fail(errnum == EACCES || errnum == EPERM ? ERR_DENIED : ERR_UNAVAILABLE,
                   "cannot connect to the virtual chip's socket %s: %s; %s", port->path, strerror(errnum),
                   advice);
}

static err_t dial(const struct se_port *port, int *ret_fd)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = REPLY_PATIENCE_S };
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return se_fail(ERR_IO, "socket: %s", strerror(errno));
    if (strlen(port->path) >= sizeof(sun.sun_path))
        return se_fail(ERR_INVALID, "the socket path is longer than the system's %zu bytes: %s",
                       sizeof(sun.sun_path) - 1, port->path);
    memcpy(sun.sun_path, port->path, strlen(port->path));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        return se_fail(ERR_IO, "setsockopt: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
        return not_there(port, errno);
    *ret_fd = steal_fd(&fd);
    return ERR_OK;
}

static err_t open_lock(const struct se_port *port, int *ret_fd)
{
    autofree char *path = mem_printf("%s.lock", port->path);
    int fd;

    if (!path)
        return ERR_NOMEM;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return se_fail(file_err(errno), "cannot open %s, the lock of the virtual chip's bus: %s", path,
                       strerror(errno));
    *ret_fd = fd;
    return ERR_OK;
}

err_t se_bus_vse_open(const struct se_port *port, struct se_bus **ret)
{
    autoclose int fd = -1;
    autoclose int lock_fd = -1;
    struct vse_bus *b;
    err_t e = dial(port, &fd);

    if (!e)
        e = open_lock(port, &lock_fd);
    if (e)
        return e;
    b = mem_calloc(1, sizeof(*b));
    if (!b)
        return ERR_NOMEM;
    b->bus.ops = &ops;
    b->address = port->address;
    b->socket = se_bus_fd_own(steal_fd(&fd));
    b->lock = se_bus_fd_own(steal_fd(&lock_fd));
    se_port_text(port, b->bus.name);
    *ret = &b->bus;
    return ERR_OK;
}
