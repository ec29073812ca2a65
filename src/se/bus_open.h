/* src/se/bus_open.h - what the transports share among themselves: opening, flock, advice.
 *
 * Rules in se/bus.h. Only bus*.c and chip.c include this.
 */
#pragma once
#include "se/bus.h"

#include <stddef.h>
#include <sys/types.h>

/* The two transports (bus_i2c.c, bus_vse.c). */
err_t se_bus_i2c_open(const struct se_port *port, struct se_bus **ret);
err_t se_bus_vse_open(const struct se_port *port, struct se_bus **ret);

/* try_lock and unlock over a descriptor: flock for the bus, an open-file-description lock on byte 0 for the
 * turn, both released by the kernel when the holder dies. Where the latter does not exist (the preloaded
 * library's node) there is no queueing, but the bus lock holds. */
err_t se_bus_fd_try_lock(int fd, enum se_bus_lock which);
void se_bus_fd_unlock(int fd, enum se_bus_lock which);

/* is_marked and mark over the descriptor that is locked. */
bool se_bus_fd_is_marked(int fd, const struct se_bus_mark *mark);
void se_bus_fd_mark(int fd, struct se_bus_mark *ret_mark);

/* A descriptor and the file it was when we opened it. A process that closes every descriptor (a daemon, after
 * fork) may since have opened something else under the number: closing looks first. */
struct se_bus_fd {
    int fd;
    dev_t dev;
    ino_t ino;
};
struct se_bus_fd se_bus_fd_own(int fd);
void se_bus_fd_close(const struct se_bus_fd *f);

/* What a person should look at when nobody answers at `port`. */
#define SE_ADVICE_MAX 320
void se_bus_advice(const struct se_port *port, char *out, size_t n);
