#include "broker/internal.h"

#include <search.h>

static int id_cmp(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n ? memcmp(x->p, y->p, x->n) : 0;
}

struct session *session_find(const struct broker *b, struct slice id)
{
    void *hit = tfind(&id, &b->sessions, id_cmp);

    return hit ? *(struct session **)hit : NULL;
}

err_t session_new(struct broker *b, struct slice id, struct session **ret)
{
    struct session *s;

    if (b->n_sessions >= b->o.config.max_sessions)
        return ERR_TOO_BIG;
    s = mem_calloc(1, sizeof(*s) + id.n + 1);
    if (!s)
        return ERR_NOMEM;
    if (id.n)
        memcpy(s->bytes, id.p, id.n);
    s->id = slice_of(s->bytes, id.n);
    s->b = b;
    mqtt_window_init(&s->out, b->o.config.max_inflight_out);
    if (!tsearch(s, &b->sessions, id_cmp)) {
        free(s);
        return ERR_NOMEM;
    }
    s->next = b->session_list;
    if (s->next)
        s->next->prev = s;
    b->session_list = s;
    b->n_sessions++;
    *ret = s;
    return ERR_OK;
}

/* ---- queues ---- */

void queue_append(struct queue *q, struct queued *item)
{
    item->next = NULL;
    item->prev = q->tail;
    if (q->tail)
        q->tail->next = item;
    else
        q->head = item;
    q->tail = item;
    q->n++;
    q->bytes += broker_msg_size(item->msg);
}

void queue_unlink(struct queue *q, struct queued *item)
{
    if (item->prev)
        item->prev->next = item->next;
    else
        q->head = item->next;
    if (item->next)
        item->next->prev = item->prev;
    else
        q->tail = item->prev;
    q->n--;
    q->bytes -= broker_msg_size(item->msg);
}

void queued_free(struct queued *item)
{
    broker_msg_unref(item->msg);
    free(item);
}

static void queue_clear(struct queue *q)
{
    struct queued *next;

    for (struct queued *item = q->head; item; item = next) {
        next = item->next;
        queued_free(item);
    }
    *q = (struct queue){ 0 };
}

err_t session_enqueue(struct session *s, struct broker_msg *m, bool retain, uint64_t seq)
{
    const struct broker_config *c = &s->b->o.config;
    struct queued *item;

    if (s->waiting.n >= c->max_queued || s->waiting.bytes + broker_msg_size(m) > c->max_queued_bytes)
        return ERR_TOO_BIG;
    item = mem_calloc(1, sizeof(*item));
    if (!item)
        return ERR_NOMEM;
    item->msg = broker_msg_ref(m);
    item->retain = retain;
    item->seq = seq;
    s->last_seq = seq > s->last_seq ? seq : s->last_seq;
    queue_append(&s->waiting, item);
    return ERR_OK;
}

/* `sent` is in the order of sending, which is the order of seq; all of it is older than what waits. */
void session_requeue_sent(struct session *s)
{
    struct queue waiting = s->waiting;

    s->waiting = (struct queue){ 0 };
    while (s->sent.head) {
        struct queued *item = s->sent.head;

        queue_unlink(&s->sent, item);
        queue_append(&s->waiting, item);
    }
    while (waiting.head) {
        struct queued *item = waiting.head;

        queue_unlink(&waiting, item);
        queue_append(&s->waiting, item);
    }
    mqtt_window_done(&s->out);
}

struct broker_record session_queued_record(const struct session *s, const struct broker_msg *m, bool retain,
                                           uint64_t seq)
{
    return (struct broker_record){
        .kind = BROKER_REC_QUEUED,
        .client_id = s->id,
        .topic = m->topic,
        .payload = m->payload,
        .props = m->props,
        .seq = seq,
        .qos = 1,
        .retain = retain,
        .ends_ms = m->ends_ms,
    };
}

/* ---- subscriptions ---- */

struct sub *session_sub_find(const struct session *s, struct slice filter)
{
    struct sub *sub = s->subs;

    while (sub && !slice_eq(sub->filter, filter))
        sub = sub->next;
    return sub;
}

err_t session_subscribe(struct session *s, struct slice filter, uint8_t qos, uint8_t options, bool *ret_new)
{
    struct sub *sub = session_sub_find(s, filter);
    err_t e;

    *ret_new = !sub;
    if (!sub) {
        sub = mem_calloc(1, sizeof(*sub) + filter.n);
        if (!sub)
            return ERR_NOMEM;
        memcpy(sub->bytes, filter.p, filter.n);
        sub->filter = slice_of(sub->bytes, filter.n);
        sub->session = s;
        e = broker_tree_add(&s->b->tree, sub->filter, &sub->leaf);
        if (e) {
            free(sub);
            return e;
        }
        sub->next = s->subs;
        s->subs = sub;
        s->n_subs++;
        s->b->n_subs++;
    }
    sub->qos = qos;
    sub->options = options;
    return ERR_OK;
}

void session_unsubscribe(struct session *s, struct sub *sub)
{
    struct sub **at = &s->subs;

    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    broker_tree_remove(&sub->leaf);
    free(sub);
    s->n_subs--;
    s->b->n_subs--;
}

/* ---- life ---- */

void session_record(struct session *s)
{
    broker_note(s->b, &(struct broker_record){
                          .kind = BROKER_REC_SESSION,
                          .client_id = s->id,
                          .version = (uint8_t)s->version,
                          .expiry_s = s->expiry_s,
                          .ends_ms = s->ends_ms,
                      });
}

void session_free(struct session *s)
{
    struct broker *b = s->b;

    while (s->subs)
        session_unsubscribe(s, s->subs);
    queue_clear(&s->waiting);
    queue_clear(&s->sent);
    mqtt_window_done(&s->out);
    broker_msg_unref(s->will);
    (void)tdelete(s, &b->sessions, id_cmp);
    if (s->prev)
        s->prev->next = s->next;
    else
        b->session_list = s->next;
    if (s->next)
        s->next->prev = s->prev;
    b->n_sessions--;
    free(s);
}

void session_end(struct session *s)
{
    struct broker *b = s->b;
    struct broker_msg *will = steal(&s->will);

    if (session_persistent(s))
        broker_note(b, &(struct broker_record){ .kind = BROKER_REC_SESSION_END, .client_id = s->id });
    session_free(s);
    if (will)
        (void)broker_route(b, will, NULL,
                           0); /* 5.0 §3.1.3.2.2: at the latest when the session ends. Nobody waits for it */
    broker_msg_unref(will);
}
