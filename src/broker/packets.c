#include "broker/internal.h"

/* Bytes in: cut into packets, taken as fast as the limits allow, handed to their handlers. */

/* ---- the small packets; the others have files of their own ---- */

void conn_refuse_packet(struct conn *c, unsigned type, err_t e)
{
    if (e == ERR_INVALID)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_PROTOCOL_ERROR, "%s says what it may not",
                  mqtt_type_str(type));
    else
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_MALFORMED_PACKET, "malformed %s", mqtt_type_str(type));
}

static err_t unexpected(struct conn *c, const struct mqtt_frame *f)
{
    conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_PROTOCOL_ERROR,
              "%s is not a packet that a client may send here", mqtt_type_str(f->type));
    return ERR_OK;
}

static err_t handle_pingreq(struct conn *c, const struct mqtt_frame *f)
{
    if (mqtt_empty_decode(f))
        conn_refuse_packet(c, f->type, ERR_PROTO);
    else
        conn_send(c, SLICE_LIT("\xd0\x00")); /* PINGRESP, §3.13 */
    return ERR_OK;
}

/* 5.0 §3.14.2.2.2: the session's expiry may be changed at the end, but not from 0. */
static bool change_expiry(struct conn *c, const struct mqtt_disconnect *d)
{
    struct session *s = c->session;
    uint32_t asked = d->props.session_expiry_s, most = c->b->o.config.session_expiry_s;

    if (!mqtt_props_has(&d->props, MQTT_PROP_SESSION_EXPIRY))
        return true;
    if (!s->expiry_s)
        return asked == 0;
    s->expiry_s = asked < most ? asked : most;
    if (!s->expiry_s)
        broker_note(c->b, &(struct broker_record){ .kind = BROKER_REC_SESSION_END, .client_id = s->id });
    return true;
}

static err_t handle_disconnect(struct conn *c, const struct mqtt_frame *f)
{
    struct mqtt_disconnect d;
    err_t e = mqtt_disconnect_decode(f, c->version, &d);

    if (!e && (!mqtt_reason_from_client(d.code) || mqtt_props_has(&d.props, MQTT_PROP_SERVER_REFERENCE) ||
               !change_expiry(c, &d)))
        e = ERR_INVALID;
    if (e)
        conn_refuse_packet(c, f->type, e);
    else if (d.code) /* 0x04 asks for the Will; any other code is an abnormal end as well (§3.14.2.1) */
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, 0, "DISCONNECT with reason 0x%02x (%s)", d.code,
                  mqtt_reason_str(d.code));
    else
        conn_doom(c, BROKER_WHY_CLIENT, 0, "DISCONNECT");
    return ERR_OK;
}

/* A CONNECT with an authentication method is refused, so no AUTH is ever in its place (5.0 [MQTT-4.12.0-7]).
 */
static err_t handle_auth(struct conn *c, const struct mqtt_frame *f)
{
    struct mqtt_disconnect d;
    err_t e = mqtt_disconnect_decode(f, c->version, &d);

    conn_refuse_packet(c, f->type, e == ERR_PROTO ? e : ERR_INVALID);
    return ERR_OK;
}

static err_t (*const handlers[16])(struct conn *c, const struct mqtt_frame *f) = {
    [MQTT_CONNECT] = conn_handle_connect,
    [MQTT_PUBLISH] = conn_handle_publish,
    [MQTT_PUBACK] = conn_handle_puback,
    [MQTT_PUBREC] = conn_handle_pubrec,
    [MQTT_PUBREL] = conn_handle_pubrel,
    [MQTT_PUBCOMP] = conn_handle_pubcomp,
    [MQTT_SUBSCRIBE] = conn_handle_subscribe,
    [MQTT_UNSUBSCRIBE] = conn_handle_unsubscribe,
    [MQTT_PINGREQ] = handle_pingreq,
    [MQTT_DISCONNECT] = handle_disconnect,
    [MQTT_AUTH] = handle_auth,
};

static err_t handle(struct conn *c, const struct mqtt_frame *f)
{
    err_t e;

    if (c->state == CONN_NEW && f->type != MQTT_CONNECT) /* [MQTT-3.1.0-1] */
        return unexpected(c, f);
    c->b->n_asked = 0;
    if (!c->answers) /* not a packet that comes again with its answers */
        c->b->packets_in[f->type]++;
    e = handlers[f->type] ? handlers[f->type](c, f) : unexpected(c, f);
    if (e == ERR_MORE && c->waits && !c->answers)
        c->b->packets_in[f->type]--; /* it is counted when it comes again */
    if (e != ERR_MORE) {
        free(steal(&c->answers));
        c->n_answers = 0;
    }
    return e;
}

/* ---- how fast they are taken ---- */

/* What is in work has a limit. Other packets are still taken when no PUBLISH is (5.0 [MQTT-4.9.0-3]). */
static bool must_wait(const struct conn *c)
{
    return c->ticket || c->waits || c->n_owed >= 2u * c->b->o.config.max_inflight_in || conn_output_full(c);
}

/* Publishes of the client that it has not seen the end of. */
static size_t unacked(const struct conn *c)
{
    return c->n_unacked + c->session->received.n;
}

/* May no PUBLISH be taken now? */
static bool publish_must_wait(const struct conn *c)
{
    return c->n_owed >= c->b->o.config.max_inflight_in || conn_over_rate(c) != BROKER_LIMITS;
}

static bool must_pause(const struct conn *c)
{
    return must_wait(c) || (c->held && publish_must_wait(c));
}

/* Is the PUBLISH at hand one too many? True: it is not taken now, or never. */
static bool hold_publish(struct conn *c, uint8_t first)
{
    const struct broker_config *cf = &c->b->o.config;
    uint8_t qos = first >> 1 & 3;

    c->held = false;
    if (c->state != CONN_UP || first >> 4 != MQTT_PUBLISH)
        return false;
    if (c->version == MQTT_V5 && qos && unacked(c) >= cf->max_inflight_in) /* 5.0 §3.3.4 */
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED,
                  "more than %u publishes before their acknowledgement", cf->max_inflight_in);
    else if (qos == 2 && c->session->received.n >= cf->max_received)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED,
                  "more than %u publishes with QoS 2 before their PUBREL", cf->max_received);
    else
        c->held = publish_must_wait(c);
    if (c->held && conn_over_rate(c) != BROKER_LIMITS)
        conn_throttled(c, conn_over_rate(c));
    return c->held || c->state == CONN_DOOMED;
}

/* The broker shuts down, and nothing of this client is in work. Its session stays, its Will is not sent. */
static void say_goodbye(struct conn *c)
{
    c->no_will = true;
    conn_doom(c, BROKER_WHY_SERVER, MQTT_RC_SERVER_SHUTTING_DOWN, "the broker shuts down");
}

void conn_flow(struct conn *c)
{
    bool pause;

    if (c->state == CONN_DOOMED)
        return;
    if (c->b->draining && !c->n_owed && !c->ticket) {
        say_goodbye(c);
        return;
    }
    pause = must_pause(c);
    if (pause == c->paused)
        return;
    c->paused = pause;
    if (pause) {
        net_stream_pause(c->stream);
        return;
    }
    c->last_rx_ms = broker_mono(c->b); /* the silence was ours */
    net_stream_resume(c->stream);
}

/* Takes one packet; false when there is none that may be handled now. */
static bool next_packet(struct conn *c, struct slice *in)
{
    struct slice before = *in;
    struct mqtt_frame f;
    size_t max;
    err_t e;

    if (c->state == CONN_DOOMED || c->b->draining || must_wait(c) || !in->n || hold_publish(c, in->p[0]))
        return false;
    if (c->state == CONN_NEW && in->p[0] != MQTT_CONNECT << 4) { /* do not wait for a packet that is none */
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, 0, "the first packet is no CONNECT");
        return false;
    }
    max = c->state == CONN_NEW ? c->b->o.config.max_connect : c->b->o.config.max_packet;
    e = mqtt_frame_next(in, max, &f);
    if (e == ERR_TOO_BIG)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_PACKET_TOO_LARGE, "a packet over %zu bytes", max);
    else if (e == ERR_PROTO)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_MALFORMED_PACKET, "malformed fixed header");
    if (e)
        return false;
    e = handle(c, &f);
    if (e == ERR_MORE)
        *in = before;
    return e != ERR_MORE;
}

static size_t on_read(void *ctx, struct slice in)
{
    struct conn *c = ctx;
    struct broker *b = c->b;
    struct slice rest = in;
    size_t used;

    broker_enter(b);
    c->last_rx_ms = broker_mono(b);
    while (next_packet(c, &rest))
        ;
    used = in.n - rest.n;
    conn_flow(c);
    broker_leave(b); /* c may be gone */
    return used;
}

static void on_drain(void *ctx)
{
    struct conn *c = ctx;
    struct broker *b = c->b;

    broker_enter(b);
    c->over_soft_ms = 0;
    conn_flow(c);
    if (conn_up(c))
        session_pump(c->session);
    broker_leave(b);
}

static void on_close(void *ctx, err_t why)
{
    struct conn *c = ctx;
    struct broker *b = c->b;

    broker_enter(b);
    if (why == ERR_TIMEOUT)
        conn_doom(c, BROKER_WHY_THROTTLED, 0, "%s", net_stream_why(c->stream));
    else if (why == ERR_CANCELLED && b->o.config.close_is_goodbye)
        conn_doom(c, BROKER_WHY_CLIENT, 0, "%s", net_stream_why(c->stream));
    else
        conn_doom(c, BROKER_WHY_LOST, 0, "%s",
                  why == ERR_EOF ? "closed by the client without DISCONNECT" : net_stream_why(c->stream));
    broker_leave(b);
}

const struct net_handler conn_stream_handler = { .on_read = on_read,
                                                 .on_drain = on_drain,
                                                 .on_close = on_close };
