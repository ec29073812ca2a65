/* src/edge/deploy/job.h - one piece of slow work on a thread of its own: unpacking and hashing code, which
 * the loop must not wait for.
 *
 * Everything here belongs to the loop's thread, but `run`.
 */
#pragma once
#include "edge/problem.h"
#include "net/loop.h"

#include <stdatomic.h>

struct job;

/* On the thread, with `work` alone. Looks at *cancel now and then and ends with ERR_CANCELLED. */
typedef err_t (*job_run_fn)(void *work, const atomic_bool *cancel, struct problem *why);
/* On the loop, once, unless job_cancel came first. The job is gone then. */
typedef void (*job_done_fn)(void *ctx, err_t e, const struct problem *why);

struct job_opts {
    struct net_loop *loop;
    job_run_fn run;
    void *work; /* the thread's until done or job_cancel's return */
    job_done_fn done;
    void *ctx;
};

/* ERR_NOMEM, ERR_IO: there can be no thread. */
err_t job_start(const struct job_opts *o, struct job **ret);
/* Waits until `run` has ended; done is not called. NULL is fine. */
void job_cancel(struct job *j);
