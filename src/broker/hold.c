#include "broker/internal.h"

/* A QoS 2 message leaves only when the journal has what was written about it. Sent earlier, it could come a
 * second time after a failed write or a crash, because its publisher sends it again; and a broker that lost
 * its number would give its packet identifier to another message, which the client would take for this one.
 * At least once needs none of that: QoS 1 leaves at once. */

struct hold {
    struct hold *next;
    uint64_t ticket;
    struct broker_msg *msg;
    size_t n;
    struct session *sessions[]; /* NULL: ended meanwhile */
};

uint64_t hold_ticket(struct broker *b)
{
    b->last_own_ticket = b->last_own_ticket == UINT32_MAX ? 1 : b->last_own_ticket + 1;
    return b->last_own_ticket; /* the upper half, a connection's serial number, is 0 */
}

err_t hold_new(struct broker *b, uint64_t ticket, struct broker_msg *m, size_t n, struct hold **ret)
{
    struct hold *h = mem_calloc(1, sizeof(*h) + n * sizeof(struct session *));

    if (!h)
        return ERR_NOMEM;
    h->ticket = ticket;
    h->msg = broker_msg_ref(m);
    *b->holds_end = h;
    b->holds_end = &h->next;
    *ret = h;
    return ERR_OK;
}

void hold_add(struct hold *h, struct session *s)
{
    h->sessions[h->n++] = s;
    s->n_held++;
}

/* It is near the end. */
static struct queued *find_held(struct session *s, const struct broker_msg *m)
{
    for (uint32_t i = s->queue.n; i-- > s->queue.sent;) {
        struct queued *e = queue_at(&s->queue, i);

        if (e->held && e->msg == m)
            return e;
    }
    return NULL;
}

static void settle_one(struct session *s, const struct broker_msg *m, err_t err)
{
    struct queued *e = find_held(s, m);

    s->n_held--;
    if (e && err)
        queue_remove(&s->queue, e);
    else if (e)
        e->held = false;
    if (e)
        session_pump(s);
}

static void hold_free(struct hold *h)
{
    broker_msg_unref(h->msg);
    free(h);
}

void hold_settle(struct broker *b, uint64_t ticket, err_t err)
{
    struct hold **at = &b->holds, *h;

    while (*at && (*at)->ticket != ticket)
        at = &(*at)->next;
    h = *at;
    if (!h)
        return;
    *at = h->next;
    if (!h->next)
        b->holds_end = at;
    for (size_t i = 0; i < h->n; i++) {
        struct session *s = steal(&h->sessions[i]);

        if (s)
            settle_one(s, h->msg, err);
    }
    hold_free(h);
}

void hold_forget(struct session *s)
{
    for (struct hold *h = s->n_held ? s->b->holds : NULL; h; h = h->next) {
        for (size_t i = 0; i < h->n; i++) {
            if (h->sessions[i] == s)
                h->sessions[i] = NULL;
        }
    }
}

void hold_free_all(struct broker *b)
{
    while (b->holds) {
        struct hold *h = b->holds;

        b->holds = h->next;
        hold_free(h);
    }
}
