#include "cloud/gateway/mqtt.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/gateway_impl.h"
#include "cloud/gateway/journal.h"
#include "cloud/gateway/reserved.h"
#include "cloud/shadows/mqtt.h"
#include "mqtt/reason.h"

void gateway_adopt(struct gateway *g, struct net_stream *s, struct tls_identity *id)
{
    struct principal *p;
    err_t e = principal_new(g, s, id, &p);

    tls_identity_free(id);
    if (e) {
        log_warn("mqtt peer=%s: no principal: %s", net_stream_peer(s), err_str(e));
        net_stream_free(s);
        return;
    }
    struct broker_peer peer = { p, principal_unref, slice_str(p->id), slice_str(p->address) };
    if ((e = broker_accept(g->broker, s, &peer)))
        log_warn("mqtt connection not taken: %s", err_str(e));
}

void gateway_adopt_plain(struct gateway *g, struct net_stream *s)
{
    struct broker_peer peer = { .principal = SLICE_LIT(GATEWAY_PLAIN),
                                .address = slice_str(net_stream_peer(s)) };
    err_t e = broker_accept(g->broker, s, &peer);

    if (e)
        log_warn("mqtt connection without TLS not taken: %s", err_str(e));
}

/* A reserved topic that there is not: a misuse, which ends the connection (iot-core reference 1.4). */
static bool is_misuse(const struct gateway *g, const struct broker_question *q)
{
    char filter[LOG_ESC_MAX];

    if (q->action != BROKER_SUBSCRIBE || g->env->standard || reserved_may_subscribe(q->topic))
        return false;
    log_info("mqtt SUBSCRIBE to no reserved topic: %s: the connection ends", log_esc(filter, q->topic));
    return true;
}

static enum broker_verdict may(void *ctx, const struct broker_question *q)
{
    if (is_misuse(ctx, q))
        return BROKER_DENY_CLOSE;
    /* Without a principal: a client of the port without TLS, or a message for a session whose client is away,
     * which is judged when it is delivered. */
    return q->user ? principal_may(q->user, q) : BROKER_ALLOW;
}

static const char *principal_id(const struct principal *p)
{
    return p ? p->id : GATEWAY_PLAIN;
}

static void on_connected(void *ctx, void *user, struct slice client_id, struct slice address)
{
    struct gateway *g = ctx;
    char id[LOG_ESC_MAX];

    log_info("mqtt connected clientId=%s certificateId=%s peer=%.*s", log_esc(id, client_id),
             principal_id(user), SLICE_FMT(address));
    lifecycle_connected(g->lifecycle, g->broker, client_id, principal_id(user), address);
}

static void on_disconnected(void *ctx, void *user, struct slice client_id, enum broker_why why,
                            const char *detail)
{
    struct gateway *g = ctx;
    char id[LOG_ESC_MAX], text[LOG_ESC_MAX];

    if (!client_id.n)
        return;
    log_info("mqtt disconnected clientId=%s certificateId=%s reason=%s: %s", log_esc(id, client_id),
             principal_id(user), broker_why_str(why), log_esc(text, slice_str(detail)));
    if (!g->closing)
        lifecycle_disconnected(g->lifecycle, g->broker, client_id, why);
}

static void on_subscribed(void *ctx, void *user, struct slice client_id, const struct slice *filters,
                          size_t n)
{
    struct gateway *g = ctx;

    (void)user;
    lifecycle_subscribed(g->lifecycle, g->broker, client_id, filters, n);
}

static void on_unsubscribed(void *ctx, void *user, struct slice client_id, const struct slice *filters,
                            size_t n)
{
    struct gateway *g = ctx;

    (void)user;
    lifecycle_unsubscribed(g->lifecycle, g->broker, client_id, filters, n);
}

static void on_throttled(void *ctx, void *user, struct slice client_id, enum broker_limit limit)
{
    struct gateway *g = ctx;
    char id[LOG_ESC_MAX], note[LOGLIMIT_NOTE_MAX];

    if (loglimit_pass(&g->throttled_log, LOGLIMIT_KIND, clock_mono_ms(), note))
        log_info("mqtt throttled clientId=%s certificateId=%s: over the limit %s%s", log_esc(id, client_id),
                 principal_id(user), broker_limit_str(limit), note);
}

static err_t new_broker(struct gateway *g)
{
    struct broker_options o = { .authority = { g, may },
                                .events = { .ctx = g,
                                            .connected = on_connected,
                                            .disconnected = on_disconnected,
                                            .subscribed = on_subscribed,
                                            .unsubscribed = on_unsubscribed,
                                            .throttled = on_throttled } };
    err_t e;

    if (g->env->standard)
        broker_config_standard(&o.config);
    else
        broker_config_aws(&o.config);
    if ((e = broker_config_set(&o.config, g->env->limits, NULL)))
        return e;
    g->websocket_ms = (int64_t)o.config.websocket_s * 1000;
    if ((e = journal_new(g->loop, g->store, &g->journal)))
        return e;
    o.journal = journal_interface(g->journal);
    if (!(e = broker_new(g->loop, &o, &g->broker)))
        journal_set_broker(g->journal, g->broker);
    return e;
}

err_t gateway_new(const struct cloud_env *env, struct net_loop *loop, struct store *store,
                  struct gateway **ret)
{
    struct gateway *g = mem_calloc(1, sizeof(*g));
    err_t e;

    if (!g)
        return ERR_NOMEM;
    *g = (struct gateway){ .env = env, .loop = loop, .store = store };
    if (!(e = lifecycle_new(env->crypto, &g->lifecycle)) && !(e = new_broker(g))) {
        g->shadows = (struct shadows_service){ g->broker, store, loop };
        e = shadows_mqtt_register(&g->shadows);
    }
    if (e) {
        gateway_free(g);
        return e;
    }
    *ret = g;
    return ERR_OK;
}

void gateway_set_admission(struct gateway *g, struct admission *a)
{
    g->admission = a;
}

void gateway_flush(struct gateway *g)
{
    if (g)
        journal_flush(g->journal);
}

void gateway_free(struct gateway *g)
{
    if (!g)
        return;
    g->closing = true;
    broker_free(g->broker);
    journal_free(g->journal);
    lifecycle_free(g->lifecycle);
    free(g);
}

static void recheck(struct principal *p)
{
    if (p->client_id && !p->cut && !p->guest && principal_load(p)) {
        log_warn("mqtt certificateId=%s: the registry cannot be asked again: the connection ends", p->id);
        principal_cut(p);
    }
}

static void recheck_where(struct gateway *g, bool (*concerned)(const struct principal *, const char *),
                          const char *id)
{
    for (struct principal *p = g->principals, *next; p; p = next) {
        p->refs++; /* cutting may end its connection */
        if (concerned(p, id))
            recheck(p);
        next = p->next;
        principal_unref(p);
    }
}

static bool has_id(const struct principal *p, const char *cert_id)
{
    return strcmp(p->id, cert_id) == 0;
}

/* Whoever is loading may be about to get the old text: he loads again. */
static bool has_policy(const struct principal *p, const char *policy)
{
    return p->state == PRINCIPAL_LOADING || facts_have_policy(&p->facts, policy);
}

static bool is_any(const struct principal *p, const char *unused)
{
    (void)p;
    (void)unused;
    return true;
}

void gateway_recheck_all(struct gateway *g)
{
    recheck_where(g, is_any, NULL);
}

void gateway_recheck(struct gateway *g, const char *cert_id)
{
    recheck_where(g, has_id, cert_id);
}

void gateway_recheck_policy(struct gateway *g, const char *policy)
{
    recheck_where(g, has_policy, policy);
}

void gateway_set_authorizers(struct gateway *g, struct authorizers *a)
{
    g->authorizers = a;
}

struct authorizers *gateway_authorizers(const struct gateway *g)
{
    return g->authorizers;
}

const struct lifecycle *gateway_lifecycle(const struct gateway *g)
{
    return g->lifecycle;
}

struct broker *gateway_broker(struct gateway *g)
{
    return g->broker;
}
