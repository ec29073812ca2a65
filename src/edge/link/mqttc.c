/* src/edge/link/mqttc.c */
#include "edge/link/mqttc.h"

#include "mqtt/packet.h"
#include "mqtt/reason.h"

#define CONNACK_MIN_MS 10000

void mqttc_init(struct mqttc *m, int64_t keep_alive_s, int64_t operation_timeout_s)
{
    *m = (struct mqttc){ .keep_alive_ms = keep_alive_s * 1000,
                         .timeout_ms = operation_timeout_s * 1000,
                         .out = BUF_INIT(2 * MQTTC_MAX_PACKET) };
}

void mqttc_done(struct mqttc *m)
{
    buf_done(&m->out);
}

err_t mqttc_open(struct mqttc *m, const char *client_id, int64_t now_ms)
{
    struct mqtt_connect c = { .version = MQTT_V311,
                              .clean = true,
                              .keep_alive_s = (uint16_t)(m->keep_alive_ms / 1000),
                              .client_id = slice_str(client_id) };
    err_t e;

    buf_clear(&m->out);
    memset(m->ops, 0, sizeof(m->ops));
    m->last_id = 0;
    m->pong_deadline_ms = 0;
    e = mqtt_connect_encode(&m->out, &c);
    if (e)
        return e;
    m->state = MQTTC_WAIT_CONNACK;
    m->last_tx_ms = now_ms;
    m->connack_deadline_ms = now_ms + (m->timeout_ms > CONNACK_MIN_MS ? m->timeout_ms : CONNACK_MIN_MS);
    return ERR_OK;
}

void mqttc_close(struct mqttc *m)
{
    struct mqtt_disconnect bye = { 0 };

    if (m->state == MQTTC_OPEN)
        (void)mqtt_disconnect_encode(&m->out, MQTT_V311, MQTT_DISCONNECT,
                                     &bye); /* a courtesy: the connection ends anyway */
    m->state = MQTTC_CLOSED;
}

/* ---- operations under way ---- */

static struct mqttc_operation *find_op(struct mqttc *m, uint16_t id)
{
    for (size_t i = 0; i < MQTTC_MAX_OPERATIONS; i++)
        if (m->ops[i].id == id)
            return &m->ops[i];
    return NULL;
}

static err_t new_op(struct mqttc *m, bool is_subscribe, int64_t now_ms, struct mqttc_operation **ret)
{
    struct mqttc_operation *op = find_op(m, 0);

    if (m->state != MQTTC_OPEN)
        return ERR_WRONG_STATE;
    if (!op)
        return ERR_BUSY;
    do {
        m->last_id++;
    } while (m->last_id == 0 || find_op(m, m->last_id));
    *op = (struct mqttc_operation){ m->last_id, is_subscribe, now_ms + m->timeout_ms };
    *ret = op;
    return ERR_OK;
}

err_t mqttc_subscribe(struct mqttc *m, struct slice filter, uint8_t qos, int64_t now_ms, uint16_t *ret_id)
{
    struct mqtt_subscription sub = { .filter = filter, .qos = qos };
    struct mqttc_operation *op;
    err_t e = new_op(m, true, now_ms, &op);

    if (e)
        return e;
    e = mqtt_subscribe_encode(&m->out, MQTT_V311, op->id, NULL, &sub, 1);
    if (e) {
        op->id = 0;
        return e;
    }
    m->last_tx_ms = now_ms;
    *ret_id = op->id;
    return ERR_OK;
}

err_t mqttc_publish(struct mqttc *m, struct slice topic, struct slice payload, int64_t now_ms,
                    uint16_t *ret_id)
{
    struct mqtt_publish p = { .qos = 1, .topic = topic, .payload = payload };
    struct mqttc_operation *op;
    err_t e = new_op(m, false, now_ms, &op);

    if (e)
        return e;
    p.packet_id = op->id;
    e = mqtt_publish_encode(&m->out, MQTT_V311, &p);
    if (e) {
        op->id = 0;
        return e;
    }
    m->last_tx_ms = now_ms;
    *ret_id = op->id;
    return ERR_OK;
}

/* ---- packets from the cloud, one function each ---- */

struct input {
    struct mqttc *m;
    const struct mqtt_frame *f;
    int64_t now_ms;
    struct mqttc_event *ev;
};

static err_t on_connack(struct input *in)
{
    struct mqtt_connack a;

    if (in->m->state != MQTTC_WAIT_CONNACK || mqtt_connack_decode(in->f, MQTT_V311, &a))
        return ERR_PROTO;
    in->m->connack_deadline_ms = 0;
    in->ev->type = a.code == MQTT_CONNACK_ACCEPTED ? MQTTC_EV_CONNECTED : MQTTC_EV_REFUSED;
    in->ev->code = a.code;
    if (a.code == MQTT_CONNACK_ACCEPTED)
        in->m->state = MQTTC_OPEN;
    return ERR_OK;
}

static err_t on_suback(struct input *in)
{
    struct mqtt_suback a;
    struct mqttc_operation *op;

    if (mqtt_suback_decode(in->f, MQTT_V311, &a) || a.codes.n != 1)
        return ERR_PROTO;
    op = find_op(in->m, a.packet_id);
    if (a.packet_id == 0 || !op || !op->is_subscribe)
        return ERR_PROTO;
    in->ev->type = a.codes.p[0] == MQTT_SUBACK_FAILURE ? MQTTC_EV_DENIED : MQTTC_EV_SUBSCRIBED;
    in->ev->code = a.codes.p[0];
    in->ev->id = op->id;
    op->id = 0;
    return ERR_OK;
}

static err_t on_puback(struct input *in)
{
    struct mqtt_ack a;
    struct mqttc_operation *op;

    if (mqtt_ack_decode(in->f, MQTT_V311, &a))
        return ERR_PROTO;
    op = find_op(in->m, a.packet_id);
    if (a.packet_id == 0 || !op || op->is_subscribe)
        return ERR_PROTO;
    in->ev->type = MQTTC_EV_PUBLISHED;
    in->ev->id = op->id;
    op->id = 0;
    return ERR_OK;
}

static err_t on_publish(struct input *in)
{
    struct mqtt_publish p;
    struct mqtt_ack ack;

    if (mqtt_publish_decode(in->f, MQTT_V311, &p) || p.qos > 1) /* we subscribe with QoS 1 at most */
        return ERR_PROTO;
    ack = (struct mqtt_ack){ .packet_id = p.packet_id };
    if (p.qos == 1) {
        err_t e = mqtt_ack_encode(&in->m->out, MQTT_V311, MQTT_PUBACK, &ack);
        if (e)
            return e;
        in->m->last_tx_ms = in->now_ms;
    }
    in->ev->type = MQTTC_EV_MESSAGE;
    in->ev->topic = p.topic;
    in->ev->payload = p.payload;
    return ERR_OK;
}

static err_t on_pingresp(struct input *in)
{
    if (mqtt_empty_decode(in->f))
        return ERR_PROTO;
    in->m->pong_deadline_ms = 0;
    in->ev->type = MQTTC_EV_PONG;
    return ERR_OK;
}

static const struct {
    err_t (*handle)(struct input *);
    enum mqttc_state state; /* the one it is allowed in */
} handlers[16] = {
    [MQTT_CONNACK] = { on_connack, MQTTC_WAIT_CONNACK }, [MQTT_SUBACK] = { on_suback, MQTTC_OPEN },
    [MQTT_PUBACK] = { on_puback, MQTTC_OPEN },           [MQTT_PUBLISH] = { on_publish, MQTTC_OPEN },
    [MQTT_PINGRESP] = { on_pingresp, MQTTC_OPEN },
};

err_t mqttc_input(struct mqttc *m, struct slice *in, int64_t now_ms, struct mqttc_event *ret,
                  struct problem *why)
{
    struct slice rest = *in;
    struct mqtt_frame f;
    struct mqttc_event ev = { 0 };
    struct input i = { m, &f, now_ms, &ev };
    err_t e = mqtt_frame_next(&rest, MQTTC_MAX_PACKET, &f);

    if (e == ERR_MORE)
        return e;
    if (e)
        return problem_set(why, e, "the other side does not speak MQTT 3.1.1: %s", err_str(e));
    if (!handlers[f.type].handle || handlers[f.type].state != m->state)
        return problem_set(why, ERR_PROTO, "an MQTT %s packet arrived that was not due",
                           mqtt_type_str(f.type));
    e = handlers[f.type].handle(&i);
    if (e)
        return problem_set(why, e, "an MQTT %s packet was malformed or not due: %s", mqtt_type_str(f.type),
                           err_str(e));
    *in = rest;
    *ret = ev;
    return ERR_OK;
}

/* ---- time ---- */

/* [MQTT-3.1.2-24]: the client sends something within every keep-alive period. */
static err_t keep_alive(struct mqttc *m, int64_t now_ms)
{
    err_t e;

    if (m->state != MQTTC_OPEN || m->pong_deadline_ms || now_ms - m->last_tx_ms < m->keep_alive_ms)
        return ERR_OK;
    e = mqtt_empty_encode(&m->out, MQTT_PINGREQ);
    if (e)
        return e;
    m->last_tx_ms = now_ms;
    m->pong_deadline_ms = now_ms + (m->timeout_ms > CONNACK_MIN_MS ? m->timeout_ms : CONNACK_MIN_MS);
    return ERR_OK;
}

static bool passed(int64_t deadline_ms, int64_t now_ms)
{
    return deadline_ms != 0 && now_ms >= deadline_ms;
}

err_t mqttc_tick(struct mqttc *m, int64_t now_ms, struct problem *why)
{
    if (m->state == MQTTC_CLOSED)
        return ERR_OK;
    if (passed(m->connack_deadline_ms, now_ms))
        return problem_set(why, ERR_TIMEOUT,
                           "the other side accepted the connection but did not answer CONNECT in time");
    if (passed(m->pong_deadline_ms, now_ms))
        return problem_set(why, ERR_TIMEOUT, "no answer to the keep-alive ping: the connection is dead");
    for (size_t i = 0; i < MQTTC_MAX_OPERATIONS; i++)
        if (m->ops[i].id && passed(m->ops[i].deadline_ms, now_ms))
            return problem_set(why, ERR_TIMEOUT,
                               "operation timed out: a %s was not acknowledged within mqttOperationTimeout",
                               m->ops[i].is_subscribe ? "subscribe" : "publish");
    return keep_alive(m, now_ms);
}

static void sooner(int64_t *best, int64_t deadline_ms)
{
    if (deadline_ms != 0 && (*best == 0 || deadline_ms < *best))
        *best = deadline_ms;
}

int64_t mqttc_next_ms(const struct mqttc *m, int64_t now_ms)
{
    int64_t best = 0;

    if (m->state == MQTTC_CLOSED)
        return -1;
    sooner(&best, m->connack_deadline_ms);
    sooner(&best, m->pong_deadline_ms);
    for (size_t i = 0; i < MQTTC_MAX_OPERATIONS; i++)
        if (m->ops[i].id)
            sooner(&best, m->ops[i].deadline_ms);
    if (m->state == MQTTC_OPEN && !m->pong_deadline_ms)
        sooner(&best, m->last_tx_ms + m->keep_alive_ms);
    if (best == 0)
        return -1;
    return best > now_ms ? best - now_ms : 0;
}
