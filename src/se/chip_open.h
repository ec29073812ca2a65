/* src/se/chip_open.h - open a chip on a bus or a path of one's own making: for tests. Rules in se/chip.h.
 */
#pragma once
#include "se/chip.h"
#include "se/direct.h"

err_t se_chip_open_with(const struct se_port *port, se_bus_open_fn *open_bus, struct se_chip **ret);
/* Takes `path` over, also when it fails. */
err_t se_chip_open_path(struct se_path *path, struct se_chip **ret);
