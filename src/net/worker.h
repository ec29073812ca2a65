/* src/net/worker.h - a thread that runs a loop of its own.
 *
 * The loop is there from the beginning, so that listeners can be put on it; the thread starts later. All
 * signals are blocked in it: they are the main loop's. The order of an end: what hands streams over
 * (listeners, handshakes) is freed by a task on the worker's loop; the users of what was handed over free
 * their streams on the home loop; then net_worker_free, then the home loop.
 */
#pragma once
#include "net/loop.h"

struct net_worker;

/* ERR_NOMEM, ERR_IO. */
err_t net_worker_new(struct net_worker **ret);
struct net_loop *net_worker_loop(struct net_worker *w);
/* ERR_IO: there can be no thread. */
err_t net_worker_start(struct net_worker *w);
/* Tasks posted before are run, streams given up by net_stream_finish get a second more, then the thread is
 * joined and the loop freed. NULL is fine. */
void net_worker_free(struct net_worker *w);

/* How many CPUs this process may use; at least 1. */
unsigned net_cpus(void);
