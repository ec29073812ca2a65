/* tests/unit/net/recorder.h - a handler that writes down what happened to a stream. */
#pragma once
#include "base/buf.h"
#include "base/clock.h"
#include "net/stream.h"

struct recorder {
    struct net_stream *s;
    struct buf got;
    int opened, reads, drained, closed;
    bool read_before_open;
    err_t why;
    size_t take; /* bytes used per call; 0 = all */
    bool free_in_read;
    bool free_in_close;
};

static void rec_open(void *ctx)
{
    ((struct recorder *)ctx)->opened++;
}

static size_t rec_read(void *ctx, struct slice in)
{
    struct recorder *r = ctx;
    r->reads++;
    r->read_before_open |= !r->opened;
    size_t n = r->take && r->take < in.n ? r->take : in.n;
    if (buf_add(&r->got, slice_head(in, n)))
        n = 0;
    if (r->free_in_read)
        net_stream_free(steal(&r->s));
    return n;
}

static void rec_drain(void *ctx)
{
    ((struct recorder *)ctx)->drained++;
}

static void rec_close(void *ctx, err_t why)
{
    struct recorder *r = ctx;
    r->closed++;
    r->why = why;
    if (r->free_in_close)
        net_stream_free(steal(&r->s));
}

static const struct net_handler rec_handler = { rec_open, rec_read, rec_drain, rec_close };

static inline void rec_attach(struct recorder *r, struct net_stream *s)
{
    *r = (struct recorder){ .s = s };
    buf_init(&r->got, 16u << 20);
    net_stream_set_handler(s, &rec_handler, r);
}

static inline void rec_done(struct recorder *r)
{
    net_stream_free(steal(&r->s));
    buf_done(&r->got);
}

/* Turn the loop until `cond` holds, at most ms. */
#define TURN_UNTIL(loop, cond, ms)                             \
    ({                                                         \
        int64_t turn_end_ = clock_mono_ms() + (ms);            \
        while (!(cond) && clock_mono_ms() < turn_end_)         \
            assert_int_equal(net_loop_turn(loop, 20), ERR_OK); \
        (cond);                                                \
    })
