#include "broker/internal.h"

#include "mqtt/topic.h"

#include <search.h>

struct retained {
    struct slice topic; /* first, the key; points into msg */
    struct broker_msg *msg;
};

static int topic_cmp(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n ? memcmp(x->p, y->p, x->n) : 0;
}

static struct retained *find(const struct broker *b, struct slice topic)
{
    void *hit = tfind(&topic, &b->retained, topic_cmp);

    return hit ? *(struct retained **)hit : NULL;
}

bool retain_room(const struct broker *b, const struct broker_msg *m)
{
    return !m->payload.n || b->n_retained < b->o.config.max_retained || find(b, m->topic);
}

static void drop(struct broker *b, struct retained *r)
{
    (void)tdelete(r, &b->retained, topic_cmp);
    broker_msg_unref(r->msg);
    free(r);
    b->n_retained--;
}

err_t retain_set(struct broker *b, struct broker_msg *m)
{
    struct retained *r = find(b, m->topic);

    m->stored_ms = m->stored_ms ? m->stored_ms : broker_wall(b);
    if (!m->payload.n) { /* [MQTT-3.3.1-10], [MQTT-3.3.1-11] */
        if (r)
            drop(b, r);
        return ERR_OK;
    }
    if (r) {
        struct broker_msg *old = r->msg;

        r->msg = broker_msg_ref(m);
        r->topic = m->topic; /* the same bytes elsewhere: the tree's order stays */
        broker_msg_unref(old);
        return ERR_OK;
    }
    r = mem_calloc(1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    r->topic = m->topic;
    if (!tsearch(r, &b->retained, topic_cmp)) {
        free(r);
        return ERR_NOMEM;
    }
    r->msg = broker_msg_ref(m);
    b->n_retained++;
    return ERR_OK;
}

struct broker_record retain_record(const struct broker_msg *m)
{
    if (!m->payload.n)
        return (struct broker_record){ .kind = BROKER_REC_RETAINED_END, .topic = m->topic };
    return (struct broker_record){
        .kind = BROKER_REC_RETAINED,
        .message = m->serial,
        .topic = m->topic,
        .payload = m->payload,
        .props = m->props,
        .qos = m->qos,
        .retain = true,
        .stored_ms = m->stored_ms,
        .ends_ms = m->ends_ms,
    };
}

static void deliver(struct session *s, const struct retained *r, const struct sub_how *how)
{
    autobuf id = BUF_INIT(8);
    struct delivery d = { .qos = how->qos < r->msg->qos ? how->qos : r->msg->qos, .retain = true };

    if (broker_msg_expired(r->msg, broker_wall(s->b)))
        return;
    if (how->id && mqtt_sub_id_add(&id, how->id)) {
        s->b->drops[BROKER_DROP_OTHER]++;
        return;
    }
    d.sub_ids = buf_slice(&id);
    session_deliver(s, r->msg, d);
}

struct walk {
    struct session *s;
    struct slice filter;
    const struct sub_how *how;
};

/* Delivery asks the authority, and an authority that publishes changes the tree: collect first. */
struct matches {
    const struct walk *walk;
    struct retained *list;
    size_t n, room;
};

static void collect(const void *node, VISIT which, void *arg)
{
    struct matches *m = arg;
    const struct retained *r = *(struct retained *const *)node;
    enum mqtt_match how = m->walk->s->b->o.config.hash_below ? MQTT_MATCH_HASH_BELOW : MQTT_MATCH_SPEC;

    if ((which != postorder && which != leaf) || !mqtt_topic_matches(m->walk->filter, r->topic, how))
        return;
    if (mem_grow(&m->list, &m->room, m->n + 1, m->walk->s->b->n_retained, sizeof(*m->list)))
        return; /* no memory: this one is not delivered */
    m->list[m->n++] = (struct retained){ r->topic, broker_msg_ref(r->msg) };
}

static void deliver_matching(const struct walk *w)
{
    struct matches m = { .walk = w };

    twalk_r(w->s->b->retained, collect, &m);
    for (size_t i = 0; i < m.n; i++) {
        deliver(w->s, &m.list[i], w->how);
        broker_msg_unref(m.list[i].msg);
    }
    free(m.list);
}

void retain_deliver(struct session *s, struct slice filter, const struct sub_how *how)
{
    struct retained *r;

    if (slice_starts(filter, SLICE_LIT("$share/"))) /* 5.0 §4.8.2: none for shared subscriptions */
        return;
    if (mqtt_filter_has_wildcard(filter)) {
        if (!s->b->o.config.retained_exact_only)
            deliver_matching(&(struct walk){ s, filter, how });
        return;
    }
    r = find(s->b, filter);
    if (r)
        deliver(s, r, how);
}

/* ---- looking ---- */

static struct broker_retained view(const struct broker_msg *m)
{
    return (struct broker_retained){ m->topic, m->payload, m->props, m->qos, m->stored_ms };
}

err_t broker_retained_find(const struct broker *b, struct slice topic, struct broker_retained *ret)
{
    const struct retained *r = find(b, topic);

    if (!r || broker_msg_expired(r->msg, broker_wall(b)))
        return ERR_NOT_FOUND;
    *ret = view(r->msg);
    return ERR_OK;
}

struct listing {
    struct slice after;
    int64_t wall_ms;
    broker_retained_fn fn;
    void *ctx;
    bool enough;
};

static void list_one(const void *node, VISIT which, void *arg)
{
    const struct retained *r = *(struct retained *const *)node;
    struct listing *l = arg;
    struct broker_retained v = view(r->msg);

    if ((which != postorder && which != leaf) || l->enough || topic_cmp(&r->topic, &l->after) <= 0 ||
        broker_msg_expired(r->msg, l->wall_ms))
        return;
    l->enough = !l->fn(l->ctx, &v);
}

void broker_retained_list(const struct broker *b, struct slice after, broker_retained_fn fn, void *ctx)
{
    struct listing l = { after, broker_wall(b), fn, ctx, false };

    twalk_r(b->retained, list_one, &l);
}

/* ---- expiry ---- */

struct expired {
    struct broker *b;
    int64_t wall_ms;
    struct slice *topics; /* of messages that are still there */
    size_t n, room;
};

static void collect_expired(const void *node, VISIT which, void *arg)
{
    const struct retained *r = *(struct retained *const *)node;
    struct expired *x = arg;

    if ((which != postorder && which != leaf) || !broker_msg_expired(r->msg, x->wall_ms))
        return;
    if (mem_grow(&x->topics, &x->room, x->n + 1, x->b->n_retained, sizeof(*x->topics)) == ERR_OK)
        x->topics[x->n++] = r->topic; /* no memory: another time */
}

void retain_expire(struct broker *b)
{
    struct expired x = { .b = b, .wall_ms = broker_wall(b) };

    twalk_r(b->retained, collect_expired, &x);
    for (size_t i = 0; i < x.n; i++) {
        broker_note(b, &(struct broker_record){ .kind = BROKER_REC_RETAINED_END, .topic = x.topics[i] });
        drop(b, find(b, x.topics[i]));
    }
    free(x.topics);
}

static void free_node(void *p)
{
    struct retained *r = p;

    broker_msg_unref(r->msg);
    free(r);
}

void retain_free_all(struct broker *b)
{
    tdestroy(b->retained, free_node);
    b->retained = NULL;
    b->n_retained = 0;
}
