#include "se/bus.h"

#include "base/clock.h"
#include "se/bus_open.h"
#include "se/detail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

enum {
    LOCK_POLL_MIN_US = 200,
    LOCK_POLL_MAX_US = 10 * 1000,
};

err_t se_bus_open(const struct se_port *port, struct se_bus **ret)
{
    return port->kind == SE_PORT_VSE ? se_bus_vse_open(port, ret) : se_bus_i2c_open(port, ret);
}

void se_bus_close(struct se_bus *bus)
{
    if (bus)
        bus->ops->close(bus);
}

err_t se_bus_lock(struct se_bus *bus, int64_t patience_ms)
{
    int64_t deadline = clock_mono_ms() + patience_ms;
    long wait_us = LOCK_POLL_MIN_US;
    err_t e;

    /* polled, because a blocking flock could only be bounded with a signal, and a library has none */
    while ((e = bus->ops->try_lock(bus)) == ERR_BUSY && clock_mono_ms() < deadline) {
        struct timespec ts = { 0, wait_us * 1000 };

        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
        wait_us = wait_us * 2 > LOCK_POLL_MAX_US ? LOCK_POLL_MAX_US : wait_us * 2;
    }
    if (e == ERR_BUSY)
        return se_fail(e, "%s: another process has kept the bus locked for %lld s; `fuser -v` on it names the holder",
                       bus->name, (long long)(patience_ms / 1000));
    if (e)
        return e;
    bus->locked = true;
    return ERR_OK;
}

void se_bus_unlock(struct se_bus *bus)
{
    if (bus->locked)
        bus->ops->unlock(bus);
    bus->locked = false;
}

err_t se_bus_flock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    return errno == EWOULDBLOCK || errno == EINTR ? ERR_BUSY : ERR_IO;
}

void se_bus_advice(const struct se_port *port, char *out, size_t n)
{
    const char *dash = strrchr(port->path, '-');

    if (port->kind == SE_PORT_VSE)
        (void)snprintf(out, n, "start the virtual chip: sedge-chip serve --state FILE --socket %s", port->path);
    else
        (void)snprintf(out, n,
                       "`i2cdetect -y %s` should show %02x; look at: I2C enabled (raspi-config, Interface Options), "
                       "user in group i2c, wiring (SDA, SCL, power, ground), jumper J14 at 1-2",
                       dash ? dash + 1 : "1", port->address);
}
