/* src/keyd/pin.h - the PIN that is the daemon's alone. Reads a small file; any thread.
 */
#pragma once
#include "base/secret.h"

/* `from` as in se/private_file.h: an absolute path or "credential:NAME". One line end is taken off.
 * ERR_INVALID: not 4 to 16 bytes; others as there, all with se_detail(). ERR_NOMEM. */
err_t keyd_pin_read(const char *from, struct secret **ret);
