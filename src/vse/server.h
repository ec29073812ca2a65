/* src/vse/server.h - masters on the virtual bus: one Unix connection each, one transaction at a time.
 *
 * Blocking; runs on the caller's thread. A master that asks for a repeated START has the bus until its
 * next transaction without one, or until its connection ends; the others wait.
 */
#pragma once
#include "base/err.h"
#include "vse/chip.h"

/* Make the socket (0600). A socket left by a dead process is replaced.
 * ERR_EXISTS: something else is there, or a living server. ERR_TOO_BIG: the path does not fit a socket
 * address. ERR_DENIED: others could replace it in its folder. ERR_NOT_FOUND, ERR_IO. */
err_t vse_server_listen(const char *path, int *ret_fd);

/* Serve until `stop_fd` is readable. ERR_IO, ERR_NOMEM. */
err_t vse_server_run(int listen_fd, int stop_fd, struct vse_chip *chip);
