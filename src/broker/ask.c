#include "broker/internal.h"

uint64_t conn_next_ticket(struct conn *c)
{
    if (!++c->last_ticket)
        ++c->last_ticket;
    return (uint64_t)c->serial << 32 | c->last_ticket;
}

/* What the connection knows goes into the question. */
static void complete(const struct conn *c, struct broker_question *q)
{
    q->user = c->user;
    q->principal = conn_principal(c);
    if (c->session)
        q->client_id = c->session->id;
}

static enum broker_verdict put(struct conn *c, const struct broker_question *q)
{
    const struct broker_authority *a = &c->b->o.authority;
    enum broker_verdict v = a->may ? a->may(a->ctx, q) : BROKER_ALLOW;

    /* The callback may have ended this very connection. */
    return c->state == CONN_DOOMED ? BROKER_DENY_CLOSE : v;
}

/* The packet will be handled again: the first n answers have to be there then, and room for one more. */
static bool keep_answers(struct conn *c, unsigned n)
{
    uint8_t *kept = realloc(c->answers, n + 1);

    if (!kept) {
        c->ticket = 0;
        return false;
    }
    memcpy(kept + c->n_answers, c->b->answers + c->n_answers, n - c->n_answers);
    c->answers = kept;
    c->n_answers = n;
    return true;
}

enum broker_verdict conn_ask(struct conn *c, struct broker_question q)
{
    struct broker *b = c->b;
    unsigned i = b->n_asked++;
    enum broker_verdict v;

    if (i < c->n_answers)
        return c->answers[i];
    if (i >= CONN_QUESTIONS)
        return BROKER_DENY_CLOSE;
    complete(c, &q);
    q.ticket = conn_next_ticket(c);
    v = put(c, &q);
    if (v == BROKER_LATER) {
        c->ticket = q.ticket;
        c->asked_ms = broker_mono(b);
        return keep_answers(c, i) ? v : BROKER_DENY_CLOSE;
    }
    b->answers[i] = v;
    return v;
}

bool conn_may_receive(struct conn *c, const struct broker_msg *m)
{
    struct broker_question q = {
        .action = BROKER_RECEIVE, .topic = m->topic, .retain = m->retain, .qos = m->qos
    };
    enum broker_verdict v;

    complete(c, &q);
    v = put(c, &q);
    if (v == BROKER_ALLOW)
        return true;
    conn_denied(c, BROKER_RECEIVE, m->topic);
    if (v == BROKER_DENY_CLOSE)
        conn_doom(c, BROKER_WHY_AUTH, MQTT_RC_NOT_AUTHORIZED,
                  "the authority ended the connection at a delivery");
    return false;
}

void conn_denied(struct conn *c, enum broker_action action, struct slice topic)
{
    const struct broker_events *e = &c->b->o.events;

    if (e->denied)
        e->denied(e->ctx, c->user, conn_client_id(c), action, topic);
}
