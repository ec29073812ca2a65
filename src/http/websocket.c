/* src/http/websocket.c - see websocket.h: bytes between a transport's frames and the user. */
#include "http/websocket.h"

#include "base/mem.h"
#include "http/ws_frames.h"
#include "net/stream_impl.h"

#define OVERHEAD 4096u /* frame heads, and answers to PING */

struct ws_stream {
    struct net_stream base; /* first */
    struct net_stream *transport;
    struct ws_frames *frames;
    bool close_sent;
};

static struct ws_stream *ws_of(struct net_stream *s)
{
    return CONTAINER_OF(s, struct ws_stream, base);
}

/* ---- downwards ---- */

static void send_close(struct ws_stream *w, uint16_t code)
{
    autobuf out = BUF_INIT(16);

    if (w->close_sent || !w->transport)
        return;
    w->close_sent = true;
    if (ws_frame_add_close(&out, code) == ERR_OK)
        (void)net_stream_write(w->transport, buf_slice(&out)); /* the end is coming anyway */
}

static size_t ws_queued(const struct net_stream *s)
{
    const struct ws_stream *w = (const struct ws_stream *)(const void *)s;

    return w->transport ? net_stream_queued(w->transport) : 0;
}

static err_t ws_write(struct net_stream *s, struct slice data)
{
    struct ws_stream *w = ws_of(s);
    autobuf out = BUF_SECRET(SIZE_MAX / 2);
    size_t queued = ws_queued(s);
    err_t e;

    if (data.n > s->out_max || queued > s->out_max - data.n)
        return ERR_TOO_BIG;
    e = ws_frame_add(&out, WS_BINARY, data); /* [MQTT-6.0.0-1] */
    return e ? e : net_stream_write(w->transport, buf_slice(&out));
}

/* ---- upwards ---- */

static bool on_data(void *ctx, struct slice piece)
{
    struct ws_stream *w = ctx;

    net_stream_feed(&w->base, piece);
    return w->base.state == NET_OPEN && !w->base.dead;
}

/* A client that sends PINGs and reads nothing meets the output limit. */
static bool on_control(void *ctx, enum ws_opcode opcode, struct slice payload)
{
    struct ws_stream *w = ctx;
    autobuf out = BUF_INIT(160);
    err_t e = ERR_OK;

    if (opcode == WS_PING) {
        e = ws_frame_add(&out, WS_PONG, payload);
        e = e ? e : net_stream_write(w->transport, buf_slice(&out));
    }
    if (e == ERR_TOO_BIG || e == ERR_NOMEM)
        net_stream_end(&w->base, e, "%s sends PINGs and reads no answers", w->base.peer);
    return !e;
}

/* The frames say that it is over. */
static void end(struct ws_stream *w, err_t e)
{
    uint16_t code = ws_frames_code(w->frames);

    if (e == ERR_CANCELLED)
        return; /* by the user, or on_control has said why */
    send_close(w, code);
    if (e == ERR_EOF)
        net_stream_end(&w->base, ERR_CANCELLED, "%s closed the WebSocket with %u", w->base.peer, code);
    else
        net_stream_end(&w->base, ERR_PROTO, "%s sent frames that end with %u", w->base.peer, code);
}

/* Everything is taken: a paused user's bytes are kept by the base, and no more come while it is. */
static size_t on_read(void *ctx, struct slice in)
{
    struct ws_stream *w = ctx;
    err_t e;

    if (w->base.state != NET_OPEN || w->base.dead)
        return in.n;
    net_stream_hold(&w->base);
    e = ws_frames_feed(w->frames, in);
    if (e && !w->base.dead)
        end(w, e);
    (void)net_stream_release(&w->base); /* w may be gone */
    return in.n;
}

static void on_drain(void *ctx)
{
    struct ws_stream *w = ctx;

    net_stream_drained(&w->base);
}

static void on_close(void *ctx, err_t why)
{
    struct ws_stream *w = ctx;

    net_stream_end(&w->base, why, "%s", net_stream_why(w->transport));
}

static const struct net_handler transport_handler = { .on_read = on_read,
                                                      .on_drain = on_drain,
                                                      .on_close = on_close };

/* ---- what the base asks for ---- */

static void ws_want_read(struct net_stream *s, bool on)
{
    struct ws_stream *w = ws_of(s);

    if (!w->transport)
        return;
    if (on)
        net_stream_resume(w->transport);
    else
        net_stream_pause(w->transport);
}

static void ws_limits(struct net_stream *s, const struct net_limits *lim)
{
    struct ws_stream *w = ws_of(s);

    s->stall_ms = 0; /* the transport sees progress, we do not */
    if (w->transport)
        net_stream_set_limits(w->transport,
                              &(struct net_limits){ .out_max = s->out_max + s->out_max / 8 + OVERHEAD,
                                                    .idle_ms = -1,
                                                    .stall_ms = lim->stall_ms });
}

static void ws_finish(struct net_stream *s)
{
    struct ws_stream *w = ws_of(s);

    send_close(w, WS_NORMAL);
    net_stream_finish(steal(&w->transport));
    net_stream_give_up(s);
}

static void ws_destroy(struct net_stream *s)
{
    struct ws_stream *w = ws_of(s);

    if (w->base.state == NET_ENDED)
        net_stream_finish(steal(&w->transport)); /* a close frame may still be on its way */
    else
        net_stream_free(steal(&w->transport));
    ws_frames_free(w->frames);
    net_stream_done(s);
    free(w);
}

static const struct net_stream_vtable ws_vtable = {
    .write = ws_write,
    .queued = ws_queued,
    .want_read = ws_want_read,
    .finish = ws_finish,
    .limits = ws_limits,
    .destroy = ws_destroy,
};

/* ---- life ---- */

err_t websocket_stream_new(struct net_stream *transport, struct net_stream **ret)
{
    struct ws_stream *w = mem_calloc(1, sizeof(*w));
    struct ws_events events = { w, on_data, on_control };

    if (!w || net_stream_init(&w->base, transport->loop, &ws_vtable, transport->peer)) {
        free(w);
        return ERR_NOMEM;
    }
    if (ws_frames_new(WEBSOCKET_FRAME_MAX, &events, &w->frames)) {
        net_stream_done(&w->base);
        free(w);
        return ERR_NOMEM;
    }
    w->transport = transport;
    w->base.stall_ms = 0;
    net_stream_set_limits(transport,
                          &(struct net_limits){ .in_max = NET_READ_MAX, .idle_ms = -1, .stall_ms = -1 });
    net_stream_set_handler(transport, &transport_handler, w);
    net_stream_opened(&w->base);
    *ret = &w->base;
    return ERR_OK;
}

err_t websocket_accept(struct http_server *srv, struct http_token token, const struct websocket_offer *offer,
                       struct net_stream **ret)
{
    const struct http_header headers[] = {
        HTTP_HEADER("Upgrade", "websocket"),
        { SLICE_LIT("Sec-WebSocket-Accept"), slice_str(offer->accept) },
        { SLICE_LIT("Sec-WebSocket-Protocol"), slice_str(offer->protocol) },
    };
    struct net_stream *transport;
    err_t e = http_upgrade(srv, token, headers, ARRAY_LEN(headers), &transport);

    if (e)
        return e;
    if ((e = websocket_stream_new(transport, ret)))
        net_stream_free(transport);
    return e;
}
