/* src/edge/runner/spawn.h - one worker's process: from fork to exec.
 *
 * One thread. What the process has and has not: docs/spec/functions.md FN-70 to FN-76
 */
#pragma once
#include "edge/runner/wire.h"

#include <sys/types.h>

/* Fork and exec; c->fds are the caller's. Returns when the program runs or cannot: on failure `why` says so,
 * in V1's words where it has some, and no process is left. `allow_root`: a process of uid or gid 0 may be
 * started where the caller is root. ERR_DENIED, ERR_NOT_FOUND, ERR_IO. */
err_t spawn_worker(const struct runner_command *c, bool allow_root, pid_t *ret, char why[RUNNER_TEXT_MAX]);
