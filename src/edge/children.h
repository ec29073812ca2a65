/* src/edge/children.h - the supervisor's two children: the runner, which starts functions and has neither
 * keys nor network, and the core. They are started together, joined by a socket, and the end of one is the
 * end of the other.
 *
 * One thread; the caller waits for SIGCHLD.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct children {
    const char *core_program; /* .../core; the runner's is .../runner beside it */
    const char *core_dir, *root;
    int status_fd;      /* for the core; -1: none */
    bool allow_root;    /* runtime.allowFunctionsToRunAsRoot, as of the start */
    pid_t core, runner; /* 0: does not run */
    int64_t core_ended_ms;
};

/* Both must be gone. A release without the runner's program gets a core without one. ERR_IO, ERR_NOMEM: none
 * runs. */
err_t children_start(struct children *c);
/* Collect whoever ended. True: the core has, *ret_status as wait gives it. */
bool children_reap(struct children *c, int *ret_status);
/* None runs. */
bool children_gone(const struct children *c);
/* After the core's end the runner ends its functions and itself; it is killed when that takes longer than
 * this. Milliseconds until it will be, -1: nothing to wait for. */
int64_t children_overdue(struct children *c, int64_t now_ms);
