/* src/net/loop.h - the event loop: one per thread, over libevent's core.
 *
 * I/O. Everything here belongs to the thread that runs the loop, except net_loop_post,
 * net_loop_post_task and net_loop_stop, which any thread may call. Nothing called back from a loop may
 * block: work that waits goes to another thread and comes back by net_loop_post.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_loop;

/* ERR_NOMEM, ERR_IO. Ignores SIGPIPE for the process: a lost peer is an error code, not a signal. */
err_t net_loop_new(struct net_loop **ret);
/* Runs the tasks posted so far (they own what they carry), closes streams left by net_stream_finish and
 * frees the loop. Threads that post must have ended; timers, watches, listeners and streams must have been
 * freed by their owners. NULL is fine. */
void net_loop_free(struct net_loop *loop);

/* Runs until net_loop_stop. ERR_IO when the kernel's event queue fails. May be called again afterwards. */
err_t net_loop_run(struct net_loop *loop);
/* One turn: waits at most max_wait_ms (0 = only what is ready now, -1 = until something happens). */
err_t net_loop_turn(struct net_loop *loop, int max_wait_ms);
/* Any thread, also from a callback: net_loop_run returns after the current turn. Called before it, it sticks.
 */
void net_loop_stop(struct net_loop *loop);

/* Streams given up by net_stream_finish that still send or wait for the peer's end. */
size_t net_loop_finishing(const struct net_loop *loop);

/* ---- messages to the loop ---- */

typedef void (*net_task_fn)(void *ctx);

/* A message embedded in its owner: posting cannot fail. Leave it alone until fn was called. */
struct net_task {
    net_task_fn fn;
    void *ctx;
    struct net_task *next; /* the loop's */
};

/* Any thread. fn(ctx) runs once on the loop's thread, in the order posted, never inside this call. */
void net_loop_post_task(struct net_loop *loop, struct net_task *task);
/* The same for a message without a home. ERR_NOMEM: fn will not run. */
err_t net_loop_post(struct net_loop *loop, net_task_fn fn, void *ctx);

/* ---- the end of the turn ---- */

/* Work put off until all that is ready now was handled, so that it is done once for many causes. Embedded in
 * its owner; the loop's thread only. Zeroed but for fn and ctx. */
struct net_later {
    net_task_fn fn;
    void *ctx;
    struct net_loop *loop; /* from here on the loop's */
    struct net_later *next, **link;
};
/* fn(ctx) runs once before the loop waits again, in the order asked; asking again changes nothing. */
void net_loop_later(struct net_loop *loop, struct net_later *l);
/* fn will not run. Does nothing when nobody asked. */
void net_later_cancel(struct net_later *l);

/* ---- timers ---- */

struct net_timer;

/* A timer at rest. fn(ctx) runs on the loop's thread. ERR_NOMEM. */
err_t net_timer_new(struct net_loop *loop, net_task_fn fn, void *ctx, struct net_timer **ret);
/* Fires once, after_ms from now (0 = in the next turn); setting it again moves it. When the loop has no
 * memory to queue it, it fires in the next turn: a deadline errs on the short side. */
void net_timer_set(struct net_timer *t, int64_t after_ms);
void net_timer_stop(struct net_timer *t);
bool net_timer_armed(const struct net_timer *t);
void net_timer_free(struct net_timer *t); /* also from its own fn; NULL is fine */

/* ---- signals and descriptors ---- */

struct net_signal;

/* fn(ctx) runs on the loop's thread each time `signum` arrives. One loop of the process may watch signals.
 * ERR_NOMEM, ERR_IO. */
err_t net_signal_new(struct net_loop *loop, int signum, net_task_fn fn, void *ctx, struct net_signal **ret);
void net_signal_free(struct net_signal *s); /* the signal's earlier action comes back */

struct net_watch;

typedef void (*net_watch_fn)(void *ctx, bool readable, bool writable);

/* Watches a descriptor it does not own (free the watch before closing it). At rest until net_watch_set. */
err_t net_watch_new(struct net_loop *loop, int fd, net_watch_fn fn, void *ctx, struct net_watch **ret);
/* What to wait for, level triggered. An end of file or an error shows as readable. ERR_IO. */
err_t net_watch_set(struct net_watch *w, bool read, bool write);
void net_watch_free(struct net_watch *w); /* also from its own fn; NULL is fine */
