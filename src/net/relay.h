/* src/net/relay.h - a stream whose two ends live on different loops.
 *
 * The far end is a stream of a worker's loop: it reads, writes, encrypts and keeps its deadlines there. The
 * near end is a net_stream of the home loop, like any other. Between them bytes cross in batches, under a
 * lock that is held while they are copied and never while anything is read or written:
 *
 *   up    what the far end read: RELAY_UP_MAX, then the far end is paused until the near user has taken it
 *   down  what the near user wrote: bounded by the near end's out_max, which counts what crosses and what the
 * far end could not send yet. Up to RELAY_WINDOW of it shows as sent, as a kernel's buffer would hide it.
 *
 * The near end closes with the reason the far end closed with, after an orderly end once everything read
 * before was taken. net_stream_finish and net_stream_free do to the far end what they would do to it there.
 * The limits out_max and stall_ms are the far end's, in_max and idle_ms the near end's.
 */
#pragma once
#include "net/stream.h"

#define RELAY_UP_MAX (64u << 10)
#define RELAY_WINDOW (16u << 10)

/* On home's thread; the callee owns `near`, which is open. */
typedef void (*net_relay_fn)(void *ctx, struct net_stream *near);

/* On the thread of the stream's loop: `far`, open, is taken on ERR_OK; fn(ctx) follows on home's. When home
 * has no memory for the near end then, the far end is cut and nobody hears of it. The two loops must outlive
 * it: see net/worker.h for the order in which they end. ERR_NOMEM. */
err_t net_relay(struct net_stream *far, struct net_loop *home, net_relay_fn fn, void *ctx);
