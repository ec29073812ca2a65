/* src/keyd/pin.h - the PIN that is the daemon's alone. Reads a small file; any thread.
 */
#pragma once
#include "base/secret.h"

/* `from` is an absolute path, or "credential:NAME", a systemd credential of this service. The file must be
 * regular, owned by root or the caller and closed to others. One line end is taken off. *why (static storage)
 * says what is wrong. ERR_DENIED, ERR_NOT_FOUND, ERR_INVALID (no 4 to 16 bytes), ERR_IO, ERR_NOMEM. */
err_t keyd_pin_read(const char *from, struct secret **ret, const char **why);
