#include "broker/internal.h"

/* [MQTT-4.6.0-2] to [MQTT-4.6.0-4]: acknowledgements leave in the order of their packets. */

static void unlink_head(struct conn *c)
{
    struct owed *o = c->owed_head;

    c->owed_head = o->next;
    if (!c->owed_head)
        c->owed_tail = NULL;
    c->n_owed--;
    c->n_unacked -= o->publish;
    free(o);
}

static void flush(struct conn *c)
{
    while (c->owed_head && !c->owed_head->waits) {
        if (c->owed_head->n)
            conn_send(c, slice_of(c->owed_head->bytes, c->owed_head->n));
        unlink_head(c);
    }
}

void owed_add(struct conn *c, const struct owed_what *what)
{
    struct owed *o;

    if (!what->waits && !c->owed_head) { /* nothing to wait for, nothing to keep */
        if (what->packet.n)
            conn_send(c, what->packet);
        return;
    }
    o = mem_calloc(1, sizeof(*o) + what->packet.n);
    if (!o) {
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "no memory for an acknowledgement");
        return;
    }
    o->ticket = what->ticket;
    o->waits = what->waits;
    o->since_ms = broker_mono(c->b);
    o->publish = what->publish;
    o->received_id = what->received_id;
    o->n = what->packet.n;
    if (o->n)
        memcpy(o->bytes, what->packet.p, o->n);
    if (c->owed_tail)
        c->owed_tail->next = o;
    else
        c->owed_head = o;
    c->owed_tail = o;
    c->n_owed++;
    c->n_unacked += o->publish;
}

void owed_ack(struct conn *c, enum mqtt_type type, uint16_t packet_id, uint8_t code, struct owed_what what)
{
    bool with_code = code && c->version == MQTT_V5; /* 5.0 §3.4.2.1: success needs no code */
    const uint8_t packet[] = { (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0)), with_code ? 3 : 2,
                               (uint8_t)(packet_id >> 8), (uint8_t)packet_id, code };

    what.packet = slice_of(packet, with_code ? 5 : 4);
    owed_add(c, &what);
}

void owed_answer(struct conn *c, uint64_t ticket, bool ok, const char *what)
{
    struct owed *o = c->owed_head;

    while (o && o->ticket != ticket)
        o = o->next;
    if (!o || !o->waits)
        return;
    if (!ok) {
        if (o->received_id && c->session) /* it comes again, and is a new message then */
            (void)mqtt_ids_remove(&c->session->received, o->received_id);
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "a packet could not be acknowledged: %s",
                  what);
        return;
    }
    o->waits--;
    flush(c);
}

void owed_clear(struct conn *c)
{
    while (c->owed_head)
        unlink_head(c);
}
