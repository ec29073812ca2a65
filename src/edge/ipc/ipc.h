/* src/edge/ipc/ipc.h - the functions' side of the core: HTTP on loopback, as the published SDKs speak it.
 *
 * I/O on the core's loop; everything here belongs to its thread. Requests become calls of the pool; those
 * that hang (work polls, results) are answered when the pool says so. Lives as long as the core. Spec:
 * docs/spec/functions.md FN-20..; greengrass-v1 reference 4.4, 8.2.
 */
#pragma once
#include "edge/config.h"
#include "edge/function/pool.h"
#include "edge/problem.h"
#include "net/loop.h"

struct ipc;

/* Everything is borrowed; the pool's waiter events are taken. Does not listen yet. ERR_NOMEM. */
err_t ipc_new(struct net_loop *loop, struct pool *pool, const struct config *config, struct ipc **ret,
              struct problem *why);
/* Listen on ggDaemonPort of 127.0.0.1, and of ::1 where there is one. Nothing to do when it does already.
 * ERR_BUSY: somebody else has the port. ERR_IO ... *why names the port and the remedy. */
err_t ipc_listen(struct ipc *ipc, struct problem *why);
/* Cuts all connections. Before the pool is freed. NULL is fine. */
void ipc_free(struct ipc *ipc);
