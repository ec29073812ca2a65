/* src/vse/server.h - masters on the virtual bus: one connection each, one transaction at a time.
 *
 * Blocking; runs on the caller's thread. A master that asks for a repeated START has the bus until its
 * next transaction without one, or until its connection ends; the others wait.
 */
#pragma once
#include "base/err.h"
#include "vse/bus.h"

/* Make the socket (0600). A socket left by a dead process is replaced.
 * ERR_EXISTS: something else is there, or a living server. ERR_TOO_BIG: the path does not fit a socket
 * address. ERR_DENIED: others could replace it in its folder. ERR_NOT_FOUND, ERR_IO. */
err_t vse_server_listen(const char *path, int *ret_fd);

/* The same protocol over TCP, for `where` = HOST:PORT. HOST is an address of the loopback interface, nothing
 * else: whoever reaches the port has the bus. Port 0: any; *ret_port is the one it became. ERR_INVALID: not
 * HOST:PORT. ERR_DENIED: not loopback. ERR_EXISTS: the port is taken. ERR_IO. */
err_t vse_server_listen_tcp(const char *where, int *ret_fd, uint16_t *ret_port);

enum { VSE_SERVER_LISTENERS = 2 };

/* Serve until `stop_fd` is readable. Listeners that are -1 are not there. On a bus in real time a reply comes
 * when its transaction is over, and the next one begins then; connections are served meanwhile. ERR_IO,
 * ERR_NOMEM. */
err_t vse_server_run(const int listen_fds[VSE_SERVER_LISTENERS], int stop_fd, struct vse_bus *bus);
