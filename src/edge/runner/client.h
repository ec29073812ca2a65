/* src/edge/runner/client.h - the core's half of the runner: start workers, stop them, hear how they end.
 *
 * I/O on one loop; everything here belongs to its thread. The runner is a process of its own, without keys
 * and network: a function is never forked from the process that has them (docs/decisions/edge-processes.md).
 */
#pragma once
#include "edge/runner/wire.h"
#include "net/loop.h"

#include <sys/types.h>

struct runner;

/* Never from inside the functions below. Every worker that was asked for hears on_started and later on_ended,
 * or on_not_started alone, unless the runner is lost. */
struct runner_events {
    void (*on_started)(void *ctx, uint64_t worker, pid_t pid);
    /* V1's words: `cannot find executable nodejs12.x under any of the provided paths`. */
    void (*on_not_started)(void *ctx, uint64_t worker, const char *why);
    /* wait_status as from waitpid. What the worker forked away is gone, too. */
    void (*on_ended)(void *ctx, uint64_t worker, int wait_status);
    /* The runner is gone, and with it every worker. Called once; free the object or leave it alone. */
    void (*on_lost)(void *ctx);
};

/* `fd`: the core's end of the socket; owned from here on, also on failure. ERR_NOMEM, ERR_IO. */
err_t runner_new(struct net_loop *loop, int fd, const struct runner_events *events, void *ctx,
                 struct runner **ret);
/* The runner ends every worker at once and then itself. NULL is fine. */
void runner_free(struct runner *r);

/* `worker` is the caller's number, not used twice. The descriptors stay the caller's. ERR_TOO_BIG: arguments
 * and environment together over RUNNER_PACKET_MAX; ERR_UNAVAILABLE: the runner is lost; ERR_NOMEM. */
err_t runner_start(struct runner *r, uint64_t worker, const struct runner_command *c);
/* SIGTERM to the worker's process group, SIGKILL after grace_ms to all that is left of it; 0: at once.
 * Unknown workers are ignored. Asking again may only shorten. ERR_UNAVAILABLE, ERR_NOMEM. */
err_t runner_stop(struct runner *r, uint64_t worker, int64_t grace_ms);
