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

/* Exclusive flock without waiting: ERR_BUSY, ERR_IO. */
err_t se_bus_flock(int fd);

/* What a person should look at when nobody answers at `port`. */
#define SE_ADVICE_MAX 320
void se_bus_advice(const struct se_port *port, char *out, size_t n);
