#include "broker/internal.h"

/* Who gets a message: find the sessions, write down what must survive in one piece, hand it out. */

struct target {
    struct session *session;
    struct delivery d;
    size_t hits;   /* its last one in route.hits, counted from 1; 0: none */
    size_t ids_at; /* in route.ids */
};

/* A subscription identifier that goes with the message. */
struct hit {
    uint32_t id;
    size_t before; /* the target's one before, as target.hits */
};

struct route {
    struct broker *b;
    struct broker_msg *m;
    const struct route_from *from;
    struct route_room room;
    size_t n, n_recs;
    struct hit *hits;
    size_t n_hits, room_hits;
    struct buf ids; /* identifiers, encoded, target after target */
    uint64_t ticket;
    struct hold *hold; /* NULL: nobody has to wait */
    err_t err;
};

void route_room_done(struct route_room *r)
{
    free(r->targets);
    free(r->recs);
    *r = (struct route_room){ 0 };
}

static err_t note_hit(struct route *r, struct target *t, uint32_t id)
{
    err_t e = mem_grow(&r->hits, &r->room_hits, r->n_hits + 1, SIZE_MAX / sizeof(*r->hits), sizeof(*r->hits));

    if (e)
        return e;
    r->hits[r->n_hits++] = (struct hit){ .id = id, .before = t->hits };
    t->hits = r->n_hits;
    return ERR_OK;
}

static err_t new_target(struct route *r, struct session *s)
{
    struct route_room *room = &r->room;
    err_t e = mem_grow(&room->targets, &room->room_targets, r->n + 1, SIZE_MAX / sizeof(*room->targets),
                       sizeof(*room->targets));

    if (e)
        return e;
    s->mark = r->b->mark;
    s->mark_target = r->n;
    room->targets[r->n++] = (struct target){ .session = s };
    return ERR_OK;
}

/* A session takes part once, with the highest QoS of its subscriptions that match (3.1.1 [MQTT-3.3.5-1], 5.0
 * [MQTT-3.3.4-2]) and the identifiers of all of them ([MQTT-3.3.4-4]). */
static void add_target(struct route *r, struct sub *sub)
{
    struct session *s = sub->session;
    uint8_t qos = sub->qos < r->m->qos ? sub->qos : r->m->qos;
    struct delivery *d;

    if (r->err || ((sub->options & SUB_NO_LOCAL) && s == r->from->session))
        return;
    if (s->mark != r->b->mark)
        r->err = new_target(r, s);
    if (!r->err && sub->id)
        r->err = note_hit(r, &r->room.targets[s->mark_target], sub->id);
    if (r->err)
        return;
    d = &r->room.targets[s->mark_target].d;
    d->qos = qos > d->qos ? qos : d->qos;
    d->retain |= (sub->options & SUB_RETAIN_AS_PUBLISHED) && r->m->retain;
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

/* Encode the identifiers that go with one target. */
static void gather_ids(struct route *r, struct target *t)
{
    t->ids_at = r->ids.n;
    for (size_t i = t->hits; !r->err && i; i = r->hits[i - 1].before)
        r->err = mqtt_sub_id_add(&r->ids, r->hits[i - 1].id);
    t->d.sub_ids.n = r->ids.n - t->ids_at;
}

/* Leave out who cannot take it; number the others. Everything is reserved before anybody is called back. */
static void settle(struct route *r)
{
    struct target *all = r->room.targets;
    size_t kept = 0;

    r->ids = BUF_INIT((size_t)64 << 20);
    for (size_t i = 0; i < r->n; i++) {
        struct target t = all[i];

        if (t.d.qos && !session_has_room(t.session, r->m)) {
            r->b->drops[BROKER_DROP_FULL]++;
            continue;
        }
        if (t.d.qos)
            t.d.seq = ++t.session->last_seq;
        gather_ids(r, &t);
        all[kept++] = t;
    }
    r->n = kept;
    for (size_t i = 0; r->ids.n && i < kept; i++)
        all[i].d.sub_ids.p = r->ids.p + all[i].ids_at;
}

static void add_record(struct route *r, struct broker_record rec)
{
    struct route_room *room = &r->room;

    if (!r->err)
        r->err = mem_grow(&room->recs, &room->room_recs, r->n_recs + 1, SIZE_MAX / sizeof(rec), sizeof(rec));
    if (!r->err)
        room->recs[r->n_recs++] = rec;
}

/* Does anybody get it with QoS 2? hold.c. */
static bool wants_hold(const struct route *r)
{
    for (size_t i = 0; r->m->qos == 2 && i < r->n; i++)
        if (r->room.targets[i].d.qos == 2)
            return true;
    return false;
}

static err_t write_down(struct route *r)
{
    bool hold;
    err_t e;

    for (size_t i = 0; i < r->n; i++) {
        const struct target *t = &r->room.targets[i];

        if (t->d.qos && session_persistent(t->session))
            add_record(r, session_queued_record(t->session, r->m, &t->d));
    }
    if (r->m->retain) {
        r->m->stored_ms = broker_wall(r->b);
        add_record(r, retain_record(r->m));
    }
    if (r->from->also)
        add_record(r, *r->from->also);
    if (r->err)
        return r->err;
    hold = wants_hold(r);
    r->ticket = r->from->ticket || !hold ? r->from->ticket : hold_ticket(r->b);
    e = broker_write(r->b, r->room.recs, r->n_recs, r->ticket);
    if (e == ERR_MORE && hold)
        (void)hold_new(r->b, r->ticket, r->m, r->n, &r->hold); /* no memory: it leaves at once */
    return e;
}

static void hand_out(struct route *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct target *t = &r->room.targets[i];

        t->d.held = r->hold && t->d.qos == 2;
        if (t->d.held)
            hold_add(r->hold, t->session);
        if (!t->d.qos)
            conn_send_qos0(t->session->conn, r->m, &t->d);
        else if (session_enqueue(t->session, r->m, &t->d))
            r->b->drops[BROKER_DROP_OTHER]++; /* no memory */
        else
            session_pump(t->session);
    }
}

err_t broker_route(struct broker *b, struct broker_msg *m, const struct route_from *from)
{
    struct route r = { .b = b, .m = m, .from = from, .room = b->spare };
    const struct broker_tree_visitor v = { on_leaf, on_group, &r };
    err_t e;

    b->spare = (struct route_room){ 0 }; /* a callback may route another message */
    b->mark++;
    broker_tree_match(&b->tree, m->topic, b->o.config.hash_below, &v);
    settle(&r);
    e = write_down(&r);
    if (!e || e == ERR_MORE) {
        if (m->retain && retain_set(b, m))
            e = ERR_NOMEM;
        hand_out(&r);
    }
    route_room_done(&b->spare);
    b->spare = r.room;
    free(r.hits);
    buf_done(&r.ids);
    return e;
}
