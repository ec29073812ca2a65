/* src/se/chip_open.h - open a chip on a bus of one's own making: for tests. Rules in se/chip.h.
 */
#pragma once
#include "se/bus.h"
#include "se/chip.h"

/* Called for the first connection and again when it was lost. */
typedef err_t se_bus_open_fn(const struct se_port *port, struct se_bus **ret);

err_t se_chip_open_with(const struct se_port *port, se_bus_open_fn *open_bus, struct se_chip **ret);
