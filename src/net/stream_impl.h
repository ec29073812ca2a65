/* src/net/stream_impl.h - for those who implement a stream (src/net, src/tls); users include net/stream.h.
 *
 * The base keeps what all streams share: handler, kept input, deadlines, why it ended, and the rule that
 * callbacks come from the loop and may free the stream. An implementation embeds struct net_stream as
 * its first member, moves bytes, and calls the functions below when something happens.
 */
#pragma once
#include "base/buf.h"
#include "net/stream.h"

struct net_stream_vtable {
    /* net_stream_write; s has not ended */
    err_t (*write)(struct net_stream *s, struct slice data);
    size_t (*queued)(const struct net_stream *s);
    /* Start or stop reading from below. */
    void (*want_read)(struct net_stream *s, bool on);
    /* net_stream_finish: the handler is gone; must lead to net_stream_give_up. */
    void (*finish)(struct net_stream *s);
    /* NULL: the base's fields are enough. */
    void (*limits)(struct net_stream *s, const struct net_limits *lim);
    /* net_stream_wake asked for it; NULL: nothing to do. */
    void (*pump)(struct net_stream *s);
    /* No callback is on the stack and none will come: let go of everything, net_stream_done(s), free s. An
     * implementation whose memory is in use by another thread does so when it comes back. */
    void (*destroy)(struct net_stream *s);
};

enum net_stream_state { NET_OPENING, NET_OPEN, NET_ENDED };

struct net_stream {
    const struct net_stream_vtable *v;
    struct net_loop *loop;
    const struct net_handler *h;
    void *ctx;
    enum net_stream_state state;
    bool paused;    /* by the user */
    bool told_open; /* this handler knows */
    bool told_close;
    bool dead; /* given up: destroy when `depth` is 0 and no task is posted */
    bool task_posted;
    bool show_again; /* kept input is due to be shown, though nothing more has come */
    unsigned depth;  /* holds on the stack */
    err_t why;
    char *why_text;
    char *peer;
    struct buf in; /* input kept for the user */
    size_t in_max, out_max;
    int64_t idle_ms, stall_ms;
    int64_t last_rx_ms, last_tx_ms;
    int64_t open_by_ms, finish_by_ms; /* on the monotonic clock; 0 = none */
    const char *opening;              /* "connect": what open_by_ms is the deadline of */
    struct net_timer *timer;          /* the soonest of the deadlines, moved lazily */
    int64_t timer_at_ms;
    struct net_task task;                          /* deferred callbacks */
    struct net_stream *orphan_next, **orphan_link; /* see net_loop_adopt */
};

#define NET_READ_MAX 65536 /* most that is fed at once */
#define NET_FINISH_MS 5000

/* Zeroes and fills the base. ERR_NOMEM (nothing to undo then). */
err_t net_stream_init(struct net_stream *s, struct net_loop *loop, const struct net_stream_vtable *v,
                      const char *peer);
/* Frees what the base holds. */
void net_stream_done(struct net_stream *s);

/* The stream must be open after_ms from now, or it ends with ERR_TIMEOUT; `what` (static) names the step. */
void net_stream_open_by(struct net_stream *s, int64_t after_ms, const char *what);
/* NET_OPENING -> NET_OPEN; tells on_open. */
void net_stream_opened(struct net_stream *s);
/* Up to NET_READ_MAX bytes from below. */
void net_stream_feed(struct net_stream *s, struct slice data);
/* Does the user want more right now? */
bool net_stream_wants(const struct net_stream *s);
/* Output was queued for the first time, or some was taken. */
void net_stream_progress(struct net_stream *s);
/* All output was taken: tells on_drain. */
void net_stream_drained(struct net_stream *s);
/* The stream ended: on_close(why) follows from the loop. The first reason stays. */
void net_stream_end(struct net_stream *s, err_t why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* v->pump in the next turn. */
void net_stream_wake(struct net_stream *s);

/* Keep s alive across calls that run callbacks; the last release destroys a stream given up meanwhile and
 * then returns false. Call backs above hold by themselves. */
void net_stream_hold(struct net_stream *s);
bool net_stream_release(struct net_stream *s);
/* The implementation has finished, or its user freed it: destroy as soon as nothing stands on it. */
void net_stream_give_up(struct net_stream *s);

/* Streams given up by net_stream_finish that still send: the loop destroys those left at its end. */
void net_loop_adopt(struct net_loop *loop, struct net_stream *s);
void net_loop_disown(struct net_stream *s);

/* NET_READ_MAX bytes for one read, shared by the loop's streams. */
uint8_t *net_loop_scratch(struct net_loop *loop);
