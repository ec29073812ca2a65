/* src/edge/runner/descendants.h - what a process has forked away, however deep, found in /proc. One thread.
 */
#pragma once
#include "base/err.h"

#include <sys/types.h>

/* SIGKILL to every descendant of this process but `spare` (those pids and theirs; may be NULL). Returns how
 * many there were. A process that forks meanwhile may have left a child: ask again until none is left. */
size_t descendants_kill(const pid_t *spare, size_t spared);
