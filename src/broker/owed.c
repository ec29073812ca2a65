#include "broker/internal.h"

/* [MQTT-4.6.0-2]: PUBACKs leave in the order of their PUBLISHes; SUBACK and UNSUBACK queue with them. */

static void owed_free(struct owed *o)
{
    buf_done(&o->packet);
    free(o);
}

static void flush(struct conn *c)
{
    while (c->owed_head && !c->owed_head->waits) {
        struct owed *o = c->owed_head;

        c->owed_head = o->next;
        if (!c->owed_head)
            c->owed_tail = NULL;
        c->n_owed--;
        if (o->packet.n)
            conn_send(c, buf_slice(&o->packet));
        owed_free(o);
    }
}

err_t owed_add(struct conn *c, struct buf *packet, uint64_t ticket, unsigned waits)
{
    struct owed *o = mem_calloc(1, sizeof(*o));

    if (!o)
        return ERR_NOMEM;
    o->ticket = ticket;
    o->waits = waits;
    o->since_ms = broker_mono(c->b);
    o->packet = *packet;
    *packet = (struct buf){ 0 };
    if (c->owed_tail)
        c->owed_tail->next = o;
    else
        c->owed_head = o;
    c->owed_tail = o;
    c->n_owed++;
    flush(c);
    return ERR_OK;
}

void owed_answer(struct conn *c, uint64_t ticket, bool ok, const char *what)
{
    struct owed *o = c->owed_head;

    while (o && o->ticket != ticket)
        o = o->next;
    if (!o || !o->waits)
        return;
    if (!ok) {
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "a packet could not be acknowledged: %s",
                  what);
        return;
    }
    o->waits--;
    flush(c);
}

void owed_clear(struct conn *c)
{
    while (c->owed_head) {
        struct owed *o = c->owed_head;

        c->owed_head = o->next;
        owed_free(o);
    }
    c->owed_tail = NULL;
    c->n_owed = 0;
}
