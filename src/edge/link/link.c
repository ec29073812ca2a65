/* src/edge/link/link.c */
#include "edge/link/link.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "edge/backoff.h"
#include "edge/elog.h"
#include "edge/link/mqttc.h"
#include "edge/link/subscriptions.h"
#include "mqtt/reason.h"
#include "net/stream.h"
#include "tls/stream.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>

#define CONNECT_MS 15000
#define RETRY_BASE_MS 1000
#define ATTEMPT_ID_LEN 4

struct link {
    struct net_loop *loop;
    const struct crypto_ctx *crypto;
    struct tls_context *tls;
    char *host, *client_id, *thing_name, *endpoint;
    struct subscriptions topics;
    uint16_t port;
    enum link_role role;
    uint8_t qos;
    const struct link_handler *handler;
    void *ctx;

    enum link_state state;
    struct net_stream *stream;
    struct net_timer *retry, *tick, *ask_again;
    int64_t max_retry_ms;
    struct backoff backoff;
    struct mqttc mqtt;
    size_t asked;        /* the topic being subscribed */
    int64_t connections; /* successful ones so far */
    char attempt_id[ATTEMPT_ID_LEN + 1];
};

static const char *const state_names[] = { "down",        "waiting", "connecting", "awaiting CONNACK",
                                           "subscribing", "ready" };

/* Which states may follow which. */
#define TO(s) (1u << (s))
static const unsigned may_follow[] = {
    [LINK_DOWN] = TO(LINK_CONNECTING),
    [LINK_WAITING] = TO(LINK_CONNECTING) | TO(LINK_DOWN),
    [LINK_CONNECTING] = TO(LINK_CONNACK) | TO(LINK_WAITING) | TO(LINK_DOWN),
    [LINK_CONNACK] = TO(LINK_SUBSCRIBING) | TO(LINK_WAITING) | TO(LINK_DOWN),
    [LINK_SUBSCRIBING] = TO(LINK_READY) | TO(LINK_WAITING) | TO(LINK_DOWN),
    [LINK_READY] = TO(LINK_WAITING) | TO(LINK_DOWN),
};

static void set_state(struct link *l, enum link_state to)
{
    assert(may_follow[l->state] & TO(to));
    elog(ELOG_DEBUG, "Cloud link changes state.", ELOG_S("from", state_names[l->state]),
         ELOG_S("to", state_names[to]));
    l->state = to;
}

/* ---- ends ---- */

static void drop_stream(struct link *l)
{
    net_stream_free(l->stream);
    l->stream = NULL;
    net_timer_stop(l->tick);
    net_timer_stop(l->ask_again);
    mqttc_close(&l->mqtt);
}

static int64_t retry_in(struct link *l)
{
    uint32_t random = 0;

    (void)crypto_random(l->crypto, &random, sizeof(random)); /* without entropy: no jitter */
    return backoff_next(&l->backoff, random);
}

/* V1's line for a name that is not known: fleets' tools look for it. */
static void warn_about_name(struct link *l, const char *detail)
{
    static const int failures[] = { EAI_NONAME, EAI_AGAIN, EAI_FAIL };

    for (size_t i = 0; i < ARRAY_LEN(failures); i++)
        if (strstr(detail, gai_strerror(failures[i])))
            elogf(ELOG_WARN, "MQTT[client] dial tcp: lookup %s: no such host", l->host);
}

/* Everything that ends an attempt or a connection comes here. */
static void fail(struct link *l, err_t e, const char *detail)
{
    struct problem why;
    enum link_state at = l->state;
    int64_t wait_ms = retry_in(l);
    char wait[32];

    link_explain(l->role, at, e, detail, l->client_id, l->thing_name, &why);
    if (e == ERR_UNAVAILABLE)
        warn_about_name(l, detail);
    drop_stream(l);
    set_state(l, LINK_WAITING);
    (void)snprintf(wait, sizeof(wait), "%lld.%llds", (long long)wait_ms / 1000,
                   (long long)wait_ms % 1000 / 100);
    elog(ELOG_ERROR, at == LINK_READY ? "MQTT connection lost." : "MQTT connection failed.",
         ELOG_S("endpoint", l->endpoint), ELOG_S("clientId", l->client_id),
         ELOG_S("attemptId", l->attempt_id), ELOG_S("errorString", why.text), ELOG_S("retryIn", wait));
    net_timer_set(l->retry, wait_ms);
    l->handler->on_down(l->ctx, at, e, why.text);
}

/* ---- sending ---- */

static void arm_tick(struct link *l)
{
    int64_t next = mqttc_next_ms(&l->mqtt, clock_mono_ms());

    if (next < 0)
        net_timer_stop(l->tick);
    else
        net_timer_set(l->tick, next);
}

/* False when the connection ended over it. */
static bool flush(struct link *l)
{
    err_t e = l->mqtt.out.n ? net_stream_write(l->stream, buf_slice(&l->mqtt.out)) : ERR_OK;

    buf_clear(&l->mqtt.out);
    if (e == ERR_WRONG_STATE)
        e = ERR_OK; /* it has ended: on_close brings the reason */
    if (e) {
        fail(l, e, "cannot send to the cloud");
        return false;
    }
    arm_tick(l);
    return true;
}

static void become_ready(struct link *l)
{
    elog(ELOG_INFO, "All topics subscribed.", ELOG_S("clientId", l->client_id));
    set_state(l, LINK_READY);
    backoff_reset(&l->backoff);
    l->handler->on_ready(l->ctx);
}

static void ask_for(struct link *l, const char *topic)
{
    uint16_t id;

    elogf(ELOG_INFO, "Trying to subscribe to topic %s", topic);
    if (mqttc_subscribe(&l->mqtt, slice_str(topic), l->qos, clock_mono_ms(), &id))
        fail(l, ERR_NOMEM, "cannot subscribe");
    else
        (void)flush(l); /* a failure has been handled */
}

/* The next topic that was not answered yet; after the last one the link is ready. */
static void subscribe_next(struct link *l)
{
    const char *topic = subscriptions_next(&l->topics);

    if (topic) {
        ask_for(l, topic);
        return;
    }
    if (subscriptions_any_refused(&l->topics))
        net_timer_set(l->ask_again, l->max_retry_ms);
    if (l->state == LINK_SUBSCRIBING)
        become_ready(l);
}

/* Somebody may have mended the policy. */
static void ask_again(void *ctx)
{
    struct link *l = ctx;

    subscriptions_retry(&l->topics);
    subscribe_next(l);
}

/* ---- packets ---- */

/* The lines of a first connection, as V1 writes them. */
static void on_connected(struct link *l, const struct mqttc_event *ev)
{
    (void)ev;
    l->connections++;
    subscriptions_reset(&l->topics);
    set_state(l, LINK_SUBSCRIBING);
    elog(ELOG_INFO, "MQTT connection successful.", ELOG_S("attemptId", l->attempt_id),
         ELOG_S("clientId", l->client_id));
    elog(ELOG_INFO, "MQTT connection connected. Start subscribing.", ELOG_S("clientId", l->client_id),
         ELOG_N("count", l->connections));
    if (l->role == LINK_DEPLOYMENTS)
        elogf(ELOG_INFO, "Daemon connected to cloud.");
    elog(ELOG_INFO, "Start subscribing.", ELOG_N("numOfTopics", (int64_t)l->topics.count),
         ELOG_S("clientId", l->client_id));
    subscribe_next(l);
    if (l->state >= LINK_SUBSCRIBING)
        elog(ELOG_INFO, "MQTT connection established.", ELOG_S("endpoint", l->endpoint),
             ELOG_S("clientId", l->client_id));
}

static void on_refused(struct link *l, const struct mqttc_event *ev)
{
    bool denied = ev->code == MQTT_CONNACK_NOT_AUTHORIZED || ev->code == MQTT_CONNACK_BAD_LOGIN;
    autofree char *text =
        mem_printf("the cloud refused the connection: %s (CONNACK %u)", mqtt_connack_str(ev->code), ev->code);

    fail(l, denied ? ERR_DENIED : ERR_UNAVAILABLE, text ? text : "the cloud refused the connection");
}

static void on_subscribed(struct link *l, const struct mqttc_event *ev)
{
    (void)ev;
    elogf(ELOG_INFO, "Subscribed to : %s", subscriptions_granted(&l->topics));
    subscribe_next(l);
}

static void on_denied(struct link *l, const struct mqttc_event *ev)
{
    const char *topic = subscriptions_refused(&l->topics);
    autofree char *text =
        mem_printf("the cloud refused the subscription to %s (SUBACK 0x%02x)", topic, ev->code);
    struct problem why;

    if (l->role == LINK_DEPLOYMENTS) {
        fail(l, ERR_DENIED, text ? text : "the cloud refused a subscription");
        return;
    }
    link_explain(l->role, LINK_SUBSCRIBING, ERR_DENIED, text ? text : "", l->client_id, l->thing_name, &why);
    elog(ELOG_ERROR, "Subscription refused, nothing comes on this topic.", ELOG_S("topic", topic),
         ELOG_S("clientId", l->client_id), ELOG_S("errorString", why.text),
         ELOG_N("retryInMs", l->max_retry_ms));
    subscribe_next(l);
}

static void on_published(struct link *l, const struct mqttc_event *ev)
{
    elog(ELOG_DEBUG, "Message acknowledged by the cloud.", ELOG_N("packetId", ev->id));
    if (l->handler->on_published)
        l->handler->on_published(l->ctx, ev->id);
}

/* What comes before the last topic of the deployments is subscribed comes again: the shadow is asked for
 * then. */
static void on_message(struct link *l, const struct mqttc_event *ev)
{
    autofree char *topic = mem_str(ev->topic);

    elog(ELOG_DEBUG, "Message received from the cloud.", ELOG_S("topic", topic),
         ELOG_N("bytes", (int64_t)ev->payload.n));
    if (l->state == LINK_READY || l->role == LINK_DATA)
        l->handler->on_message(l->ctx, ev->topic, ev->payload);
}

static void on_pong(struct link *l, const struct mqttc_event *ev)
{
    (void)ev;
    elog(ELOG_DEBUG, "Keep-alive answered.", ELOG_S("clientId", l->client_id));
}

static void (*const on_event[])(struct link *, const struct mqttc_event *) = {
    [MQTTC_EV_CONNECTED] = on_connected,
    [MQTTC_EV_REFUSED] = on_refused,
    [MQTTC_EV_SUBSCRIBED] = on_subscribed,
    [MQTTC_EV_DENIED] = on_denied,
    [MQTTC_EV_PUBLISHED] = on_published,
    [MQTTC_EV_MESSAGE] = on_message,
    [MQTTC_EV_PONG] = on_pong,
};

static size_t on_read(void *ctx, struct slice in)
{
    struct link *l = ctx;
    struct net_stream *mine = l->stream;
    struct slice rest = in;

    while (l->stream == mine) {
        struct mqttc_event ev;
        struct problem why;
        err_t e = mqttc_input(&l->mqtt, &rest, clock_mono_ms(), &ev, &why);
        if (e == ERR_MORE)
            break;
        if (e) {
            fail(l, e, why.text);
            break;
        }
        on_event[ev.type](l, &ev);
        if (l->stream == mine && !flush(l))
            break;
    }
    return in.n - rest.n;
}

/* ---- the stream ---- */

static void on_open(void *ctx)
{
    struct link *l = ctx;

    elog(ELOG_DEBUG, "TLS connection is up.", ELOG_S("version", tls_stream_version(l->stream)),
         ELOG_S("endpoint", l->endpoint));
    set_state(l, LINK_CONNACK);
    if (mqttc_open(&l->mqtt, l->client_id, clock_mono_ms()))
        fail(l, ERR_NOMEM, "cannot send CONNECT");
    else
        (void)flush(l); /* a failure has been handled */
}

/* The cloud closes the connection rather than refuse some topics. One such topic must not keep the others of
 * a data connection away for ever. */
static void on_close(void *ctx, err_t e)
{
    struct link *l = ctx;
    const char *topic =
        l->role == LINK_DATA && l->state >= LINK_SUBSCRIBING ? subscriptions_ended(&l->topics) : NULL;
    autofree char *detail =
        topic ? mem_printf("subscribing to %s", topic) : mem_strdup(net_stream_why(l->stream));

    fail(l, e, detail ? detail : "");
}

static const struct net_handler stream_handler = { .on_open = on_open,
                                                   .on_read = on_read,
                                                   .on_close = on_close };

static void new_attempt_id(struct link *l)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t r[ATTEMPT_ID_LEN] = { 0 };

    (void)crypto_random(l->crypto, r, sizeof(r)); /* a name in a log, no secret */
    for (size_t i = 0; i < ATTEMPT_ID_LEN; i++)
        l->attempt_id[i] = alphabet[r[i] % (sizeof(alphabet) - 1)];
}

static void connect_now(void *ctx)
{
    struct link *l = ctx;
    err_t e;

    new_attempt_id(l);
    set_state(l, LINK_CONNECTING);
    elog(ELOG_INFO, "Connecting with MQTT.", ELOG_S("endpoint", l->endpoint),
         ELOG_S("clientId", l->client_id));
    e = tls_connect(l->loop, l->tls, l->host, l->port, CONNECT_MS, &l->stream);
    if (e)
        fail(l, e, "cannot start a connection");
    else
        net_stream_set_handler(l->stream, &stream_handler, l);
}

static void on_tick(void *ctx)
{
    struct link *l = ctx;
    struct problem why;
    err_t e = mqttc_tick(&l->mqtt, clock_mono_ms(), &why);

    if (e)
        fail(l, e, e == ERR_TIMEOUT ? why.text : "");
    else
        (void)flush(l); /* a failure has been handled */
}

/* ---- life ---- */

static err_t copy_texts(struct link *l, const struct link_opts *o)
{
    l->host = mem_strdup(o->host);
    l->client_id = mem_strdup(o->client_id);
    l->thing_name = mem_strdup(o->thing_name);
    l->endpoint = mem_printf("%s:%u", o->host, o->port);
    if (!l->host || !l->client_id || !l->thing_name || !l->endpoint)
        return ERR_NOMEM;
    return subscriptions_init(&l->topics, o->topics, o->topic_count);
}

err_t link_new(const struct link_opts *opts, struct link **ret)
{
    struct link *l = mem_calloc(1, sizeof(*l));
    err_t e;

    if (!l)
        return ERR_NOMEM;
    l->loop = opts->loop;
    l->crypto = opts->crypto;
    l->tls = opts->tls;
    l->port = opts->port;
    l->role = opts->role;
    l->qos = opts->qos;
    l->max_retry_ms = opts->max_retry_s * 1000;
    l->handler = opts->handler;
    l->ctx = opts->ctx;
    l->backoff = backoff_of(RETRY_BASE_MS, l->max_retry_ms);
    mqttc_init(&l->mqtt, opts->keep_alive_s, opts->operation_timeout_s);
    e = copy_texts(l, opts);
    e = e ? e : net_timer_new(l->loop, connect_now, l, &l->retry);
    e = e ? e : net_timer_new(l->loop, on_tick, l, &l->tick);
    e = e ? e : net_timer_new(l->loop, ask_again, l, &l->ask_again);
    if (e) {
        link_free(l);
        return e;
    }
    *ret = l;
    return ERR_OK;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    net_stream_free(l->stream);
    net_timer_free(l->retry);
    net_timer_free(l->tick);
    net_timer_free(l->ask_again);
    mqttc_done(&l->mqtt);
    subscriptions_done(&l->topics);
    free(l->host);
    free(l->client_id);
    free(l->thing_name);
    free(l->endpoint);
    free(l);
}

void link_start(struct link *l)
{
    net_timer_set(l->retry, 0);
}

void link_stop(struct link *l)
{
    net_timer_stop(l->retry);
    if (l->state == LINK_DOWN)
        return;
    mqttc_close(&l->mqtt);
    if (l->stream && l->mqtt.out.n)
        (void)net_stream_write(l->stream, buf_slice(&l->mqtt.out)); /* DISCONNECT is a courtesy */
    buf_clear(&l->mqtt.out);
    net_timer_stop(l->tick);
    net_timer_stop(l->ask_again);
    net_stream_finish(l->stream);
    l->stream = NULL;
    set_state(l, LINK_DOWN);
}

err_t link_publish(struct link *l, const char *topic, struct slice payload, uint16_t *ret_id)
{
    uint16_t id;
    err_t e;

    if (l->state != LINK_READY)
        return ERR_WRONG_STATE;
    e = mqttc_publish(&l->mqtt, slice_str(topic), payload, clock_mono_ms(), &id);
    if (e)
        return e;
    elog(ELOG_DEBUG, "Publishing to the cloud.", ELOG_S("topic", topic), ELOG_N("packetId", id));
    if (!flush(l))
        return ERR_IO;
    if (ret_id)
        *ret_id = id;
    return ERR_OK;
}
