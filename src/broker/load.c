#include "broker/internal.h"
#include "mqtt/topic.h"

/* What the journal kept becomes sessions, subscriptions, queues and retained messages again. Its bytes are
 * foreign bytes: what cannot be right is ERR_CORRUPT. */

static err_t load_session(struct broker *b, const struct broker_record *rec)
{
    struct session *s;
    err_t e = session_new(b, rec->client_id, &s);

    if (e)
        return e;
    s->version = rec->version;
    s->expiry_s = rec->expiry_s;
    s->was_connected = !rec->ends_ms;
    s->ends_ms = rec->ends_ms ? rec->ends_ms : session_ends(s); /* connected: its time starts now */
    return ERR_OK;
}

static err_t load_message(struct broker *b, const struct broker_record *rec, struct broker_msg **ret)
{
    struct broker_msg **last = &b->loaded;
    const struct broker_message m = {
        .topic = rec->topic,
        .payload = rec->payload,
        .props = rec->props,
        .qos = rec->qos,
        .retain = rec->kind == BROKER_REC_RETAINED || (rec->kind == BROKER_REC_WILL && rec->retain),
    };
    err_t e;

    if (rec->message && *last && rec->message == b->loaded_message) {
        *ret = broker_msg_ref(*last);
        return ERR_OK;
    }
    e = mqtt_topic_valid(rec->topic) ? broker_msg_new(b, &m, rec->ends_ms, ret) : ERR_CORRUPT;
    if (e)
        return e;
    broker_msg_unref(*last);
    *last = broker_msg_ref(*ret);
    b->loaded_message = rec->message;
    return ERR_OK;
}

static err_t load_retained(struct broker *b, const struct broker_record *rec)
{
    struct broker_msg *msg;
    err_t e = load_message(b, rec, &msg);

    if (e)
        return e;
    msg->stored_ms = rec->stored_ms;
    e = retain_set(b, msg);
    broker_msg_unref(msg);
    return e;
}

static err_t load_queued(struct session *s, const struct broker_record *rec)
{
    const struct delivery d = {
        .seq = rec->seq, .sub_ids = rec->sub_ids, .qos = rec->qos, .retain = rec->retain
    };
    struct broker_msg *msg;
    err_t e = load_message(s->b, rec, &msg);

    if (e)
        return e;
    e = session_enqueue(s, msg, &d);
    broker_msg_unref(msg);
    return e;
}

static err_t load_will(struct session *s, const struct broker_record *rec)
{
    err_t e = s->will ? ERR_CORRUPT : load_message(s->b, rec, &s->will);

    s->will_due_ms = rec->due_ms;
    return e;
}

static err_t load_subscription(struct session *s, const struct broker_record *rec)
{
    const struct sub_how how = { .id = rec->sub_id, .qos = rec->qos, .options = rec->options };
    bool is_new;

    return mqtt_filter_valid(rec->topic) ? session_subscribe(s, rec->topic, &how, &is_new) : ERR_CORRUPT;
}

static err_t load_of_session(struct session *s, const struct broker_record *rec)
{
    switch (rec->kind) {
    case BROKER_REC_SUBSCRIPTION:
        return load_subscription(s, rec);
    case BROKER_REC_QUEUED:
        return rec->qos == 1 || rec->qos == 2 ? load_queued(s, rec) : ERR_CORRUPT;
    case BROKER_REC_WILL:
        return rec->qos <= 2 ? load_will(s, rec) : ERR_CORRUPT;
    case BROKER_REC_RELEASED:
        return session_released(s, rec->seq) ? ERR_OK : ERR_CORRUPT;
    case BROKER_REC_RECEIVED:
        return mqtt_ids_add(&s->received, rec->packet_id, UINT16_MAX);
    default:
        return ERR_CORRUPT; /* a journal tells what is kept, not what ended */
    }
}

err_t broker_load(void *arg, const struct broker_record *rec)
{
    struct broker *b = arg;
    struct session *s;

    if (rec->kind == BROKER_REC_SESSION)
        return load_session(b, rec);
    if (rec->kind == BROKER_REC_RETAINED)
        return load_retained(b, rec);
    s = session_find(b, rec->client_id);
    return s ? load_of_session(s, rec) : ERR_CORRUPT;
}
