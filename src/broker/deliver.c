#include "broker/internal.h"

/* Sending what is due: QoS 0 at once or never, QoS 1 and 2 through the session's queue and its window. */

/* Has everybody together got enough for this second? */
static bool too_many(const struct broker *b)
{
    return b->o.config.deliveries_all_per_s && !b->deliveries_left;
}

void conn_send_qos0(struct conn *c, struct broker_msg *m, const struct delivery *d)
{
    if (!conn_up(c))
        return;
    if (too_many(c->b))
        c->b->drops[BROKER_DROP_RATE]++;
    else if (conn_output_full(c))
        c->b->drops[BROKER_DROP_SLOW]++;
    else if (broker_msg_expired(m, broker_wall(c->b)))
        c->b->drops[BROKER_DROP_EXPIRED]++;
    else if (!conn_may_receive(c, m))
        c->b->drops[BROKER_DROP_DENIED]++;
    else if (!conn_up(c) || !conn_publish(c, m, (struct mqtt_image_vary){ .retain = d->retain }, d->sub_ids))
        c->b->drops[BROKER_DROP_OTHER]++;
}

/* ---- QoS 1 and 2 ---- */

void session_settle(struct session *s, struct queued *e)
{
    if (session_persistent(s))
        broker_note(s->b, &(struct broker_record){
                              .kind = BROKER_REC_QUEUED_END, .client_id = s->id, .seq = e->seq });
    queue_settle(&s->queue, e);
}

static void drop(struct session *s, enum broker_drop why)
{
    session_settle(s, queue_waiting(&s->queue));
    s->b->drops[why]++;
}

void session_give_up(struct session *s)
{
    const int64_t limit = s->b->o.config.unacked_s;
    const int64_t now_s = broker_mono(s->b) / 1000;
    struct queued *e;

    while (limit && (e = queue_oldest(&s->queue)) && now_s - e->sent_s > limit) {
        session_settle(s, e);
        s->b->drops[BROKER_DROP_UNACKED]++;
    }
}

/* Stored messages leave at a limited rate (iot-core.md 1.4, persistent session). */
static bool held_back(const struct session *s, const struct queued *e)
{
    return s->b->o.config.stored_per_s && e->seq <= s->stored_seq && !s->conn->stored_left;
}

/* The identifier follows from the message's number: after a restart it is the same one again (5.0
 * [MQTT-4.4.0-1]), without having been written down. Only when the client leaves one message unacknowledged
 * for 65535 others is the next free one taken. */
static uint16_t identifier(const struct session *s, uint64_t seq)
{
    uint16_t id = (uint16_t)((seq - 1) % UINT16_MAX + 1);

    while (queue_find(&s->queue, id))
        id = id == UINT16_MAX ? 1 : (uint16_t)(id + 1);
    return id;
}

/* ---- after a restart ---- */

bool session_released(struct session *s, uint64_t seq)
{
    struct queued *e;

    for (uint32_t i = 0; (e = queue_at(&s->queue, i)); i++) {
        if (e->seq != seq)
            continue;
        e->packet_id = identifier(s, seq);
        e->state = MQTT_QOS_WAIT_PUBCOMP;
        return true;
    }
    return false;
}

void session_loaded(struct session *s)
{
    struct queued *e;

    for (uint32_t i = 0;
         s->was_connected && i < s->b->o.config.max_inflight_out && (e = queue_at(&s->queue, i)); i++)
        if (e->state == MQTT_QOS_IDLE)
            e->state = e->qos == 2 ? MQTT_QOS_WAIT_PUBREC : MQTT_QOS_WAIT_PUBACK;
}

/* ---- sending ---- */

static struct slice ids_of(const struct queued *e)
{
    return e->ids ? slice_of(e->ids->bytes, e->ids->n) : (struct slice){ 0 };
}

/* The first that waits, which the client may have. */
static void send_first(struct session *s)
{
    struct queued *e = queue_waiting(&s->queue);
    struct mqtt_image_vary v = { .dup = e->state != MQTT_QOS_IDLE, .retain = e->retain, .qos = e->qos };

    if (!e->packet_id)
        e->packet_id = identifier(s, e->seq);
    v.packet_id = e->packet_id;
    e->state = e->qos == 2 ? MQTT_QOS_WAIT_PUBREC : MQTT_QOS_WAIT_PUBACK;
    e->sent_s = (uint32_t)(broker_mono(s->b) / 1000);
    if (e->seq <= s->stored_seq && s->conn->stored_left)
        s->conn->stored_left--;
    if (conn_publish(s->conn, e->msg, v, ids_of(e)))
        queue_pass(&s->queue);
    else
        drop(s, BROKER_DROP_OTHER);
}

/* After a reconnect: the client has the message, it may not know that we know (5.0 [MQTT-4.4.0-1]). */
static void send_release(struct session *s, const struct queued *e)
{
    queue_pass(&s->queue);
    owed_ack(s->conn, MQTT_PUBREL, e->packet_id, 0, (struct owed_what){ 0 });
}

static void pump(struct session *s)
{
    struct queued *e;

    while (conn_up(s->conn) && (e = queue_waiting(&s->queue)) && !conn_output_full(s->conn)) {
        if (e->held)
            return;
        /* 5.0 [MQTT-4.3.3-7]: what was sent once does not expire */
        if (e->state == MQTT_QOS_IDLE && broker_msg_expired(e->msg, broker_wall(s->b))) {
            drop(s, BROKER_DROP_EXPIRED);
            continue;
        }
        if (held_back(s, e) || too_many(s->b) || s->queue.inflight >= s->window)
            return;
        if (e->state == MQTT_QOS_WAIT_PUBCOMP)
            send_release(s, e);
        else if (!conn_may_receive(s->conn, e->msg)) /* the queue may have grown: e is not good any more */
            drop(s, BROKER_DROP_DENIED);
        else if (conn_up(s->conn))
            send_first(s);
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

/* Tell the journal of a message that this session alone gets. */
static void write_down(struct session *s, struct broker_msg *m, struct delivery *d)
{
    const struct broker_record rec = session_queued_record(s, m, d);
    uint64_t ticket = d->qos == 2 ? hold_ticket(s->b) : 0;
    struct hold *h;

    if (!session_persistent(s))
        return;
    d->held = broker_write(s->b, &rec, 1, ticket) == ERR_MORE && ticket &&
              hold_new(s->b, ticket, m, 1, &h) == ERR_OK;
    if (d->held)
        hold_add(h, s);
}

void session_deliver(struct session *s, struct broker_msg *m, struct delivery d)
{

    if (!d.qos) {
        conn_send_qos0(s->conn, m, &d);
        return;
    }
    d.seq = ++s->last_seq;
    if (!session_has_room(s, m)) {
        s->b->drops[BROKER_DROP_FULL]++;
        return;
    }
    write_down(s, m, &d);
    if (session_enqueue(s, m, &d))
        s->b->drops[BROKER_DROP_OTHER]++; /* no memory */
    session_pump(s);
}
