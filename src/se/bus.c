#include "se/bus.h"

#include "base/clock.h"
#include "se/bus_open.h"
#include "se/detail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_POLL_MIN_US = 200,
    BUS_POLL_MAX_US = 2 * 1000, /* one process at a time: the one whose turn it is */
    BUS_POLL_SHARE = 4,
    TURN_POLL_MAX_US = 10 * 1000,
    TURN_AGE_US = 20 * 1000, /* after so long twice as often */
    NS_PER_US = 1000,
    MARK_TICK_NS = 1000 * 1000, /* the kernel's clock for files ticks every 1 to 10 ms */
    MARK_TRIES = 20,
    NS_PER_S = 1000 * 1000 * 1000,
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

/* The one whose turn it is asks for the bus often. Those who wait for their turn ask the more often the
 * longer they have waited, so that it comes to them in about that order: whoever just had the bus starts at
 * the end. */
static int64_t poll_us(enum se_bus_lock which, int64_t waited_us)
{
    int64_t us = which == SE_LOCK_BUS ? LOCK_POLL_MIN_US + waited_us / BUS_POLL_SHARE
                                      : TURN_POLL_MAX_US * TURN_AGE_US / (TURN_AGE_US + waited_us);

    if (us > BUS_POLL_MAX_US && which == SE_LOCK_BUS)
        return BUS_POLL_MAX_US;
    return us < LOCK_POLL_MIN_US ? LOCK_POLL_MIN_US : us;
}

/* Polled, because a blocking flock could only be bounded with a signal, and a library has none. */
static err_t wait_for(struct se_bus *bus, enum se_bus_lock which, int64_t deadline_ms)
{
    int64_t started = clock_mono_us();
    err_t e;

    while ((e = bus->ops->try_lock(bus, which)) == ERR_BUSY && clock_mono_ms() < deadline_ms) {
        struct timespec ts = { 0, poll_us(which, clock_mono_us() - started) * NS_PER_US };

        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
    }
    return e;
}

err_t se_bus_lock(struct se_bus *bus, int64_t patience_ms)
{
    int64_t deadline_ms = clock_mono_ms() + patience_ms;
    err_t e = wait_for(bus, SE_LOCK_TURN, deadline_ms);

    if (!e) {
        e = wait_for(bus, SE_LOCK_BUS, deadline_ms);
        bus->ops->unlock(bus, SE_LOCK_TURN);
    }
    if (e == ERR_BUSY)
        return se_fail(e,
                       "%s: other processes have kept the bus locked for %lld s; `fuser -v` on it names them",
                       bus->name, (long long)(patience_ms / 1000));
    if (e)
        return se_fail(e, "%s: the bus cannot be locked: %s", bus->name, strerror(errno));
    bus->locked = true;
    return ERR_OK;
}

void se_bus_unlock(struct se_bus *bus)
{
    if (bus->locked)
        bus->ops->unlock(bus, SE_LOCK_BUS);
    bus->locked = false;
}

static int set_turn(int fd, short type)
{
    struct flock turn = { .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &turn);
}

err_t se_bus_fd_try_lock(int fd, enum se_bus_lock which)
{
    if (which == SE_LOCK_TURN)
        return set_turn(fd, F_WRLCK) < 0 && (errno == EAGAIN || errno == EACCES) ? ERR_BUSY : ERR_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    return errno == EWOULDBLOCK || errno == EINTR ? ERR_BUSY : ERR_IO;
}

void se_bus_fd_unlock(int fd, enum se_bus_lock which)
{
    /* failing would leave it to the close, which some day follows */
    if (which == SE_LOCK_TURN)
        (void)set_turn(fd, F_UNLCK);
    else
        (void)flock(fd, LOCK_UN);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool get_mark(int fd, struct se_bus_mark *ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return false;
    *ret = (struct se_bus_mark){ st.st_mtim, st.st_ctim };
    return true;
}

static bool same_mark(const struct se_bus_mark *a, const struct se_bus_mark *b)
{
    return same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

/* A mark that no other process puts: random below the second where the node is ours, otherwise "now", which
 * everybody who may write may set, and which moves on with the kernel's tick. */
static bool touch(int fd)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_NOW } };
    uint32_t below = 0;

    (void)clock_gettime(CLOCK_REALTIME, &times[1]);
    if (getrandom(&below, sizeof(below), GRND_NONBLOCK) == (ssize_t)sizeof(below))
        times[1].tv_nsec = (long)(below % NS_PER_S);
    return futimens(fd, times) == 0 || futimens(fd, NULL) == 0;
}

bool se_bus_fd_is_marked(int fd, const struct se_bus_mark *mark)
{
    struct se_bus_mark found;

    return mark->changed.tv_sec != 0 && get_mark(fd, &found) && same_mark(&found, mark);
}

void se_bus_fd_mark(int fd, struct se_bus_mark *ret_mark)
{
    struct se_bus_mark found, fresh;

    *ret_mark = (struct se_bus_mark){ 0 };
    if (!get_mark(fd, &found))
        return;
    for (int i = 0; i < MARK_TRIES; i++) {
        struct timespec tick = { 0, MARK_TICK_NS };

        if (!touch(fd) || !get_mark(fd, &fresh))
            return;
        if (!same_time(&fresh.modified, &found.modified)) {
            *ret_mark = fresh;
            return;
        }
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
    }
}

struct se_bus_fd se_bus_fd_own(int fd)
{
    struct stat st = { 0 };

    (void)fstat(fd, &st); /* cannot fail on a descriptor just opened; if it did, it would only stay open */
    return (struct se_bus_fd){ fd, st.st_dev, st.st_ino };
}

void se_bus_fd_close(const struct se_bus_fd *f)
{
    struct stat st;

    if (fstat(f->fd, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino)
        (void)close(f->fd);
}

void se_bus_advice(const struct se_port *port, char *out, size_t n)
{
    const char *dash = strrchr(port->path, '-');

    if (port->kind == SE_PORT_VSE)
        (void)snprintf(out, n, "start the virtual chip: sedge-chip serve --state FILE --socket %s",
                       port->path);
    else
        (void)snprintf(
            out, n,
            "`i2cdetect -y %s` should show %02x; look at: I2C enabled (raspi-config, Interface Options), "
            "user in group i2c, wiring (SDA, SCL, power, ground), jumper J14 at 1-2",
            dash ? dash + 1 : "1", port->address);
}
