#include "broker/internal.h"

#include "mqtt/topic.h"

#include <stdio.h>

/* ---- refusing ---- */

static void send_connack(struct conn *c, const struct mqtt_connack *ack)
{
    autobuf packet = BUF_INIT(512);

    if (mqtt_connack_encode(&packet, c->version, ack))
        conn_doom(c, BROKER_WHY_SERVER_ERROR, 0, "no memory for CONNACK");
    else
        conn_send(c, buf_slice(&packet));
}

/* iot-core.md 1.4 and 3.6: an unauthorized 3.1.1 client of AWS sees the connection closed, no return code. */
static err_t refuse(struct conn *c, enum broker_why why, uint8_t reason, const char *detail)
{
    bool silent = c->version == MQTT_V311 && c->b->o.config.close_on_refused_connect &&
                  reason == MQTT_RC_NOT_AUTHORIZED;

    if (!silent)
        send_connack(c, &(struct mqtt_connack){
                            .code = c->version == MQTT_V5 ? reason : mqtt_connack_from_reason(reason) });
    conn_doom(c, why, 0, "CONNECT refused: %s", detail);
    return ERR_OK;
}

static err_t refuse_undecoded(struct conn *c, err_t e)
{
    if (e == ERR_UNSUPPORTED) { /* 3.1.1 [MQTT-3.1.2-2] */
        c->version = MQTT_V311;
        return refuse(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION,
                      "a protocol version other than 3.1.1 and 5");
    }
    conn_doom(c, BROKER_WHY_CLIENT_ERROR, 0, "malformed CONNECT");
    return ERR_OK;
}

/* ---- checking ---- */

struct refusal {
    uint8_t reason;
    const char *detail;
};

static struct refusal check_client_id(const struct conn *c, const struct mqtt_connect *p)
{
    const struct broker_config *cf = &c->b->o.config;

    if (p->client_id.n > cf->max_client_id)
        return (struct refusal){ MQTT_RC_CLIENT_ID_NOT_VALID, "the client id is too long" };
    if (cf->reserved_dollar_aws && p->client_id.n && p->client_id.p[0] == '$')
        return (struct refusal){ MQTT_RC_CLIENT_ID_NOT_VALID, "client ids that begin with $ are reserved" };
    /* 3.1.1 [MQTT-3.1.3-8]; in 5.0 legal, the client learns its id from CONNACK */
    if (!p->client_id.n && !p->clean && !(p->version == MQTT_V5 && cf->assign_any_id))
        return (struct refusal){ MQTT_RC_CLIENT_ID_NOT_VALID, "an empty client id needs a clean session" };
    return (struct refusal){ 0 };
}

static struct refusal check_will(const struct conn *c, const struct mqtt_connect *p)
{
    const struct broker_config *cf = &c->b->o.config;

    if (!p->has_will)
        return (struct refusal){ 0 };
    if (p->will.qos > cf->max_qos)
        return (struct refusal){ MQTT_RC_QOS_NOT_SUPPORTED, "a Will with QoS 2" };
    if (p->will.retain && (!cf->max_retained || (cf->reserved_dollar_aws && p->will.topic.p[0] == '$')))
        return (struct refusal){ MQTT_RC_RETAIN_NOT_SUPPORTED, "a retained Will is not allowed there" };
    if (!broker_topic_fits(c->b, p->will.topic) || broker_topic_reserved(c->b, p->will.topic))
        return (struct refusal){ MQTT_RC_TOPIC_NAME_INVALID,
                                 "the Will topic is too long, too deep or reserved" };
    if (p->will.payload.n > cf->max_payload)
        return (struct refusal){ MQTT_RC_PACKET_TOO_LARGE, "the Will is too large" };
    return (struct refusal){ 0 };
}

static struct refusal check(const struct conn *c, const struct mqtt_connect *p)
{
    struct refusal r = check_client_id(c, p);

    if (!r.reason)
        r = check_will(c, p);
    if (!r.reason && mqtt_props_has(&p->props, MQTT_PROP_AUTH_METHOD))
        r = (struct refusal){ MQTT_RC_BAD_AUTHENTICATION_METHOD, "enhanced authentication is not offered" };
    return r;
}

/* Counted once: a CONNECT is handled again when its answers have come. */
static bool too_many(struct conn *c)
{
    struct broker *b = c->b;

    if (!b->o.config.connects_per_s || c->counted)
        return false;
    c->counted = true;
    if (!b->connects_left) {
        conn_throttled(c, BROKER_LIMIT_CONNECTS);
        return true;
    }
    b->connects_left--;
    return false;
}

static enum broker_verdict authorize(struct conn *c, const struct mqtt_connect *p)
{
    struct broker_question q = { .action = BROKER_CONNECT, .client_id = p->client_id, .connect = p };
    enum broker_verdict v = conn_ask(c, q);

    if (v != BROKER_ALLOW || !p->has_will)
        return v;
    return conn_ask(c, (struct broker_question){
                           .action = BROKER_PUBLISH,
                           .client_id = p->client_id,
                           .topic = p->will.topic,
                           .retain = p->will.retain,
                           .qos = p->will.qos,
                       });
}

/* ---- accepting ---- */

static uint16_t keep_alive(const struct broker_config *cf, uint16_t asked)
{
    if (!cf->keep_alive_max_s)
        return asked;
    if (!asked || asked > cf->keep_alive_max_s)
        return cf->keep_alive_max_s;
    return asked < cf->keep_alive_min_s ? cf->keep_alive_min_s : asked;
}

static uint32_t expiry(const struct broker_config *cf, const struct mqtt_connect *p)
{
    if (p->version == MQTT_V311)
        return p->clean ? 0 : cf->session_expiry_s;
    if (!mqtt_props_has(&p->props, MQTT_PROP_SESSION_EXPIRY))
        return 0;
    return p->props.session_expiry_s < cf->session_expiry_s ? p->props.session_expiry_s
                                                            : cf->session_expiry_s;
}

/* [MQTT-3.1.4-2] (3.1.1), [MQTT-3.1.4-3] (5.0): the connection that was there first ends. */
static void take_over(struct broker *b, struct slice id)
{
    struct session *s = session_find(b, id);
    struct conn *old = s ? s->conn : NULL;

    if (!old)
        return;
    conn_doom(old, BROKER_WHY_TAKEOVER, MQTT_RC_SESSION_TAKEN_OVER, "another connection took the client id");
    conn_teardown(old);
}

/* The session to use: the one there was, or a new one. */
static err_t find_session(struct conn *c, const struct mqtt_connect *p, struct slice id, struct session **ret,
                          bool *ret_present)
{
    struct session *s;

    take_over(c->b, id);
    s = session_find(c->b, id);
    if (s && p->clean) {
        session_end(s);
        s = NULL;
    }
    *ret_present = s != NULL;
    if (!s && c->b->n_sessions >= c->b->o.config.max_sessions)
        return ERR_TOO_BIG;
    if (!s)
        return session_new(c->b, id, ret);
    session_forget_will(s); /* 5.0 §3.1.3.2.2: back in time, no Will */
    *ret = s;
    return ERR_OK;
}

static err_t take_will(struct conn *c, const struct mqtt_connect *p)
{
    if (!p->has_will)
        return ERR_OK;
    c->will_delay_s = p->will.props.will_delay_s;
    return broker_msg_from(c->b, p->will.topic, p->will.payload, p->will.qos, p->will.retain, &p->will.props,
                           &c->will);
}

static void take_session(struct conn *c, struct session *s, const struct mqtt_connect *p)
{
    const struct broker_config *cf = &c->b->o.config;
    uint16_t window = cf->max_inflight_out;

    if (mqtt_props_has(&p->props, MQTT_PROP_RECEIVE_MAX) && p->props.receive_max < window)
        window = p->props.receive_max;
    if (session_persistent(s) && !expiry(cf, p))
        broker_note(c->b, &(struct broker_record){ .kind = BROKER_REC_SESSION_END, .client_id = s->id });
    s->conn = c;
    s->version = p->version;
    s->expiry_s = expiry(cf, p);
    s->ends_ms = 0;
    s->stored_seq = s->last_seq;
    s->window = window;
    c->session = s;
    if (session_persistent(s))
        session_record(s);
}

/* What a version 5 client is ready to take. */
static void take_offer(struct conn *c, const struct mqtt_connect *p)
{
    uint16_t aliases = p->props.topic_alias_max, most = c->b->o.config.topic_alias_out;

    if (mqtt_props_has(&p->props, MQTT_PROP_MAX_PACKET_SIZE))
        c->max_packet = p->props.max_packet_size;
    c->max_aliases_out = aliases < most ? aliases : most;
}

static void set_limits(struct mqtt_props *a, const struct broker_config *cf)
{
    a->has |= MQTT_PROP_BIT(MQTT_PROP_RECEIVE_MAX) |
              (cf->max_qos < 2 ? MQTT_PROP_BIT(MQTT_PROP_MAX_QOS) : 0) | /* absent means 2 */
              MQTT_PROP_BIT(MQTT_PROP_RETAIN_AVAILABLE) | MQTT_PROP_BIT(MQTT_PROP_MAX_PACKET_SIZE) |
              MQTT_PROP_BIT(MQTT_PROP_TOPIC_ALIAS_MAX) | MQTT_PROP_BIT(MQTT_PROP_WILDCARD_AVAILABLE) |
              MQTT_PROP_BIT(MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE) | MQTT_PROP_BIT(MQTT_PROP_SHARED_AVAILABLE);
    a->receive_max = cf->max_inflight_in;
    a->max_qos = cf->max_qos;
    a->subscription_id_available = cf->subscription_ids;
    a->retain_available = cf->max_retained > 0;
    a->max_packet_size = (uint32_t)cf->max_packet;
    a->topic_alias_max = cf->topic_alias_max;
    a->wildcard_available = 1;
    a->shared_available = 1;
}

/* 5.0 §3.2.2.3: what differs from what was asked must be told. */
static void welcome(struct conn *c, const struct mqtt_connect *p, bool present)
{
    struct mqtt_connack ack = { .session_present = present };

    set_limits(&ack.props, &c->b->o.config);
    if (mqtt_props_has(&p->props, MQTT_PROP_SESSION_EXPIRY)) {
        ack.props.has |= MQTT_PROP_BIT(MQTT_PROP_SESSION_EXPIRY);
        ack.props.session_expiry_s = c->session->expiry_s;
    }
    if (c->keep_alive_s != p->keep_alive_s) {
        ack.props.has |= MQTT_PROP_BIT(MQTT_PROP_SERVER_KEEP_ALIVE);
        ack.props.server_keep_alive_s = c->keep_alive_s;
    }
    if (!p->client_id.n) {
        ack.props.has |= MQTT_PROP_BIT(MQTT_PROP_ASSIGNED_CLIENT_ID);
        ack.props.assigned_client_id = c->session->id;
    }
    send_connack(c, &ack);
}

static void announce(struct conn *c)
{
    const struct broker_events *e = &c->b->o.events;

    if (e->connected)
        e->connected(e->ctx, c->user, c->session->id, slice_str(c->address));
}

static err_t admit(struct conn *c, const struct mqtt_connect *p, struct slice id)
{
    struct session *s;
    bool present;
    err_t e;

    if (take_will(c, p))
        return refuse(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "no memory");
    e = find_session(c, p, id, &s, &present);
    if (e)
        return refuse(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_QUOTA_EXCEEDED,
                      e == ERR_TOO_BIG ? "the broker has no room for another session" : "no memory");
    c->keep_alive_s = keep_alive(&c->b->o.config, p->keep_alive_s);
    take_offer(c, p);
    take_session(c, s, p);
    welcome(c, p, present);
    if (c->state == CONN_DOOMED)
        return ERR_OK;
    c->state = CONN_UP;
    c->welcomed = true;
    conn_not_new(c);
    conn_set_limits(c);
    announce(c);
    if (conn_up(c))
        session_pump(s);
    return ERR_OK;
}

err_t conn_handle_connect(struct conn *c, const struct mqtt_frame *f)
{
    struct mqtt_connect p;
    struct refusal r;
    char assigned[48];
    err_t e = c->state == CONN_NEW ? mqtt_connect_decode(f, &p) : ERR_WRONG_STATE;

    if (e == ERR_WRONG_STATE) { /* [MQTT-3.1.0-2] */
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, MQTT_RC_PROTOCOL_ERROR, "a second CONNECT");
        return ERR_OK;
    }
    if (e)
        return refuse_undecoded(c, e);
    c->version = p.version;
    if (too_many(c))
        return refuse(c, BROKER_WHY_THROTTLED, MQTT_RC_CONNECTION_RATE_EXCEEDED,
                      "too many CONNECTs in this second");
    r = check(c, &p);
    if (r.reason)
        return refuse(c, BROKER_WHY_CLIENT_ERROR, r.reason, r.detail);
    if (conn_connect_waits(c, p.client_id))
        return ERR_MORE;
    switch (authorize(c, &p)) {
    case BROKER_ALLOW:
        break;
    case BROKER_LATER:
        return ERR_MORE;
    default:
        conn_denied(c, BROKER_CONNECT, p.client_id);
        return refuse(c, BROKER_WHY_AUTH, MQTT_RC_NOT_AUTHORIZED, "not authorized");
    }
    (void)snprintf(assigned, sizeof(assigned), "auto-%016llx%08x", (unsigned long long)c->b->id_seed[0],
                   c->serial);
    return admit(c, &p, p.client_id.n ? p.client_id : slice_str(assigned));
}
