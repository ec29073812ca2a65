/* src/se/bus_open.h - what the transports share among themselves: opening, flock, advice.
 *
 * Rules in se/bus.h. Only bus*.c and chip.c include this.
 */
#pragma once
#include "se/bus.h"

#include <stddef.h>

/* The two transports (bus_i2c.c, bus_vse.c). */
err_t se_bus_i2c_open(const struct se_port *port, struct se_bus **ret);
err_t se_bus_vse_open(const struct se_port *port, struct se_bus **ret);

/* try_lock and unlock over a descriptor: flock for the bus, an open-file-description lock on byte 0 for the
 * turn, both released by the kernel when the holder dies. Where the latter does not exist (the preloaded
 * library's node) there is no queueing, but the bus lock holds. */
err_t se_bus_fd_try_lock(int fd, enum se_bus_lock which);
void se_bus_fd_unlock(int fd, enum se_bus_lock which);

/* What a person should look at when nobody answers at `port`. */
#define SE_ADVICE_MAX 320
void se_bus_advice(const struct se_port *port, char *out, size_t n);
