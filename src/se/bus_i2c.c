/* The transport over Linux i2c-dev: open, ioctl, read, write, close, flock, fstat and futimens, nothing else,
 * so that the preloaded library of the virtual chip can stand in. */
#include "base/file.h"
#include "base/mem.h"
#include "se/bus_open.h"
#include "se/detail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct i2c_bus {
    struct se_bus bus;
    struct se_bus_fd node;
};

/* i2c-dev reports a NACK with whatever its adapter driver chose. ETIMEDOUT and EAGAIN are a stretched
 * clock and lost arbitration: trying again is right for them too. */
static err_t wire_error(void)
{
    switch (errno) {
    case ENXIO:
    case EREMOTEIO:
    case EIO:
    case EAGAIN:
    case ETIMEDOUT:
    case EINTR:
        return ERR_MORE;
    case ENODEV:
    case EBADF:
        return ERR_UNAVAILABLE;
    default:
        return se_fail(ERR_IO, "%s", strerror(errno));
    }
}

static err_t i2c_write(struct se_bus *bus, struct slice bytes)
{
    struct i2c_bus *b = CONTAINER_OF(bus, struct i2c_bus, bus);
    ssize_t n = write(b->node.fd, bytes.p, bytes.n);

    if (n < 0)
        return wire_error();
    return (size_t)n == bytes.n ? ERR_OK : ERR_MORE;
}

static err_t i2c_read(struct se_bus *bus, uint8_t *out, size_t want)
{
    struct i2c_bus *b = CONTAINER_OF(bus, struct i2c_bus, bus);
    ssize_t n = read(b->node.fd, out, want);

    if (n < 0)
        return wire_error();
    return (size_t)n == want ? ERR_OK : ERR_MORE; /* NXP's host takes a short read for a NACK as well */
}

static err_t i2c_try_lock(struct se_bus *bus, enum se_bus_lock which)
{
    return se_bus_fd_try_lock(CONTAINER_OF(bus, struct i2c_bus, bus)->node.fd, which);
}

static void i2c_unlock(struct se_bus *bus, enum se_bus_lock which)
{
    se_bus_fd_unlock(CONTAINER_OF(bus, struct i2c_bus, bus)->node.fd, which);
}

static bool i2c_is_marked(struct se_bus *bus, const struct se_bus_mark *mark)
{
    return se_bus_fd_is_marked(CONTAINER_OF(bus, struct i2c_bus, bus)->node.fd, mark);
}

static void i2c_mark(struct se_bus *bus, struct se_bus_mark *ret_mark)
{
    se_bus_fd_mark(CONTAINER_OF(bus, struct i2c_bus, bus)->node.fd, ret_mark);
}

static void i2c_close(struct se_bus *bus)
{
    struct i2c_bus *b = CONTAINER_OF(bus, struct i2c_bus, bus);

    se_bus_fd_close(&b->node);
    free(b);
}

static const struct se_bus_ops ops = {
    .write = i2c_write,
    .read = i2c_read,
    .try_lock = i2c_try_lock,
    .unlock = i2c_unlock,
    .is_marked = i2c_is_marked,
    .mark = i2c_mark,
    .close = i2c_close,
};

static err_t setup(int fd, const struct se_port *port)
{
    unsigned long funcs = 0;

    if (ioctl(fd, I2C_FUNCS, &funcs) < 0)
        return se_fail(ERR_UNSUPPORTED, "%s is not an I2C bus: %s", port->path, strerror(errno));
    if (!(funcs & I2C_FUNC_I2C))
        return se_fail(ERR_UNSUPPORTED, "%s: the adapter cannot do plain I2C transfers (SMBus only)",
                       port->path);
    if (ioctl(fd, I2C_SLAVE, (unsigned long)port->address) < 0)
        return se_fail(errno == EBUSY ? ERR_BUSY : ERR_IO, "%s: cannot use address 0x%02x: %s%s", port->path,
                       port->address, strerror(errno),
                       errno == EBUSY ? " (a kernel driver is bound to it)" : "");
    return ERR_OK;
}

static err_t open_failed(const struct se_port *port)
{
    err_t e = file_err(errno);
    int saved = errno;
    char advice[SE_ADVICE_MAX];

    se_bus_advice(port, advice, sizeof(advice));
    if (e == ERR_NOT_FOUND || saved == ENXIO || saved == ENODEV)
        e = ERR_UNAVAILABLE;
    return se_fail(e, "cannot open the I2C bus %s to reach the chip at address 0x%02x: %s; %s", port->path,
                   port->address, strerror(saved), advice);
}

err_t se_bus_i2c_open(const struct se_port *port, struct se_bus **ret)
{
    autoclose int fd = open(port->path, O_RDWR | O_CLOEXEC);
    struct i2c_bus *b;
    err_t e;

    if (fd < 0)
        return open_failed(port);
    e = setup(fd, port);
    if (e)
        return e;
    b = mem_calloc(1, sizeof(*b));
    if (!b)
        return ERR_NOMEM;
    b->bus.ops = &ops;
    b->node = se_bus_fd_own(steal_fd(&fd));
    se_port_text(port, b->bus.name);
    *ret = &b->bus;
    return ERR_OK;
}
