/* src/edge/pidfile.h - greengrassd.pid: which process is the daemon, safe against stale files and reused
 * PIDs.
 *
 * I/O; one thread. The daemon holds a lock on the file as long as it lives, so a file without a lock is stale
 * whatever number is in it. Everybody may read the file, and so hold a read lock on one that is left over: it
 * is replaced, not taken over. Who replaces it holds greengrassd.pid.lock, which is the owner's alone.
 */
#pragma once
#include "edge/problem.h"

#include <sys/types.h>

/* Create or replace DIR/greengrassd.pid (DIR is made), locked and with our PID in it. *ret_fd stays open for
 * the process's life. ERR_EXISTS: another daemon holds it. ERR_DENIED, ERR_NO_SPACE, ERR_IO. *why filled. */
err_t pidfile_take(const char *dir, int *ret_fd, struct problem *why);
/* Remove the file; for the one who took it. */
void pidfile_remove(const char *dir);
/* The PID of the running daemon; ERR_NOT_FOUND: none runs (a stale file counts as none). Others with *why. */
err_t pidfile_find(const char *dir, pid_t *ret, struct problem *why);
