/* src/se/keyd_path.h - the path through the access daemon. Rules in se/path.h. */
#pragma once
#include "se/path.h"

err_t se_keyd_path_open(const struct se_port *port, struct se_path **ret);
