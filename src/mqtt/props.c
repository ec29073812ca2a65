#include "mqtt/props.h"

#include "mqtt/wire.h"

#include <stddef.h>

enum prop_type {
    P_BOOL,
    P_U16,
    P_U16_NONZERO,
    P_U32,
    P_U32_NONZERO,
    P_VARINT_NONZERO,
    P_STRING,
    P_BINARY,
    P_PAIR
};

#define IN(type) (1u << (type))
#define IN_MESSAGE (IN(MQTT_PUBLISH) | IN(MQTT_PROPS_WILL))
#define IN_ACKS                                                                                 \
    (IN(MQTT_PUBACK) | IN(MQTT_PUBREC) | IN(MQTT_PUBREL) | IN(MQTT_PUBCOMP) | IN(MQTT_SUBACK) | \
     IN(MQTT_UNSUBACK))
#define IN_ALL                                                                         \
    (IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN_MESSAGE | IN_ACKS | IN(MQTT_SUBSCRIBE) | \
     IN(MQTT_UNSUBSCRIBE) | IN(MQTT_DISCONNECT) | IN(MQTT_AUTH))
#define AT(member) offsetof(struct mqtt_props, member)

/* MQTT 5.0 table 2-4; value ranges from the sections that define each property. */
static const struct prop_rule {
    uint8_t id;
    uint8_t type;
    uint16_t at;
    uint32_t where;
} rules[] = {
    { MQTT_PROP_PAYLOAD_FORMAT, P_BOOL, AT(payload_format), IN_MESSAGE },
    { MQTT_PROP_MESSAGE_EXPIRY, P_U32, AT(message_expiry_s), IN_MESSAGE },
    { MQTT_PROP_CONTENT_TYPE, P_STRING, AT(content_type), IN_MESSAGE },
    { MQTT_PROP_RESPONSE_TOPIC, P_STRING, AT(response_topic), IN_MESSAGE },
    { MQTT_PROP_CORRELATION_DATA, P_BINARY, AT(correlation_data), IN_MESSAGE },
    { MQTT_PROP_SUBSCRIPTION_ID, P_VARINT_NONZERO, AT(subscription_id),
      IN(MQTT_PUBLISH) | IN(MQTT_SUBSCRIBE) },
    { MQTT_PROP_SESSION_EXPIRY, P_U32, AT(session_expiry_s),
      IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT) },
    { MQTT_PROP_ASSIGNED_CLIENT_ID, P_STRING, AT(assigned_client_id), IN(MQTT_CONNACK) },
    { MQTT_PROP_SERVER_KEEP_ALIVE, P_U16, AT(server_keep_alive_s), IN(MQTT_CONNACK) },
    { MQTT_PROP_AUTH_METHOD, P_STRING, AT(auth_method), IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH) },
    { MQTT_PROP_AUTH_DATA, P_BINARY, AT(auth_data), IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH) },
    { MQTT_PROP_REQUEST_PROBLEM_INFO, P_BOOL, AT(request_problem_info), IN(MQTT_CONNECT) },
    { MQTT_PROP_WILL_DELAY, P_U32, AT(will_delay_s), IN(MQTT_PROPS_WILL) },
    { MQTT_PROP_REQUEST_RESPONSE_INFO, P_BOOL, AT(request_response_info), IN(MQTT_CONNECT) },
    { MQTT_PROP_RESPONSE_INFO, P_STRING, AT(response_info), IN(MQTT_CONNACK) },
    { MQTT_PROP_SERVER_REFERENCE, P_STRING, AT(server_reference), IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT) },
    { MQTT_PROP_REASON_STRING, P_STRING, AT(reason_string),
      IN(MQTT_CONNACK) | IN_ACKS | IN(MQTT_DISCONNECT) | IN(MQTT_AUTH) },
    { MQTT_PROP_RECEIVE_MAX, P_U16_NONZERO, AT(receive_max), IN(MQTT_CONNECT) | IN(MQTT_CONNACK) },
    { MQTT_PROP_TOPIC_ALIAS_MAX, P_U16, AT(topic_alias_max), IN(MQTT_CONNECT) | IN(MQTT_CONNACK) },
    { MQTT_PROP_TOPIC_ALIAS, P_U16, AT(topic_alias), IN(MQTT_PUBLISH) },
    { MQTT_PROP_MAX_QOS, P_BOOL, AT(max_qos), IN(MQTT_CONNACK) },
    { MQTT_PROP_RETAIN_AVAILABLE, P_BOOL, AT(retain_available), IN(MQTT_CONNACK) },
    { MQTT_PROP_USER, P_PAIR, 0, IN_ALL },
    { MQTT_PROP_MAX_PACKET_SIZE, P_U32_NONZERO, AT(max_packet_size), IN(MQTT_CONNECT) | IN(MQTT_CONNACK) },
    { MQTT_PROP_WILDCARD_AVAILABLE, P_BOOL, AT(wildcard_available), IN(MQTT_CONNACK) },
    { MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE, P_BOOL, AT(subscription_id_available), IN(MQTT_CONNACK) },
    { MQTT_PROP_SHARED_AVAILABLE, P_BOOL, AT(shared_available), IN(MQTT_CONNACK) },
};

static const struct prop_rule *rule_of(uint32_t id)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].id == id)
            return &rules[i];
    return NULL;
}

/* Values that the specification calls protocol errors. */
static bool value_ok(const struct prop_rule *rule, uint32_t number)
{
    switch ((enum prop_type)rule->type) {
    case P_BOOL:
        return number <= 1;
    case P_U16_NONZERO:
    case P_U32_NONZERO:
    case P_VARINT_NONZERO:
        return number > 0;
    default:
        return true;
    }
}

static void item_read(struct reader *r, const struct prop_rule *rule, struct mqtt_prop_item *item)
{
    switch ((enum prop_type)rule->type) {
    case P_BOOL:
        item->number = reader_u8(r);
        break;
    case P_U16:
    case P_U16_NONZERO:
        item->number = reader_be16(r);
        break;
    case P_U32:
    case P_U32_NONZERO:
        item->number = reader_be32(r);
        break;
    case P_VARINT_NONZERO:
        item->number = mqtt_varint_read(r);
        break;
    case P_STRING:
        item->value = mqtt_string_read(r);
        break;
    case P_BINARY:
        item->value = mqtt_binary_read(r);
        break;
    case P_PAIR:
        item->name = mqtt_string_read(r);
        item->value = mqtt_string_read(r);
        break;
    }
}

err_t mqtt_prop_next(struct slice *block, struct mqtt_prop_item *ret)
{
    struct reader r = reader_of(*block);
    struct mqtt_prop_item item = { 0 };
    const struct prop_rule *rule;
    uint32_t id;

    if (!block->n)
        return ERR_MORE;
    id = mqtt_varint_read(&r); /* §2.2.2.2: the identifier is a variable byte integer */
    rule = rule_of(id);
    if (!rule)
        return ERR_PROTO;
    item.id = rule->id;
    item_read(&r, rule, &item);
    if (reader_ok(&r))
        return ERR_PROTO;
    if (!value_ok(rule, item.number))
        return ERR_INVALID;
    *block = r.rest;
    *ret = item;
    return ERR_OK;
}

/* Put a value where the table says. */
static void item_store(struct mqtt_props *p, const struct prop_rule *rule, const struct mqtt_prop_item *item)
{
    void *at = (char *)p + rule->at;

    switch ((enum prop_type)rule->type) {
    case P_BOOL:
        *(uint8_t *)at = (uint8_t)item->number;
        break;
    case P_U16:
    case P_U16_NONZERO:
        *(uint16_t *)at = (uint16_t)item->number;
        break;
    case P_U32:
    case P_U32_NONZERO:
    case P_VARINT_NONZERO:
        *(uint32_t *)at = item->number;
        break;
    case P_STRING:
    case P_BINARY:
        *(struct slice *)at = item->value;
        break;
    case P_PAIR:
        break;
    }
}

/* User properties may repeat; a PUBLISH may carry several subscription identifiers (§3.3.2.3.8). */
static bool may_repeat(const struct prop_rule *rule, unsigned where)
{
    return rule->type == P_PAIR || (rule->id == MQTT_PROP_SUBSCRIPTION_ID && where == MQTT_PUBLISH);
}

err_t mqtt_props_parse(struct slice block, unsigned where, struct mqtt_props *ret)
{
    struct mqtt_props p = { .block = block };
    struct mqtt_prop_item item;
    err_t e;

    while ((e = mqtt_prop_next(&block, &item)) == ERR_OK) {
        const struct prop_rule *rule = rule_of(item.id);

        if (!(rule->where & IN(where))) /* §2.2.2.2: malformed */
            return ERR_PROTO;
        if (mqtt_props_has(&p, item.id) && !may_repeat(rule, where))
            return ERR_INVALID;
        p.has |= MQTT_PROP_BIT(item.id);
        item_store(&p, rule, &item);
    }
    if (e != ERR_MORE)
        return e;
    *ret = p;
    return ERR_OK;
}

void mqtt_props_read(struct reader *r, unsigned where, struct mqtt_props *ret)
{
    struct slice block = reader_bytes(r, mqtt_varint_read(r));

    err_t e;

    *ret = (struct mqtt_props){ 0 };
    e = mqtt_props_parse(block, where, ret);
    if (e)
        reader_refuse(r, e);
}

static void number_write(struct writer *w, const struct prop_rule *rule, const void *at)
{
    uint32_t v;

    switch ((enum prop_type)rule->type) {
    case P_U16:
    case P_U16_NONZERO:
        v = *(const uint16_t *)at;
        writer_be16(w, (uint16_t)v);
        break;
    case P_U32:
    case P_U32_NONZERO:
        v = *(const uint32_t *)at;
        writer_be32(w, v);
        break;
    case P_VARINT_NONZERO:
        v = *(const uint32_t *)at;
        mqtt_varint_write(w, v);
        break;
    default:
        v = *(const uint8_t *)at;
        writer_u8(w, (uint8_t)v);
        mqtt_expect(w, v <= 1);
        break;
    }
    mqtt_expect(w, v || (rule->type != P_U16_NONZERO && rule->type != P_U32_NONZERO &&
                         rule->type != P_VARINT_NONZERO));
}

static void user_write(struct writer *w, struct slice block)
{
    struct mqtt_prop_item item;
    err_t e;

    while ((e = mqtt_prop_next(&block, &item)) == ERR_OK) {
        if (item.id != MQTT_PROP_USER)
            continue;
        writer_u8(w, MQTT_PROP_USER);
        mqtt_string_write(w, item.name);
        mqtt_string_write(w, item.value);
    }
    mqtt_expect(w, e == ERR_MORE);
}

static void rule_write(struct writer *w, const struct prop_rule *rule, const struct mqtt_props *p)
{
    const void *at = (const char *)p + rule->at;

    if (rule->type == P_PAIR) {
        user_write(w, p->block);
        return;
    }
    writer_u8(w, rule->id);
    if (rule->type == P_STRING)
        mqtt_string_write(w, *(const struct slice *)at);
    else if (rule->type == P_BINARY)
        mqtt_binary_write(w, *(const struct slice *)at);
    else
        number_write(w, rule, at);
}

void mqtt_props_write(struct writer *w, unsigned where, const struct mqtt_props *p)
{
    autobuf block = BUF_INIT(MQTT_HEADER_MAX);
    struct writer bw = writer_of(&block);
    uint64_t known = 0;

    for (size_t i = 0; p && i < sizeof(rules) / sizeof(rules[0]); i++) {
        known |= MQTT_PROP_BIT(rules[i].id);
        if (!mqtt_props_has(p, rules[i].id))
            continue;
        mqtt_expect(&bw, rules[i].where & IN(where));
        rule_write(&bw, &rules[i], p);
    }
    mqtt_expect(&bw, !p || !(p->has & ~known));
    if (writer_done(&bw) && !w->err)
        w->err = writer_done(&bw);
    mqtt_varint_write(w, (uint32_t)block.n);
    writer_bytes(w, buf_slice(&block));
}

err_t mqtt_prop_add_user(struct buf *block, struct slice name, struct slice value)
{
    struct writer w = writer_of(block);
    size_t before = block->n;

    writer_u8(&w, MQTT_PROP_USER);
    mqtt_string_write(&w, name);
    mqtt_string_write(&w, value);
    if (writer_done(&w))
        buf_cut(block, before);
    return writer_done(&w);
}
