#include "broker/internal.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- finding it again ---- */

static int serial_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

struct conn *conn_find(const struct broker *b, uint64_t ticket)
{
    uint32_t serial = (uint32_t)(ticket >> 32);
    void *hit = tfind(&serial, &b->conns_by_serial, serial_cmp);
    struct conn *c = hit ? *(struct conn **)hit : NULL;

    return c && c->state != CONN_DOOMED ? c : NULL;
}

/* ---- the end of a connection ---- */

void conn_doom(struct conn *c, enum broker_why why, uint8_t reason, const char *detail, ...)
{
    va_list ap;

    if (c->state == CONN_DOOMED)
        return;
    c->state = CONN_DOOMED;
    c->why = why;
    c->reason = reason;
    va_start(ap, detail);
    if (vasprintf(&c->detail, detail, ap) < 0)
        c->detail = NULL;
    va_end(ap);
    c->next_doomed = c->b->doomed;
    c->b->doomed = c;
}

/* ---- those before CONNECT, in order of age ---- */

static void new_add(struct broker *b, struct conn *c)
{
    c->older = b->newest;
    if (c->older)
        c->older->newer = c;
    else
        b->oldest = c;
    b->newest = c;
    b->n_new++;
}

void conn_not_new(struct conn *c)
{
    struct broker *b = c->b;

    if (b->newest != c && !c->newer)
        return; /* it is not among them any more */
    *(c->newer ? &c->newer->older : &b->newest) = c->older;
    *(c->older ? &c->older->newer : &b->oldest) = c->newer;
    c->newer = c->older = NULL;
    b->n_new--;
}

static void unlink_conn(struct conn *c)
{
    struct conn **at = &c->b->doomed;

    conn_not_new(c);
    (void)tdelete(c, &c->b->conns_by_serial, serial_cmp);
    while (*at && *at != c)
        at = &(*at)->next_doomed;
    if (*at)
        *at = c->next_doomed;
    if (c->prev)
        c->prev->next = c->next;
    else
        c->b->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->b->n_conns--;
}

/* A dead or stuck peer gets nothing more; others get what is queued, and version 5 clients the reason, but
 * not before CONNACK (5.0 [MQTT-3.14.0-1]). */
static void end_stream(struct conn *c)
{
    autobuf packet = BUF_INIT(c->max_packet < 64 ? c->max_packet : 64);
    struct mqtt_disconnect d = { .code = c->reason };

    if (c->why == BROKER_WHY_LOST || c->why == BROKER_WHY_THROTTLED) {
        net_stream_free(c->stream);
        return;
    }
    if (c->reason && c->welcomed && c->version == MQTT_V5 &&
        mqtt_disconnect_encode(&packet, MQTT_V5, MQTT_DISCONNECT, &d) == ERR_OK)
        (void)net_stream_write(c->stream, buf_slice(&packet)); /* the end is coming anyway */
    net_stream_finish(c->stream);
}

static void tell(struct conn *c)
{
    const struct broker_events *e = &c->b->o.events;

    if (e->disconnected)
        e->disconnected(e->ctx, c->user, conn_client_id(c), c->why,
                        c->detail ? c->detail : "no memory to say why");
}

/* 3.1.1 [MQTT-3.1.2-8], 5.0 §3.1.2.5: published unless the client said goodbye; version 5 may delay it. */
static void publish_will(struct conn *c)
{
    struct broker_msg *will = steal(&c->will);
    struct session *s = c->session;
    uint32_t delay = c->will_delay_s < s->expiry_s ? c->will_delay_s : s->expiry_s;

    if (!will)
        return;
    if (c->no_will || c->why == BROKER_WHY_CLIENT) {
        broker_msg_unref(will);
    } else if (delay) {
        session_delay_will(s, will, broker_wall(c->b) + (int64_t)delay * 1000);
    } else {
        (void)broker_route(c->b, will, &(struct route_from){ .session = s }); /* nobody to tell */
        broker_msg_unref(will);
    }
}

static void leave_session(struct conn *c)
{
    struct session *s = c->session;

    if (!s)
        return;
    s->conn = NULL;
    publish_will(c);
    if (!session_persistent(s)) {
        session_end(s);
        return;
    }
    queue_rewind(&s->queue);
    s->ends_ms = session_ends(s);
    session_record(s);
}

static void free_names(struct slice *names, size_t n)
{
    for (size_t i = 0; names && i < n; i++)
        free((void *)(uintptr_t)names[i].p);
    free(names);
}

static void conn_free(struct conn *c)
{
    if (!c)
        return;
    if (c->user_free)
        c->user_free(c->user);
    free_names(c->aliases, c->n_aliases);
    free_names(c->aliases_out, c->n_aliases_out);
    free(c->answers);
    free(c->detail);
    broker_msg_unref(c->will);
    owed_clear(c);
    free(c->principal);
    free(c->address);
    free(c);
}

void conn_teardown(struct conn *c)
{
    unlink_conn(c);
    end_stream(c);
    tell(c);
    leave_session(c);
    conn_free(c);
}

/* ---- bytes out ---- */

struct slice conn_client_id(const struct conn *c)
{
    return c->session ? c->session->id : (struct slice){ 0 };
}

bool conn_output_full(const struct conn *c)
{
    return net_stream_queued(c->stream) > c->b->o.config.output_soft;
}

void conn_send(struct conn *c, struct slice packet)
{
    err_t e;

    if (c->state == CONN_DOOMED)
        return;
    if (packet.n > c->max_packet) {
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_IMPLEMENTATION_SPECIFIC,
                  "the client takes packets of %u bytes, and is due one of %zu", c->max_packet, packet.n);
        return;
    }
    c->b->packets_out[packet.p[0] >> 4]++;
    e = net_stream_write(c->stream, packet);
    if (e == ERR_TOO_BIG)
        conn_doom(c, BROKER_WHY_THROTTLED, 0, "the client reads too slowly: its output limit is reached");
    else if (e)
        conn_doom(c, BROKER_WHY_LOST, 0, "cannot write to the connection: %s", err_str(e));
}

/* ---- its beginning ---- */

static struct conn *conn_new(struct broker *b, const struct broker_peer *peer)
{
    struct conn *c = mem_calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->b = b;
    c->principal = mem_dup(peer->principal.p, peer->principal.n);
    c->principal_n = peer->principal.n;
    c->address = mem_dup(peer->address.p, peer->address.n);
    if (!c->principal || !c->address) {
        conn_free(c);
        return NULL;
    }
    c->serial = ++b->last_serial ? b->last_serial : ++b->last_serial;
    c->started_ms = c->last_rx_ms = broker_mono(b);
    c->max_packet = MQTT_VARINT_MAX;
    conn_new_second(c);
    return c;
}

/* ERR_NOMEM, or ERR_BUSY when after four thousand million connections this serial is still in use. */
static err_t link_conn(struct broker *b, struct conn *c)
{
    struct conn **at = tsearch(c, &b->conns_by_serial, serial_cmp);

    if (!at || *at != c)
        return at ? ERR_BUSY : ERR_NOMEM;
    c->next = b->conns;
    if (c->next)
        c->next->prev = c;
    b->conns = c;
    b->n_conns++;
    new_add(b, c);
    return ERR_OK;
}

static err_t refuse_stream(struct net_stream *s, const struct broker_peer *peer, err_t e)
{
    net_stream_free(s);
    if (peer->user_free)
        peer->user_free(peer->user);
    return e;
}

void conn_set_limits(struct conn *c)
{
    const struct broker_config *cf = &c->b->o.config;

    net_stream_set_limits(c->stream,
                          &(struct net_limits){
                              .in_max = c->state == CONN_NEW ? cf->max_connect : cf->max_packet + 64 * 1024,
                              .out_max = cf->output_soft + 2 * cf->max_packet,
                              .idle_ms = -1,
                              .stall_ms = (int64_t)cf->output_stall_s * 1000,
                          });
}

/* Strangers hold memory until they have said who they are: over the limit the one that has had the longest
 * time for it goes. */
static void make_room(struct broker *b)
{
    struct conn *c = b->oldest;

    if (b->n_new < b->o.config.max_new || !c)
        return;
    broker_enter(b);
    conn_doom(c, BROKER_WHY_CLIENT_ERROR, 0, "no CONNECT yet, and too many others before theirs");
    broker_leave(b);
}

err_t broker_accept(struct broker *b, struct net_stream *s, const struct broker_peer *peer)
{
    struct conn *c;
    err_t e;

    if (b->draining || b->n_conns >= b->o.config.max_connections)
        return refuse_stream(s, peer, ERR_BUSY);
    make_room(b);
    c = conn_new(b, peer);
    e = c ? link_conn(b, c) : ERR_NOMEM;
    if (e) {
        conn_free(c);
        return refuse_stream(s, peer, e);
    }
    c->stream = s;
    c->user = peer->user;
    c->user_free = peer->user_free;
    conn_set_limits(c);
    net_stream_set_handler(s, &conn_stream_handler, c);
    return ERR_OK;
}
