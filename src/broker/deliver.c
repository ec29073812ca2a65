#include "broker/internal.h"

/* ---- sending to one connection ---- */

/* The properties of a message for the wire: what is left of its life (5.0 [MQTT-3.3.2-6]). */
static void set_props(struct mqtt_publish *p, const struct broker_msg *m, int64_t wall_ms)
{
    if (!m->props.n || mqtt_props_parse(m->props, MQTT_PUBLISH, &p->props))
        return; /* the service gave a bad block: the message goes without */
    if (mqtt_props_has(&p->props, MQTT_PROP_MESSAGE_EXPIRY) && m->ends_ms > wall_ms)
        p->props.message_expiry_s = (uint32_t)((m->ends_ms - wall_ms + 999) / 1000);
}

/* False: too large for this client [MQTT-3.1.2-24], or no memory; not sent. */
static bool send_publish(struct conn *c, const struct broker_msg *m, struct mqtt_publish *p)
{
    autobuf packet = BUF_INIT(c->max_packet);

    p->topic = m->topic;
    p->payload = m->payload;
    if (c->version == MQTT_V5)
        set_props(p, m, broker_wall(c->b));
    if (mqtt_publish_encode(&packet, c->version, p))
        return false;
    conn_send(c, buf_slice(&packet));
    c->b->delivered++;
    return true;
}

void conn_send_qos0(struct conn *c, struct broker_msg *m, bool retain)
{
    struct mqtt_publish p = { .retain = retain };

    if (!conn_up(c))
        return;
    if (conn_output_full(c) || broker_msg_expired(m, broker_wall(c->b)) || !conn_may_receive(c, m) ||
        !send_publish(c, m, &p))
        c->b->dropped++;
}

/* ---- QoS 1 of one session ---- */

static void note_done(struct session *s, const struct queued *item)
{
    if (session_persistent(s))
        broker_note(s->b, &(struct broker_record){
                              .kind = BROKER_REC_QUEUED_END, .client_id = s->id, .seq = item->seq });
}

static void drop(struct session *s, struct queue *q, struct queued *item)
{
    note_done(s, item);
    queue_unlink(q, item);
    queued_free(item);
    s->b->dropped++;
}

/* Stored messages leave at a limited rate (iot-core.md 1.4, persistent session). */
static bool held_back(const struct session *s, const struct queued *item)
{
    return s->b->o.config.stored_per_s && item->seq <= s->stored_seq && !s->conn->stored_left;
}

static err_t take_slot(struct session *s, struct queued *item)
{
    struct mqtt_slot *slot;
    err_t e = item->packet_id ? mqtt_window_retake(&s->out, item->packet_id, 1, item, &slot)
                              : mqtt_window_take(&s->out, 1, item, &slot);

    if (!e)
        item->packet_id = slot->id;
    return e;
}

/* The first waiting message, which the client may have. */
static err_t send_first(struct session *s, struct queued *item)
{
    struct mqtt_publish p = { .qos = 1,
                              .retain = item->retain,
                              .dup = item->packet_id != 0 }; /* [MQTT-3.3.1-1] */
    err_t e = take_slot(s, item);

    if (e)
        return e;
    p.packet_id = item->packet_id;
    if (item->seq <= s->stored_seq && s->conn->stored_left)
        s->conn->stored_left--;
    queue_unlink(&s->waiting, item);
    queue_append(&s->sent, item);
    if (!send_publish(s->conn, item->msg, &p)) {
        (void)mqtt_window_step(&s->out, mqtt_window_find(&s->out, item->packet_id),
                               MQTT_EV_RX_PUBACK); /* legal: just taken */
        drop(s, &s->sent, item);
    }
    return ERR_OK;
}

static void pump(struct session *s)
{
    while (conn_up(s->conn) && s->waiting.head && !conn_output_full(s->conn)) {
        struct queued *item = s->waiting.head;

        if (broker_msg_expired(item->msg, broker_wall(s->b)) && !item->packet_id) {
            drop(s, &s->waiting, item);
            continue;
        }
        if (held_back(s, item) || s->out.used >= s->out.max)
            return;
        if (!conn_may_receive(s->conn, item->msg)) {
            drop(s, &s->waiting, item);
            continue;
        }
        if (!conn_up(s->conn) || send_first(s, item))
            return;
    }
}

void session_pump(struct session *s)
{
    if (s->pumping) /* a callback of the authority published to the same session: the loop outside goes on */
        return;
    s->pumping = true;
    pump(s);
    s->pumping = false;
}

void session_acked(struct session *s, uint16_t packet_id)
{
    struct mqtt_slot *slot = mqtt_window_find(&s->out, packet_id);
    struct queued *item;

    if (!slot)
        return; /* late or unknown: nothing to do in 3.1.1 or 5.0 */
    item = slot->item;
    (void)mqtt_window_step(&s->out, slot, MQTT_EV_RX_PUBACK); /* legal: the only state our slots have */
    note_done(s, item);
    queue_unlink(&s->sent, item);
    queued_free(item);
    session_pump(s);
}

/* ---- routing ---- */

struct target {
    struct session *session;
    uint8_t qos;
    bool retain;  /* retain as published */
    uint64_t seq; /* reserved before anybody is called back */
};

struct route {
    struct broker *b;
    struct broker_msg *m;
    const struct session *from;
    struct target *targets;
    size_t n, room;
    struct broker_record *recs;
    size_t n_recs, room_recs;
    err_t err;
};

/* A session takes part once, with the highest QoS of its subscriptions that match (3.1.1 [MQTT-3.3.5-1]). */
static void add_target(struct route *r, struct sub *sub)
{
    struct session *s = sub->session;
    bool retain = (sub->options & SUB_RETAIN_AS_PUBLISHED) && r->m->retain;
    uint8_t qos = sub->qos < r->m->qos ? sub->qos : r->m->qos;

    if ((sub->options & SUB_NO_LOCAL) && s == r->from)
        return;
    if (s->mark == r->b->mark) {
        struct target *t = &r->targets[s->mark_target];

        t->qos = qos > t->qos ? qos : t->qos;
        t->retain |= retain;
        return;
    }
    if (!r->err)
        r->err =
            mem_grow(&r->targets, &r->room, r->n + 1, SIZE_MAX / sizeof(*r->targets), sizeof(*r->targets));
    if (r->err)
        return;
    s->mark = r->b->mark;
    s->mark_target = r->n;
    r->targets[r->n++] = (struct target){ .session = s, .qos = qos, .retain = retain };
}

static void on_leaf(void *ctx, struct broker_leaf *leaf)
{
    add_target(ctx, (struct sub *)(void *)leaf);
}

/* One member, in turn: the first who is connected, else the first whose session would keep it. A session that
 * gets the message anyway may be picked too; it then still gets one copy. */
static struct broker_leaf *on_group(void *ctx, struct broker_leaf *first)
{
    struct route *r = ctx;
    struct broker_leaf *pick = NULL;

    for (struct broker_leaf *l = first; l; l = l->next) {
        const struct session *s = ((struct sub *)(void *)l)->session;

        if (conn_up(s->conn)) {
            pick = l;
            break;
        }
        if (!pick && ((struct sub *)(void *)l)->qos && r->m->qos)
            pick = l;
    }
    if (pick)
        add_target(r, (struct sub *)(void *)pick);
    return pick;
}

static void add_record(struct route *r, struct broker_record rec)
{
    if (!r->err)
        r->err = mem_grow(&r->recs, &r->room_recs, r->n_recs + 1, SIZE_MAX / sizeof(rec), sizeof(rec));
    if (!r->err)
        r->recs[r->n_recs++] = rec;
}

static bool has_room(const struct session *s, const struct broker_msg *m)
{
    const struct broker_config *c = &s->b->o.config;

    return s->waiting.n < c->max_queued && s->waiting.bytes + broker_msg_size(m) <= c->max_queued_bytes;
}

/* Leave out who cannot take it; write down what must survive. */
static void settle(struct route *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->n; i++) {
        struct target t = r->targets[i];

        if (t.qos && !has_room(t.session, r->m)) {
            r->b->dropped++;
            continue;
        }
        if (t.qos)
            t.seq = ++t.session->last_seq;
        if (t.qos && session_persistent(t.session))
            add_record(r, session_queued_record(t.session, r->m, t.retain, t.seq));
        r->targets[kept++] = t;
    }
    r->n = kept;
    if (r->m->retain)
        add_record(r, retain_record(r->m));
}

static void hand_out(struct route *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct target *t = &r->targets[i];

        if (!t->qos)
            conn_send_qos0(t->session->conn, r->m, t->retain);
        else if (session_enqueue(t->session, r->m, t->retain, t->seq))
            r->b->dropped++; /* no memory */
        else
            session_pump(t->session);
    }
}

err_t broker_route(struct broker *b, struct broker_msg *m, const struct session *from, uint64_t ticket)
{
    struct route r = { .b = b, .m = m, .from = from };
    const struct broker_tree_visitor v = { on_leaf, on_group, &r };
    err_t e;

    b->mark++;
    broker_tree_match(&b->tree, m->topic, b->o.config.hash_below, &v);
    settle(&r);
    e = r.err;
    if (!e)
        e = broker_write(b, r.recs, r.n_recs, ticket);
    if (!e || e == ERR_MORE) {
        if (m->retain && retain_set(b, m))
            e = ERR_NOMEM;
        hand_out(&r);
    }
    free(r.targets);
    free(r.recs);
    return e;
}

void session_deliver(struct session *s, struct broker_msg *m, uint8_t qos, bool retain)
{
    struct broker_record rec;

    if (!qos) {
        conn_send_qos0(s->conn, m, retain);
        return;
    }
    rec = session_queued_record(s, m, retain, ++s->last_seq);
    if (session_enqueue(s, m, retain, rec.seq)) {
        s->b->dropped++;
        return;
    }
    if (session_persistent(s))
        broker_note(s->b, &rec);
    session_pump(s);
}
