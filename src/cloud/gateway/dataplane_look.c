/* Retained messages and connections, looked at and ended. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "cloud/api/page.h"
#include "cloud/gateway/dataplane.h"
#include "cloud/gateway/mqtt.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"
#include "net/stream.h"

#include <stdlib.h>

#define PAGE_MAX 200
#define TEXT_MAX (1u << 20)

err_t data_check(struct api_call *c)
{
    (void)c; /* what it asks is the broker's to say */
    return ERR_OK;
}

/* ---- retained messages ---- */

static err_t add_user_property(json_t *list, const struct mqtt_prop_item *p)
{
    autofree char *name = mem_str(p->name);
    json_t *value = json_stringn((const char *)p->value.p, p->value.n);

    return name && value && json_array_append_new(list, json_pack("{s:o}", name, value)) == 0 ? ERR_OK
                                                                                              : ERR_NOMEM;
}

static err_t user_properties(struct slice props, json_t *list)
{
    struct mqtt_prop_item item;
    err_t e = list ? ERR_OK : ERR_NOMEM;

    while (!e && mqtt_prop_next(&props, &item) == ERR_OK)
        e = item.id == MQTT_PROP_USER ? add_user_property(list, &item) : ERR_OK;
    return e;
}

static err_t set_base64(json_t *to, const char *name, struct slice bytes)
{
    autobuf text = BUF_INIT(TEXT_MAX);
    err_t e = base64_encode(&text, bytes);

    return e ? e : json_object_set_new(to, name, json_string(buf_str(&text))) ? ERR_NOMEM : ERR_OK;
}

static err_t set_user_properties(json_t *to, struct slice props)
{
    auto_json *list = json_array();
    autobuf text = BUF_INIT(TEXT_MAX);
    err_t e = user_properties(props, list);

    if (e || !json_array_size(list))
        return e;
    e = json_write(&text, list, 0);
    return e ? e : set_base64(to, "userProperties", buf_slice(&text));
}

static json_t *summary(const struct broker_retained *r)
{
    return json_pack("{s:s%,s:i,s:I}", "topic", (const char *)r->topic.p, r->topic.n, "qos", r->qos,
                     "lastModifiedTime", (json_int_t)r->stored_ms);
}

err_t data_retained_get(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    struct broker_retained r;
    auto_json *answer = NULL;
    err_t e;

    (void)late;
    (void)ctx;
    if (broker_retained_find(gateway_broker(gw), slice_str(api_param(c, "topic")), &r))
        return api_fail(c, API_NOT_FOUND, "there is no retained message on this topic");
    if (!(answer = summary(&r)))
        return ERR_NOMEM;
    if ((e = set_base64(answer, "payload", r.payload)) || (e = set_user_properties(answer, r.props)))
        return e;
    return api_reply(c, steal(&answer));
}

struct listing {
    struct api_page page;
    err_t err;
};

static bool list_retained(void *ctx, const struct broker_retained *r)
{
    struct listing *l = ctx;
    autobuf token = BUF_INIT(sizeof(l->page.next));
    json_t *item;

    if (!api_page_room(&l->page))
        return false;
    item = summary(r);
    if (item)
        (void)json_object_set_new(item, "payloadSize", json_integer((json_int_t)r->payload.n));
    l->err = base64_encode(&token, r->topic);
    if (l->err)
        json_decref(item);
    else
        l->err = api_page_add(&l->page, item, "%s", buf_str(&token));
    return !l->err;
}

err_t data_retained_list(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    struct listing l = { .page = API_PAGE_INIT(c) };
    const char *token = api_param(c, "nextToken");
    autobuf after = BUF_INIT(sizeof(l.page.next));
    err_t e = api_param_size(c, "maxResults", PAGE_MAX, PAGE_MAX, &l.page.size);

    (void)late;
    (void)ctx;
    if (!e && token && base64_decode(&after, slice_str(token)))
        e = api_fail(c, API_INVALID_REQUEST, "invalid nextToken");
    if (!e) {
        broker_retained_list(gateway_broker(gw), buf_slice(&after), list_retained, &l);
        e = l.err ? l.err : api_page_reply(&l.page, "retainedTopics", "nextToken");
    }
    api_page_done(&l.page);
    return e;
}

/* ---- connections ---- */

static err_t unknown(struct api_call *c)
{
    return api_fail(c, API_NOT_FOUND, "no client with this id is connected or has a session");
}

static json_t *connection(const struct broker_client *b, const struct lifecycle_client *l, const char *id)
{
    json_t *j = json_pack("{s:s,s:b,s:b}", "clientId", id, "connected", b && b->connected, "cleanSession",
                          !(b && b->persistent));

    if (j && b && b->connected)
        (void)json_object_set_new(j, "keepAliveDuration", json_integer(b->keep_alive_s));
    if (j && b && b->persistent)
        (void)json_object_set_new(j, "sessionExpiry", json_integer(b->expiry_s));
    if (j && l && l->connected)
        (void)json_object_set_new(j, "connectedSince", json_integer(l->connected_ms));
    if (j && l && !l->connected) {
        (void)json_object_set_new(j, "disconnectedSince", json_integer(l->disconnected_ms));
        (void)json_object_set_new(j, "disconnectReason", json_string(broker_why_str(l->why)));
    }
    return j;
}

static void add_socket(json_t *j, const struct lifecycle_client *l)
{
    char host[sizeof(l->address)];
    uint16_t port;

    if (net_addr_split(l->address, host, sizeof(host), &port))
        return;
    (void)json_object_set_new(j, "sourceIp", json_string(host));
    (void)json_object_set_new(j, "sourcePort", json_integer(port));
}

err_t data_connection_get(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    const char *id = api_param(c, "clientId");
    const struct lifecycle_client *l = lifecycle_find(gateway_lifecycle(gw), slice_str(id));
    struct broker_client b;
    bool known, socket = false;
    err_t e;
    json_t *j;

    (void)late;
    (void)ctx;
    if ((e = api_param_bool(c, "includeSocketInformation", &socket)))
        return e;
    known = broker_client_find(gateway_broker(gw), slice_str(id), &b) == ERR_OK;
    if (!known && !l)
        return unknown(c);
    j = connection(known ? &b : NULL, l, id);
    if (j && socket && l && l->connected)
        add_socket(j, l);
    return api_reply(c, j);
}

struct subscriptions {
    json_t *list;
    err_t err;
};

static void add_subscription(void *ctx, struct slice filter, uint8_t qos)
{
    struct subscriptions *s = ctx;

    if (json_array_append_new(
            s->list, json_pack("{s:s%,s:i}", "topicFilter", (const char *)filter.p, filter.n, "qos", qos)))
        s->err = ERR_NOMEM;
}

static const char *filter_of(const json_t *list, size_t i)
{
    return json_get_str(json_array_get(list, i), "topicFilter");
}

/* The smallest filter behind `after`, or NULL. */
static json_t *next_after(const json_t *list, const char *after)
{
    json_t *best = NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = filter_of(list, i);
        if (strcmp(name, after) > 0 && (!best || strcmp(name, json_get_str(best, "topicFilter")) < 0))
            best = json_array_get(list, i);
    }
    return best;
}

static err_t page_of(struct api_page *page, const json_t *list, const char *after)
{
    json_t *item;
    err_t e = ERR_OK;

    while (!e && (item = next_after(list, after)) && api_page_room(page)) {
        after = json_get_str(item, "topicFilter");
        e = api_page_add(page, json_incref(item), "%s", after);
    }
    return e;
}

err_t data_connection_subscriptions(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    const char *id = api_param(c, "clientId"), *token = api_param(c, "nextToken");
    struct subscriptions s = { .list = json_array() };
    auto_page page = API_PAGE_INIT(c);
    auto_json *list = s.list;
    struct broker_client b;
    err_t e = api_param_size(c, "maxResults", PAGE_MAX, PAGE_MAX, &page.size);

    (void)late;
    (void)ctx;
    if (e)
        return e;
    if (token && strcmp(token, API_PAGE_NOWHERE) == 0)
        return api_fail(c, API_INVALID_REQUEST, "invalid nextToken");
    if (broker_client_find(gateway_broker(gw), slice_str(id), &b))
        return unknown(c);
    broker_client_subscriptions(gateway_broker(gw), slice_str(id), add_subscription, &s);
    if (s.err || (e = page_of(&page, list, token ? token : "")))
        return s.err ? s.err : e;
    return api_page_reply(&page, "subscriptions", "nextToken");
}

err_t data_connection_delete(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx)
{
    struct slice id = slice_str(api_param(c, "clientId"));
    struct broker *b = gateway_broker(gw);
    bool clean = false, no_will = false;
    unsigned ended;
    err_t e;

    (void)late;
    (void)ctx;
    if ((e = api_param_bool(c, "cleanSession", &clean)) ||
        (e = api_param_bool(c, "preventWillMessage", &no_will)))
        return e;
    ended = broker_disconnect_client(b, id, BROKER_WHY_API, MQTT_RC_ADMINISTRATIVE_ACTION, !no_will);
    if (clean && broker_client_forget(b, id) == ERR_OK)
        ended++;
    return ended ? ERR_OK : unknown(c);
}
