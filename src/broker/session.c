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

    s = mem_calloc(1, sizeof(*s) + id.n + 1);
    if (!s)
        return ERR_NOMEM;
    if (id.n)
        memcpy(s->bytes, id.p, id.n);
    s->id = slice_of(s->bytes, id.n);
    s->b = b;
    s->window = b->o.config.max_inflight_out;
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

/* ---- its queue ---- */

bool session_has_room(const struct session *s, const struct broker_msg *m)
{
    const struct broker_config *c = &s->b->o.config;

    return queue_waiting_n(&s->queue) < c->max_queued &&
           s->queue.bytes + broker_msg_size(m) <= c->max_queued_bytes;
}

static err_t ids_new(struct slice sub_ids, struct broker_ids **ret)
{
    struct broker_ids *ids;

    if (!sub_ids.n)
        return ERR_OK;
    ids = mem_calloc(1, sizeof(*ids) + sub_ids.n);
    if (!ids)
        return ERR_NOMEM;
    ids->n = sub_ids.n;
    memcpy(ids->bytes, sub_ids.p, sub_ids.n);
    *ret = ids;
    return ERR_OK;
}

err_t session_enqueue(struct session *s, struct broker_msg *m, const struct delivery *d)
{
    struct queued e = { .msg = m, .seq = d->seq, .qos = d->qos, .retain = d->retain, .held = d->held };

    if (ids_new(d->sub_ids, &e.ids))
        return ERR_NOMEM;
    if (queue_push(&s->queue, &e)) {
        free(e.ids);
        return ERR_NOMEM;
    }
    (void)broker_msg_ref(m); /* the queue's */
    s->last_seq = d->seq > s->last_seq ? d->seq : s->last_seq;
    return ERR_OK;
}

struct broker_record session_queued_record(const struct session *s, const struct broker_msg *m,
                                           const struct delivery *d)
{
    return (struct broker_record){
        .kind = BROKER_REC_QUEUED,
        .client_id = s->id,
        .message = m->serial,
        .topic = m->topic,
        .payload = m->payload,
        .props = m->props,
        .sub_ids = d->sub_ids,
        .seq = d->seq,
        .qos = d->qos,
        .retain = d->retain,
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

err_t session_subscribe(struct session *s, struct slice filter, const struct sub_how *how, bool *ret_new)
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
    sub->qos = how->qos;
    sub->options = how->options;
    sub->id = how->id;
    return ERR_OK;
}

void session_unsubscribe(struct session *s, struct sub *sub)
{
    struct sub **at = &s->subs;

    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    broker_tree_remove(&s->b->tree, &sub->leaf);
    free(sub);
    s->n_subs--;
    s->b->n_subs--;
}

/* ---- the delayed Will ---- */

void session_delay_will(struct session *s, struct broker_msg *will, int64_t due_ms)
{
    s->will = will;
    s->will_due_ms = due_ms;
    broker_note(s->b, &(struct broker_record){
                          .kind = BROKER_REC_WILL,
                          .client_id = s->id,
                          .topic = will->topic,
                          .payload = will->payload,
                          .props = will->props,
                          .qos = will->qos,
                          .retain = will->retain,
                          .ends_ms = will->ends_ms,
                          .due_ms = due_ms,
                      });
}

/* One write: it is published, and gone. */
void session_publish_will(struct session *s)
{
    const struct broker_record end = { .kind = BROKER_REC_WILL_END, .client_id = s->id };
    struct broker_msg *will = steal(&s->will);

    (void)broker_route(s->b, will, &(struct route_from){ .session = s, .also = &end }); /* nobody to tell */
    broker_msg_unref(will);
}

void session_forget_will(struct session *s)
{
    if (!s->will)
        return;
    broker_msg_unref(steal(&s->will));
    broker_note(s->b, &(struct broker_record){ .kind = BROKER_REC_WILL_END, .client_id = s->id });
}

/* ---- life ---- */

int64_t session_ends(const struct session *s)
{
    /* 5.0 §3.1.2.11.2: UINT_MAX does not expire */
    return s->expiry_s == UINT32_MAX ? INT64_MAX : broker_wall(s->b) + (int64_t)s->expiry_s * 1000;
}

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

    hold_forget(s);
    while (s->subs)
        session_unsubscribe(s, s->subs);
    queue_clear(&s->queue);
    mqtt_ids_done(&s->received);
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
        /* 5.0 §3.1.3.2.2: at the latest when the session ends. Nobody waits for it */
        (void)broker_route(b, will, &(struct route_from){ 0 });
    broker_msg_unref(will);
}
