#include "cloud/gateway/dataplane.h"

#include "base/hex.h"
#include "cloud/api/field.h"
#include "cloud/gateway/mqtt.h"
#include "crypto/random.h"
#include "mqtt/packet.h"

#define USER_PROPERTIES_MAX (8u << 10) /* encoded */
#define CORRELATION_MAX 4096u
#define PROPS_MAX (32u << 10)
#define DEPTH_MAX 4u

/* ---- MQTT 5 properties of a request ---- */

struct properties {
    struct mqtt_props p;
    struct buf user, correlation; /* what p points into */
};

static void properties_done(struct properties *p)
{
    buf_done(&p->user);
    buf_done(&p->correlation);
}

static err_t decode_header(struct api_call *c, const char *name, struct buf *out)
{
    const char *value = api_param(c, name);
    err_t e = value ? base64_decode(out, slice_str(value)) : ERR_OK;

    return e && e != ERR_NOMEM ? api_fail(c, API_INVALID_REQUEST, "'%s' must be base64", name) : e;
}

/* One {"name": "value"}. */
static err_t add_pair(struct buf *block, const json_t *pair)
{
    const char *name;
    json_t *value;
    err_t e = json_object_size(pair) == 1 ? ERR_OK : ERR_INVALID;

    json_object_foreach((json_t *)(uintptr_t)pair, name, value)
    {
        if (!e)
            e = json_is_string(value)
                    ? mqtt_prop_add_user(block, slice_str(name),
                                         slice_of(json_string_value(value), json_string_length(value)))
                    : ERR_INVALID;
    }
    return e;
}

static err_t add_pairs(struct buf *block, const json_t *list)
{
    size_t i;
    json_t *pair;
    err_t e = json_is_array(list) ? ERR_OK : ERR_INVALID;

    json_array_foreach(list, i, pair)
    {
        if (!e)
            e = add_pair(block, pair);
    }
    return e;
}

/* An array of objects with one member each; or, as the SDKs send what their caller gave as text, a string in
 * which that array is. */
static err_t read_user_properties(struct slice text, struct buf *block)
{
    auto_json *outer = NULL, *inner = NULL;
    err_t e = json_parse(text, DEPTH_MAX, &outer, NULL);

    if (!e && json_is_string(outer))
        e = json_parse(slice_of(json_string_value(outer), json_string_length(outer)), DEPTH_MAX, &inner,
                       NULL);
    return e ? e : add_pairs(block, inner ? inner : outer);
}

static err_t take_user_properties(struct api_call *c, struct properties *to)
{
    autobuf text = BUF_INIT(USER_PROPERTIES_MAX);
    err_t e = decode_header(c, "x-amz-mqtt5-user-properties", &text);

    if (e || !text.n)
        return e;
    if ((e = read_user_properties(buf_slice(&text), &to->user)))
        return e == ERR_NOMEM ? e
                              : api_fail(c, API_INVALID_REQUEST,
                                         "'x-amz-mqtt5-user-properties' must be an array of objects with one "
                                         "text each");
    to->p.has |= to->user.n ? MQTT_PROP_BIT(MQTT_PROP_USER) : 0;
    to->p.block = buf_slice(&to->user);
    return ERR_OK;
}

static void take_text(struct api_call *c, const char *param, enum mqtt_prop id, struct mqtt_props *p,
                      struct slice *value)
{
    const char *text = api_param(c, param);

    if (!text)
        return;
    *value = slice_str(text);
    p->has |= MQTT_PROP_BIT(id);
}

static err_t take_format(struct api_call *c, struct mqtt_props *p)
{
    static const char *const values[] = { "UNSPECIFIED_BYTES", "UTF8_DATA", NULL };
    const char *value = NULL;
    err_t e = api_param_enum(c, "x-amz-mqtt5-payload-format-indicator", values, &value);

    if (e || !value)
        return e;
    p->payload_format = strcmp(value, values[1]) == 0;
    p->has |= MQTT_PROP_BIT(MQTT_PROP_PAYLOAD_FORMAT);
    return ERR_OK;
}

static err_t take_expiry(struct api_call *c, struct mqtt_props *p)
{
    int64_t seconds = -1;
    err_t e = api_param_int(c, "messageExpiry", &seconds);

    if (e || seconds < 0)
        return e;
    if (seconds > UINT32_MAX)
        return api_fail(c, API_INVALID_REQUEST, "'messageExpiry' is too large");
    p->message_expiry_s = (uint32_t)seconds;
    p->has |= MQTT_PROP_BIT(MQTT_PROP_MESSAGE_EXPIRY);
    return ERR_OK;
}

static err_t take_properties(struct api_call *c, struct properties *to)
{
    struct mqtt_props *p = &to->p;
    err_t e;

    take_text(c, "contentType", MQTT_PROP_CONTENT_TYPE, p, &p->content_type);
    take_text(c, "responseTopic", MQTT_PROP_RESPONSE_TOPIC, p, &p->response_topic);
    if ((e = take_format(c, p)) || (e = take_expiry(c, p)) || (e = take_user_properties(c, to)) ||
        (e = decode_header(c, "x-amz-mqtt5-correlation-data", &to->correlation)))
        return e;
    if (to->correlation.n) {
        p->correlation_data = buf_slice(&to->correlation);
        p->has |= MQTT_PROP_BIT(MQTT_PROP_CORRELATION_DATA);
    }
    return ERR_OK;
}

/* The encoded block without its length, as struct broker_message wants it. */
static err_t encode_properties(const struct mqtt_props *p, struct buf *text, struct slice *ret)
{
    struct writer w = writer_of(text);
    struct reader r;
    err_t e;

    if (!p->has)
        return ERR_OK;
    mqtt_props_write(&w, MQTT_PUBLISH, p);
    if ((e = writer_done(&w)))
        return e;
    r = reader_of(buf_slice(text));
    (void)mqtt_varint_read(&r); /* our own writing */
    *ret = r.rest;
    return ERR_OK;
}

/* ---- Publish ---- */

static err_t say_why(struct api_call *c, err_t e)
{
    switch (e) {
    case ERR_INVALID:
        return api_fail(c, API_INVALID_REQUEST, "the topic, the QoS or a property is not valid");
    case ERR_TOO_BIG:
        return api_fail(c, API_TOO_LARGE, "the payload is too large");
    case ERR_DENIED:
        return api_fail(c, API_FORBIDDEN, "nobody may publish that to this topic");
    case ERR_NO_SPACE:
        return api_fail(c, API_THROTTLING, "no room for another retained message");
    case ERR_BUSY:
        return api_fail(c, API_THROTTLING, "too many messages in this second: try again");
    case ERR_UNAVAILABLE:
        return api_fail(c, API_UNAVAILABLE, "the server is stopping");
    default:
        return api_fail(c, API_INTERNAL, "the message could not be kept: %s", err_str(e));
    }
}

static err_t read_options(struct api_call *c, struct broker_message *m)
{
    int64_t qos = 0;
    err_t e;

    if ((e = api_param_int(c, "qos", &qos)) || (e = api_param_bool(c, "retain", &m->retain)))
        return e;
    if (qos > 1)
        return api_fail(c, API_INVALID_REQUEST, "'qos' must be 0 or 1");
    m->qos = (uint8_t)qos;
    return ERR_OK;
}

err_t data_publish_check(struct api_call *c)
{
    struct broker_message m = { 0 };
    char trace[CRYPTO_UUID_MAX];
    err_t e;

    if ((e = read_options(c, &m)) || (e = crypto_random_uuid(c->env->crypto, trace)))
        return e;
    return api_reply(c, json_pack("{s:s,s:s}", "message", "OK", "traceId", trace));
}

static err_t submit(struct api_call *c, struct gateway *gw, const struct properties *props, api_late_fn late,
                    void *ctx)
{
    autobuf text = BUF_INIT(PROPS_MAX);
    const char *topic = api_param(c, "topic");
    struct broker_message m = { .topic = slice_str(topic),
                                .payload = buf_slice(&c->raw),
                                .principal = slice_str(c->cert_id ? c->cert_id : "") };
    err_t e;

    if ((e = read_options(c, &m)))
        return e;
    e = encode_properties(&props->p, &text, &m.props);
    if (!e)
        e = broker_submit(gateway_broker(gw), &m, late, ctx);
    return e && e != ERR_MORE ? say_why(c, e) : e;
}

err_t data_publish(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    struct properties props = { .user = BUF_INIT(USER_PROPERTIES_MAX),
                                .correlation = BUF_INIT(CORRELATION_MAX) };
    err_t e = take_properties(c, &props);

    if (e == ERR_TOO_BIG)
        e = api_fail(c, API_INVALID_REQUEST, "the MQTT 5 properties are too large");
    if (!e)
        e = submit(c, gw, &props, late, ctx);
    properties_done(&props);
    return e;
}
