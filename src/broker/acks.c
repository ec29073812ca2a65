#include "broker/internal.h"

/* PUBACK, PUBREC, PUBREL and PUBCOMP from a client: §3.4 to §3.7, §4.3. */

static bool decode(struct conn *c, const struct mqtt_frame *f, struct mqtt_ack *ret)
{
    err_t e = mqtt_ack_decode(f, c->version, ret);

    if (e)
        conn_refuse_packet(c, f->type, e);
    return !e;
}

/* The message it is for, moved on. NULL: none, or the packet is not due and the connection ends. */
static struct queued *step(struct conn *c, const struct mqtt_ack *a, enum mqtt_qos_event ev, unsigned type)
{
    struct queued *e = queue_find(&c->session->queue, a->packet_id);
    enum mqtt_qos_state to;

    if (!e)
        return NULL;
    if (mqtt_qos_next(e->state, ev, &to)) {
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_PROTOCOL_ERROR,
                  "%s for a message that waits for another", mqtt_type_str(type));
        return NULL;
    }
    e->state = (uint8_t)to;
    return e;
}

static err_t handle_last(struct conn *c, const struct mqtt_frame *f, enum mqtt_qos_event ev)
{
    struct queued *e;
    struct mqtt_ack a;

    if (!decode(c, f, &a))
        return ERR_OK;
    e = step(c, &a, ev, f->type);
    if (!e)
        return ERR_OK; /* late or unknown: nothing to do in 3.1.1 or 5.0 */
    session_settle(c->session, e);
    session_pump(c->session);
    return ERR_OK;
}

err_t conn_handle_puback(struct conn *c, const struct mqtt_frame *f)
{
    return handle_last(c, f, MQTT_EV_RX_PUBACK);
}

err_t conn_handle_pubcomp(struct conn *c, const struct mqtt_frame *f)
{
    return handle_last(c, f, MQTT_EV_RX_PUBCOMP);
}

/* The client has the message. PUBREL lets it forget the identifier, so we must not forget that: the journal
 * first, and never PUBLISH again (5.0 [MQTT-4.3.3-6]). */
static void release(struct conn *c, const struct queued *e)
{
    struct session *s = c->session;
    struct owed_what what = { .ticket = conn_next_ticket(c) };
    err_t w = ERR_OK;

    if (session_persistent(s))
        w = broker_write(
            c->b, &(struct broker_record){ .kind = BROKER_REC_RELEASED, .client_id = s->id, .seq = e->seq },
            1, what.ticket);
    if (w && w != ERR_MORE) {
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "PUBREC could not be kept: %s",
                  err_str(w));
        return;
    }
    what.waits = w == ERR_MORE;
    owed_ack(c, MQTT_PUBREL, e->packet_id, 0, what);
}

err_t conn_handle_pubrec(struct conn *c, const struct mqtt_frame *f)
{
    struct queued *e;
    struct mqtt_ack a;

    if (!decode(c, f, &a))
        return ERR_OK;
    e = step(c, &a, MQTT_EV_RX_PUBREC, MQTT_PUBREC);
    if (e && a.code >= 0x80) { /* 5.0 [MQTT-4.4.0-2]: as if it had been acknowledged */
        session_settle(c->session, e);
        session_pump(c->session);
    } else if (e) {
        release(c, e);
    } else if (c->state != CONN_DOOMED && a.code < 0x80) {
        owed_ack(c, MQTT_PUBREL, a.packet_id, MQTT_RC_PACKET_ID_NOT_FOUND, (struct owed_what){ 0 });
    }
    return ERR_OK;
}

/* PUBCOMP lets the client use the identifier for another message: we must not take that for this one, after a
 * restart neither. */
err_t conn_handle_pubrel(struct conn *c, const struct mqtt_frame *f)
{
    struct session *s = c->session;
    struct owed_what what = { .ticket = conn_next_ticket(c) };
    struct mqtt_ack a;
    bool known;
    err_t w = ERR_OK;

    if (!decode(c, f, &a))
        return ERR_OK;
    known = mqtt_ids_remove(&s->received, a.packet_id);
    if (known && session_persistent(s))
        w = broker_write(c->b,
                         &(struct broker_record){
                             .kind = BROKER_REC_RECEIVED_END, .client_id = s->id, .packet_id = a.packet_id },
                         1, what.ticket);
    if (w && w != ERR_MORE) {
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "PUBREL could not be kept: %s",
                  err_str(w));
        return ERR_OK;
    }
    what.waits = w == ERR_MORE;
    owed_ack(c, MQTT_PUBCOMP, a.packet_id, known ? 0 : MQTT_RC_PACKET_ID_NOT_FOUND, what);
    return ERR_OK;
}
