#include "broker/internal.h"

static struct slice place(uint8_t **at, struct slice s)
{
    struct slice copy = { *at, s.n };

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

err_t broker_msg_new(struct broker *b, const struct broker_message *m, int64_t ends_ms,
                     struct broker_msg **ret)
{
    struct broker_msg *msg = mem_calloc(1, sizeof(*msg) + m->topic.n + m->payload.n + m->props.n);
    uint8_t *at;

    if (!msg)
        return ERR_NOMEM;
    at = msg->bytes;
    msg->refs = 1;
    msg->serial = ++b->last_msg;
    msg->qos = m->qos;
    msg->retain = m->retain;
    msg->ends_ms = ends_ms;
    msg->topic = place(&at, m->topic);
    msg->payload = place(&at, m->payload);
    msg->props = place(&at, m->props);
    *ret = msg;
    return ERR_OK;
}

struct broker_msg *broker_msg_ref(struct broker_msg *m)
{
    m->refs++;
    return m;
}

void broker_msg_unref(struct broker_msg *m)
{
    if (!m || --m->refs)
        return;
    if (m->secret)
        mem_wipe(m, sizeof(*m) + m->topic.n + m->payload.n + m->props.n);
    free(m);
}

/* Wall clock; 0: it lives as long as the broker likes. */
static int64_t ends_of(const struct broker *b, const struct mqtt_props *props)
{
    uint32_t most = b->o.config.message_expiry_s, asked = props->message_expiry_s;

    if (!mqtt_props_has(props, MQTT_PROP_MESSAGE_EXPIRY))
        return 0;
    return broker_wall(b) + (int64_t)(most && asked > most ? most : asked) * 1000;
}

err_t broker_msg_from(struct broker *b, struct slice topic, struct slice payload, uint8_t qos, bool retain,
                      const struct mqtt_props *props, struct broker_msg **ret)
{
    const uint64_t hop = MQTT_PROP_BIT(MQTT_PROP_TOPIC_ALIAS) | MQTT_PROP_BIT(MQTT_PROP_SUBSCRIPTION_ID) |
                         MQTT_PROP_BIT(MQTT_PROP_WILL_DELAY) | MQTT_PROP_BIT(MQTT_PROP_MESSAGE_EXPIRY);
    struct mqtt_props kept = *props;
    struct broker_message m = { .topic = topic, .payload = payload, .qos = qos, .retain = retain };
    autobuf text = BUF_INIT(MQTT_STR_MAX * 4);
    struct writer w = writer_of(&text);

    kept.has &= ~hop;
    if (kept.has) {
        struct reader r;

        mqtt_props_write(&w, MQTT_PUBLISH, &kept);
        if (writer_done(&w))
            return writer_done(&w);
        r = reader_of(buf_slice(&text));
        (void)mqtt_varint_read(&r); /* our own writing */
        m.props = r.rest;
    }
    return broker_msg_new(b, &m, ends_of(b, props), ret);
}

bool broker_msg_expired(const struct broker_msg *m, int64_t wall_ms)
{
    return m->ends_ms && wall_ms >= m->ends_ms;
}
