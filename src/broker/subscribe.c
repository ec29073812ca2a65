#include "broker/internal.h"

#include "mqtt/topic.h"

/* SUBSCRIBE and UNSUBSCRIBE. First every filter is judged, then, when no answer is awaited any more, all is
 * done at once. */

#define FILTERS_MAX CONN_QUESTIONS

struct judged {
    struct mqtt_subscription sub;
    uint8_t code; /* granted QoS, or 0x80 and above */
};

struct request {
    struct conn *c;
    uint16_t packet_id;
    uint32_t sub_id; /* 0: none */
    struct judged f[FILTERS_MAX];
    unsigned n;
    struct broker_record recs[FILTERS_MAX];
    size_t n_recs;
};

/* A refusal in the words of the client's version. */
static uint8_t failure(const struct conn *c, uint8_t reason)
{
    return c->version == MQTT_V5 ? reason : MQTT_SUBACK_FAILURE;
}

static void ack(struct request *r, enum mqtt_type type, uint64_t ticket, bool wait)
{
    uint8_t codes[FILTERS_MAX];
    struct mqtt_suback a = { .packet_id = r->packet_id, .codes = { codes, r->n } };
    autobuf packet = BUF_INIT(FILTERS_MAX + 16);

    for (unsigned i = 0; i < r->n; i++)
        codes[i] = r->f[i].code;
    if (type == MQTT_UNSUBACK && r->c->version == MQTT_V311)
        a.codes.n = 0;
    if (mqtt_suback_encode(&packet, r->c->version, type, &a))
        conn_doom(r->c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "no memory for %s",
                  mqtt_type_str(type));
    else
        owed_add(r->c, &(struct owed_what){ .packet = buf_slice(&packet), .ticket = ticket, .waits = wait });
}

/* One journal write for all changes; the acknowledgement waits for it. */
static void commit(struct request *r, enum mqtt_type type)
{
    uint64_t ticket = conn_next_ticket(r->c);
    err_t e = broker_write(r->c->b, r->recs, r->n_recs, ticket);

    if (e && e != ERR_MORE)
        conn_doom(r->c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED,
                  "the subscription could not be kept: %s", err_str(e));
    else
        ack(r, type, ticket, e == ERR_MORE);
}

/* ---- SUBSCRIBE ---- */

/* The filter without $share/GROUP/, which limits do not count. */
static struct slice plain(struct slice filter)
{
    struct slice group, inner = filter;

    (void)mqtt_share_parse(filter, &group, &inner); /* not shared: as it is */
    return inner;
}

/* Too many subscriptions once this one is added? */
static bool over_limit(const struct request *r, struct slice filter)
{
    const struct session *s = r->c->session;
    unsigned fresh = 0;

    if (session_sub_find(s, filter))
        return false;
    for (unsigned i = 0; i < r->n; i++)
        fresh += r->f[i].code < 0x80 && !session_sub_find(s, r->f[i].sub.filter);
    return s->n_subs + fresh >= r->c->b->o.config.max_subscriptions;
}

/* False: the connection ends. */
static bool valid_filter(struct request *r, struct judged *j)
{
    struct conn *c = r->c;
    bool ok = mqtt_filter_valid(j->sub.filter) && broker_topic_fits(c->b, plain(j->sub.filter));

    if (!ok)
        j->code = MQTT_RC_TOPIC_FILTER_INVALID;
    if (!ok && c->version == MQTT_V311) {
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, 0, "a topic filter that is not valid, too long or too deep");
        return false;
    }
    if (j->sub.qos > c->b->o.config.max_qos && c->b->o.config.close_on_qos) {
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_QOS_NOT_SUPPORTED,
                  "SUBSCRIBE with QoS %u is not offered", j->sub.qos);
        return false;
    }
    return true;
}

/* ERR_MORE: an answer is awaited. ERR_DENIED: the connection ends. */
static err_t judge(struct request *r, struct judged *j)
{
    struct conn *c = r->c;
    enum broker_verdict v;

    if (!valid_filter(r, j))
        return ERR_DENIED;
    if (j->code)
        return ERR_OK;
    v = conn_ask(
        c, (struct broker_question){ .action = BROKER_SUBSCRIBE, .topic = j->sub.filter, .qos = j->sub.qos });
    if (v == BROKER_LATER)
        return ERR_MORE;
    if (v == BROKER_DENY_CLOSE)
        conn_doom(c, BROKER_WHY_AUTH, MQTT_RC_NOT_AUTHORIZED, "not authorized to subscribe to %.*s",
                  SLICE_FMT(slice_head(j->sub.filter, 64)));
    if (v == BROKER_DENY_CLOSE)
        return ERR_DENIED;
    if (v == BROKER_DENY) {
        conn_denied(c, BROKER_SUBSCRIBE, j->sub.filter);
        j->code = failure(c, MQTT_RC_NOT_AUTHORIZED);
    } else if (over_limit(r, j->sub.filter)) {
        j->code = failure(c, MQTT_RC_QUOTA_EXCEEDED);
    } else {
        j->code = j->sub.qos > c->b->o.config.max_qos ? c->b->o.config.max_qos : j->sub.qos;
    }
    return ERR_OK;
}

static struct sub_how how_of(const struct request *r, const struct judged *j)
{
    return (struct sub_how){
        .id = r->sub_id,
        .qos = j->code,
        .options = (uint8_t)((j->sub.no_local ? SUB_NO_LOCAL : 0) |
                             (j->sub.retain_as_published ? SUB_RETAIN_AS_PUBLISHED : 0)),
    };
}

/* 5.0 §3.8.3.1: 0 always, 1 only for a new subscription, 2 never. */
static bool wants_retained(const struct mqtt_subscription *s, bool is_new)
{
    return s->retain_handling == 0 || (s->retain_handling == 1 && is_new);
}

/* Tell which of the packet's filters changed something. */
static void tell(const struct request *r,
                 void (*fn)(void *, void *, struct slice, const struct slice *, size_t))
{
    struct slice filters[FILTERS_MAX];
    size_t n = 0;

    for (unsigned i = 0; i < r->n; i++) {
        if (r->f[i].code <= 2)
            filters[n++] = r->f[i].sub.filter;
    }
    if (fn && n && conn_up(r->c))
        fn(r->c->b->o.events.ctx, r->c->user, r->c->session->id, filters, n);
}

/* Enter the granted ones; which of them are to get retained messages is left in `retained`. */
static void enter(struct request *r, bool *retained)
{
    struct session *s = r->c->session;

    for (unsigned i = 0; i < r->n; i++) {
        struct judged *j = &r->f[i];
        const struct sub_how how = how_of(r, j);
        bool is_new;

        if (j->code >= 0x80)
            continue;
        if (session_subscribe(s, j->sub.filter, &how, &is_new)) {
            j->code = failure(r->c, MQTT_RC_UNSPECIFIED);
            continue;
        }
        retained[i] = wants_retained(&j->sub, is_new);
        if (session_persistent(s))
            r->recs[r->n_recs++] = (struct broker_record){
                .kind = BROKER_REC_SUBSCRIPTION,
                .client_id = s->id,
                .topic = j->sub.filter,
                .qos = how.qos,
                .options = how.options,
                .sub_id = how.id,
            };
    }
}

static void subscribe(struct request *r)
{
    bool retained[FILTERS_MAX] = { false };

    enter(r, retained);
    commit(r, MQTT_SUBACK);
    tell(r, r->c->b->o.events.subscribed);
    for (unsigned i = 0; i < r->n && conn_up(r->c); i++) {
        if (retained[i]) {
            const struct sub_how how = how_of(r, &r->f[i]);

            retain_deliver(r->c->session, r->f[i].sub.filter, &how);
        }
    }
}

static bool acceptable(struct conn *c, const struct mqtt_subscribe *p)
{
    if (p->count > c->b->o.config.max_filters)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_QUOTA_EXCEEDED, "%u filters in one packet", p->count);
    else if (mqtt_props_has(&p->props, MQTT_PROP_SUBSCRIPTION_ID) && !c->b->o.config.subscription_ids)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_SUBSCRIPTION_IDS_NOT_SUPPORTED,
                  "subscription identifiers are not offered");
    return c->state != CONN_DOOMED;
}

err_t conn_handle_subscribe(struct conn *c, const struct mqtt_frame *f)
{
    struct mqtt_subscribe p;
    struct request r = { .c = c };
    struct mqtt_subscription sub;
    err_t e = mqtt_subscribe_decode(f, c->version, &p);

    if (e) {
        conn_refuse_packet(c, f->type, e);
        return ERR_OK;
    }
    if (!acceptable(c, &p))
        return ERR_OK;
    r.packet_id = p.packet_id;
    r.sub_id = p.props.subscription_id;
    while (!e && mqtt_subscribe_next(&p, &sub)) {
        r.f[r.n].sub = sub;
        e = judge(&r, &r.f[r.n]);
        r.n++;
    }
    if (!e)
        subscribe(&r);
    return e == ERR_MORE ? ERR_MORE : ERR_OK;
}

/* ---- UNSUBSCRIBE ---- */

static void leave(struct request *r, struct slice filter)
{
    struct session *s = r->c->session;
    struct sub *sub = session_sub_find(s, filter);

    r->f[r->n++] = (struct judged){ .sub.filter = filter, .code = sub ? 0 : MQTT_RC_NO_SUBSCRIPTION_EXISTED };
    if (!sub)
        return;
    session_unsubscribe(s, sub);
    if (session_persistent(s))
        r->recs[r->n_recs++] = (struct broker_record){ .kind = BROKER_REC_SUBSCRIPTION_END,
                                                       .client_id = s->id,
                                                       .topic = filter };
}

err_t conn_handle_unsubscribe(struct conn *c, const struct mqtt_frame *f)
{
    struct mqtt_subscribe p;
    struct request r = { .c = c };
    struct slice filter;
    err_t e = mqtt_unsubscribe_decode(f, c->version, &p);

    if (e) {
        conn_refuse_packet(c, f->type, e);
        return ERR_OK;
    }
    if (!acceptable(c, &p))
        return ERR_OK;
    r.packet_id = p.packet_id;
    while (mqtt_unsubscribe_next(&p, &filter))
        leave(&r, filter);
    commit(&r, MQTT_UNSUBACK);
    tell(&r, c->b->o.events.unsubscribed);
    return ERR_OK;
}
