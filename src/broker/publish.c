#include "broker/internal.h"

#include "mqtt/topic.h"

/* PUBLISH from a client, in steps: decode, alias, limits, authority, interceptor, routing, acknowledgement.
 */

/* What is to be said against a packet; NULL detail: nothing. */
struct objection {
    uint8_t reason;
    const char *detail;
};

/* ---- topic aliases: 5.0 §3.3.2.3.4 ---- */

static bool alias_set(struct conn *c, uint16_t alias, struct slice topic)
{
    uint8_t *copy;

    if (!c->aliases) {
        c->aliases = mem_calloc(c->b->o.config.topic_alias_max, sizeof(*c->aliases));
        if (!c->aliases)
            return false;
        c->n_aliases = c->b->o.config.topic_alias_max;
    }
    copy = mem_dup(topic.p, topic.n);
    if (!copy)
        return false;
    free((void *)(uintptr_t)c->aliases[alias - 1].p);
    c->aliases[alias - 1] = slice_of(copy, topic.n);
    return true;
}

static bool alias_resolve(struct conn *c, struct mqtt_publish *p)
{
    uint16_t alias = p->props.topic_alias;

    if (!mqtt_props_has(&p->props, MQTT_PROP_TOPIC_ALIAS))
        return true;
    if (!alias || alias > c->b->o.config.topic_alias_max) /* [MQTT-3.3.2-8], [MQTT-3.3.2-9] */
        return false;
    if (p->topic.n)
        return alias_set(c, alias, p->topic);
    if (!c->aliases || !c->aliases[alias - 1].n)
        return false;
    p->topic = c->aliases[alias - 1];
    return true;
}

/* ---- limits ---- */

static struct objection object(const struct conn *c, const struct mqtt_publish *p)
{
    const struct broker_config *cf = &c->b->o.config;
    bool dollar = p->topic.p[0] == '$';

    if (mqtt_props_has(&p->props, MQTT_PROP_SUBSCRIPTION_ID)) /* 5.0 [MQTT-3.3.4-6] */
        return (struct objection){ MQTT_RC_PROTOCOL_ERROR, "a subscription identifier from a client" };
    if (p->qos > cf->max_qos)
        return (struct objection){ MQTT_RC_QOS_NOT_SUPPORTED, "PUBLISH with QoS 2 is not offered" };
    if (!broker_topic_fits(c->b, p->topic))
        return (struct objection){ MQTT_RC_TOPIC_NAME_INVALID,
                                   "the topic is too long or has too many levels" };
    if (p->payload.n > cf->max_payload)
        return (struct objection){ MQTT_RC_PACKET_TOO_LARGE, "the payload is too large" };
    if (broker_topic_reserved(c->b, p->topic))
        return (struct objection){ MQTT_RC_TOPIC_NAME_INVALID, "no such reserved topic" };
    if (p->retain && (!cf->max_retained || (cf->reserved_dollar_aws && dollar)))
        return (struct objection){ MQTT_RC_RETAIN_NOT_SUPPORTED, "RETAIN is not allowed there" };
    return (struct objection){ 0 };
}

/* ---- acknowledging ---- */

/* PUBACK or PUBREC with `code`, once `waits` answers for `ticket` came. With QoS 0 there is nothing to send,
 * but what is being worked on counts all the same (max_inflight_in). */
static void acknowledge(struct conn *c, const struct mqtt_publish *p, uint8_t code, uint64_t ticket,
                        unsigned waits)
{
    struct owed_what what = { .ticket = ticket, .waits = waits, .publish = p->qos == 1 };

    if (!p->qos) {
        owed_add(c, &what);
        return;
    }
    if (p->qos == 2 && !code)
        what.received_id = p->packet_id;
    owed_ack(c, p->qos == 2 ? MQTT_PUBREC : MQTT_PUBACK, p->packet_id, code, what);
}

/* The QoS 2 message is ours from now on: the same identifier is the same message until PUBREL. */
static bool remember(struct conn *c, const struct mqtt_publish *p)
{
    err_t e = mqtt_ids_add(&c->session->received, p->packet_id, UINT16_MAX); /* `held` keeps the limit */

    if (e)
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "no memory for a packet identifier");
    return !e;
}

/* iot-core.md 3.6. */
static void deny(struct conn *c, const struct mqtt_publish *p, bool close)
{
    conn_denied(c, BROKER_PUBLISH, p->topic);
    if (c->version == MQTT_V5 && p->qos && !close)
        acknowledge(c, p, MQTT_RC_NOT_AUTHORIZED, 0, 0);
    else if (c->version == MQTT_V5 || close || c->b->o.config.close_on_denied_publish)
        conn_doom(c, BROKER_WHY_AUTH, MQTT_RC_NOT_AUTHORIZED, "not authorized to publish to %.*s",
                  SLICE_FMT(slice_head(p->topic, 64)));
    else /* 3.1.1 §3.3.5.2: a positive acknowledgement, or close */
        acknowledge(c, p, 0, 0, 0);
}

/* ---- doing it ---- */

struct outcome {
    bool refused; /* the connection was doomed */
    bool consumed;
    unsigned waits;
};

static struct outcome intercept(struct conn *c, const struct broker_msg *m, uint64_t ticket)
{
    struct intercept *i = broker_intercept_find(c->b, m->topic);
    struct broker_message seen = {
        .topic = m->topic,
        .payload = m->payload,
        .qos = m->qos,
        .retain = m->retain,
        .props = m->props,
        .client_id = c->session->id,
        .principal = conn_principal(c),
        .user = c->user,
    };
    err_t e;

    if (!i)
        return (struct outcome){ 0 };
    e = i->fn(i->ctx, &seen, ticket);
    if (e && e != ERR_MORE) {
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_TOPIC_NAME_INVALID,
                  "the reserved topic refused the message: %s", err_str(e));
        return (struct outcome){ .refused = true };
    }
    return (struct outcome){ .consumed = i->flags & BROKER_INTERCEPT_CONSUME, .waits = e == ERR_MORE };
}

static err_t route(struct conn *c, const struct mqtt_publish *p, struct broker_msg *m, uint64_t ticket)
{
    const struct broker_record received = {
        .kind = BROKER_REC_RECEIVED,
        .client_id = c->session->id,
        .packet_id = p->packet_id,
    };
    const struct route_from from = {
        .session = c->session,
        .also = p->qos == 2 && session_persistent(c->session) ? &received : NULL,
        .ticket = p->qos ? ticket : 0,
    };

    return broker_route(c->b, m, &from);
}

static void distribute(struct conn *c, const struct mqtt_publish *p, struct broker_msg *m)
{
    uint64_t ticket = conn_next_ticket(c);
    struct outcome o = intercept(c, m, ticket);
    err_t e = ERR_OK;

    if (o.refused || c->state == CONN_DOOMED || (p->qos == 2 && !remember(c, p)))
        return;
    if (!o.consumed)
        e = route(c, p, m, ticket);
    if (!e || e == ERR_MORE) {
        acknowledge(c, p, 0, ticket, o.waits + (p->qos && e == ERR_MORE));
        return;
    }
    (void)mqtt_ids_remove(&c->session->received, p->qos == 2 ? p->packet_id : 0);
    conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "the message could not be kept: %s",
              err_str(e));
}

/* RETAIN over the limit: said loudly, for nothing would be kept. */
static void refuse_retain(struct conn *c, const struct mqtt_publish *p)
{
    if (c->version == MQTT_V5 && p->qos)
        acknowledge(c, p, MQTT_RC_QUOTA_EXCEEDED, 0, 0);
    else
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_QUOTA_EXCEEDED,
                  "the broker has no room for another retained message");
}

static void publish(struct conn *c, const struct mqtt_publish *p)
{
    struct broker_msg *m;

    if (broker_msg_from(c->b, p->topic, p->payload, p->qos, p->retain, &p->props, &m)) {
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "no memory for a message");
        return;
    }
    c->b->received++;
    if (p->retain && !retain_room(c->b, m))
        refuse_retain(c, p);
    else
        distribute(c, p, m);
    broker_msg_unref(m);
}

/* Decoded, its alias resolved, and nothing to be said against it. False: the connection ends. */
static bool take(struct conn *c, const struct mqtt_frame *f, struct mqtt_publish *ret)
{
    err_t e = mqtt_publish_decode(f, c->version, ret);
    struct objection o;

    if (e) {
        conn_refuse_packet(c, f->type, e);
        return false;
    }
    if (!alias_resolve(c, ret)) {
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_TOPIC_ALIAS_INVALID, "a topic alias that is not known");
        return false;
    }
    o = object(c, ret);
    if (o.detail)
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, o.reason, "%s", o.detail);
    return !o.detail;
}

err_t conn_handle_publish(struct conn *c, const struct mqtt_frame *f)
{
    struct mqtt_publish p;
    enum broker_verdict v;

    if (!take(c, f, &p))
        return ERR_OK;
    if (p.qos == 2 && mqtt_ids_has(&c->session->received, p.packet_id)) {
        acknowledge(c, &p, 0, 0, 0); /* 5.0 [MQTT-4.3.3-10]: the same message, once more */
        return ERR_OK;
    }
    v = conn_ask(c, (struct broker_question){
                        .action = BROKER_PUBLISH, .topic = p.topic, .retain = p.retain, .qos = p.qos });
    if (v == BROKER_LATER)
        return ERR_MORE;
    if (v == BROKER_ALLOW && p.retain && conn_retain_waits(c, p.topic, p.payload.n))
        return ERR_MORE;
    broker_count_publish(c->b, c, p.payload.n);
    if (v == BROKER_ALLOW)
        publish(c, &p);
    else
        deny(c, &p, v == BROKER_DENY_CLOSE);
    return ERR_OK;
}
