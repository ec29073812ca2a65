/* src/net/pair.c - two streams joined in memory, for tests. Both live on one loop. */
#include "base/mem.h"
#include "net/stream_impl.h"

struct pair_half {
    struct net_stream base;
    struct pair_half *other; /* NULL when it has gone */
    struct buf inbox;        /* written by the other half, not yet shown to our user */
    bool reading;
    bool other_finished;
};

static struct pair_half *half_of(struct net_stream *s)
{
    return CONTAINER_OF(s, struct pair_half, base);
}

static size_t pair_queued(const struct net_stream *s)
{
    const struct pair_half *h = (const struct pair_half *)(const void *)s;
    return h->other ? h->other->inbox.n : 0;
}

static err_t pair_write(struct net_stream *s, struct slice data)
{
    struct pair_half *h = half_of(s);
    size_t queued = pair_queued(s);
    if (!h->other)
        return ERR_WRONG_STATE;
    if (data.n > s->out_max || queued > s->out_max - data.n)
        return ERR_TOO_BIG;
    err_t e = buf_add(&h->other->inbox, data);
    if (e)
        return e;
    if (!queued)
        net_stream_progress(s);
    net_stream_wake(&h->other->base);
    return ERR_OK;
}

static void pair_want_read(struct net_stream *s, bool on)
{
    half_of(s)->reading = on;
    if (on)
        net_stream_wake(s);
}

static void taken(struct pair_half *writer)
{
    net_stream_hold(&writer->base);
    net_stream_progress(&writer->base);
    if (writer->base.finish_by_ms)
        net_stream_give_up(&writer->base);
    else
        net_stream_drained(&writer->base);
    (void)net_stream_release(&writer->base);
}

/* What was written is shown in the reader's next turn. */
static void pair_pump(struct net_stream *s)
{
    struct pair_half *h = half_of(s);
    if (h->base.finish_by_ms)
        buf_clear(&h->inbox);
    while (h->reading && h->inbox.n) {
        autobuf part = BUF_INIT(NET_READ_MAX);
        size_t n = h->inbox.n < NET_READ_MAX ? h->inbox.n : NET_READ_MAX;
        if (buf_add(&part, slice_head(buf_slice(&h->inbox), n))) {
            net_stream_end(s, ERR_NOMEM, "no memory");
            return;
        }
        buf_drop(&h->inbox, n);
        if (!h->inbox.n && h->other)
            taken(h->other);
        net_stream_feed(s, buf_slice(&part));
    }
    if (!h->inbox.n && (!h->other || h->other_finished))
        net_stream_end(s, ERR_EOF, "%s closed the connection", s->peer);
}

static void pair_finish(struct net_stream *s)
{
    struct pair_half *h = half_of(s);
    if (h->other) {
        h->other->other_finished = true;
        net_stream_wake(&h->other->base);
    }
    if (!pair_queued(s))
        net_stream_give_up(s);
}

static void pair_destroy(struct net_stream *s)
{
    struct pair_half *h = half_of(s);
    if (h->other) {
        h->other->other = NULL;
        net_stream_wake(&h->other->base);
    }
    buf_done(&h->inbox);
    net_stream_done(s);
    free(h);
}

static const struct net_stream_vtable pair_vtable = {
    .write = pair_write,
    .queued = pair_queued,
    .want_read = pair_want_read,
    .finish = pair_finish,
    .pump = pair_pump,
    .destroy = pair_destroy,
};

static err_t half_new(struct net_loop *loop, struct pair_half **ret)
{
    autofree struct pair_half *h = mem_calloc(1, sizeof(*h));
    if (!h || net_stream_init(&h->base, loop, &pair_vtable, "pair"))
        return ERR_NOMEM;
    buf_init(&h->inbox, SIZE_MAX / 2); /* the writer's out_max is the limit */
    *ret = steal(&h);
    return ERR_OK;
}

err_t net_stream_pair(struct net_loop *loop, struct net_stream **ret_a, struct net_stream **ret_b)
{
    struct pair_half *a = NULL, *b = NULL;
    if (half_new(loop, &a))
        return ERR_NOMEM;
    if (half_new(loop, &b)) {
        net_stream_free(&a->base);
        return ERR_NOMEM;
    }
    a->other = b;
    b->other = a;
    net_stream_opened(&a->base);
    net_stream_opened(&b->base);
    *ret_a = &a->base;
    *ret_b = &b->base;
    return ERR_OK;
}
