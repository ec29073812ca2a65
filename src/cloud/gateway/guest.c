#include "cloud/gateway/guest.h"

#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/authorizer_token.h"
#include "cloud/gateway/gateway_impl.h"
#include "mqtt/reason.h"

#include <stdio.h>

struct guest {
    struct principal *p; /* whose guest it is */
    struct net_timer *ttl;
    enum broker_why why;
    bool by_key;
    /* of one whom an authorizer lets in */
    bool asks;
    char *authorizer; /* NULL: the default one */
    json_t *shown;
    struct net_timer *refresh;
};

void guest_free(struct guest *guest)
{
    if (!guest)
        return;
    net_timer_free(guest->ttl);
    net_timer_free(guest->refresh);
    json_decref(guest->shown);
    free(guest->authorizer);
    free(guest);
}

static bool is_this(void *ctx, void *user, struct slice client_id)
{
    (void)client_id;
    return ctx == user;
}

/* The connection's end frees the principal, and that the guest. */
static void on_ttl(void *ctx)
{
    const struct guest *guest = ctx;

    (void)broker_disconnect_if(guest->p->gw->broker, is_this, guest->p, guest->why,
                               MQTT_RC_MAXIMUM_CONNECT_TIME);
}

static err_t guest_new(struct principal *p, const struct guest_terms *terms)
{
    struct guest *guest = mem_calloc(1, sizeof(*guest));
    err_t e;

    if (!guest)
        return ERR_NOMEM;
    *guest = (struct guest){ .p = p, .why = terms->ttl_why, .by_key = terms->by_key };
    if ((e = net_timer_new(p->gw->loop, on_ttl, guest, &guest->ttl))) {
        free(guest);
        return e;
    }
    net_timer_set(guest->ttl, p->gw->websocket_ms);
    p->guest = guest;
    return ERR_OK;
}

err_t guest_policies(const char *const *documents, size_t n, struct facts *ret)
{
    char name[POLICY_NAME_MAX];
    err_t e = ERR_OK;

    for (size_t i = 0; i < n && !e; i++) {
        (void)snprintf(name, sizeof(name), "policyDocuments[%zu]", i);
        e = facts_take_policy(ret, name, slice_str(documents[i]));
    }
    (void)snprintf(ret->status, sizeof(ret->status), "ACTIVE");
    ret->not_after_ms = INT64_MAX;
    return e;
}

err_t guest_all(struct facts *ret)
{
    static const char *const all[] = { "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                                       "\"Action\":\"*\",\"Resource\":\"*\"}}" };

    return guest_policies(all, 1, ret);
}

static void accept(struct gateway *g, struct net_stream *s, struct principal *p)
{
    struct broker_peer peer = { p, principal_unref, slice_str(p->id), slice_str(p->address) };
    err_t e = broker_accept(g->broker, s, &peer);

    if (e)
        log_warn("mqtt connection not taken: %s", err_str(e));
}

void gateway_adopt_guest(struct gateway *g, struct net_stream *s, struct guest_terms *terms)
{
    struct principal *p = NULL;
    err_t e = principal_new_guest(g, s, terms->id, &terms->facts, &p);

    facts_done(&terms->facts);
    if (!e && (e = guest_new(p, terms)))
        principal_unref(p);
    if (e) {
        log_warn("mqtt peer=%s: no principal: %s", net_stream_peer(s), err_str(e));
        net_stream_free(s);
        return;
    }
    accept(g, s, p);
}

void gateway_recheck_keys(struct gateway *g, bool (*is_there)(void *ctx, const char *key_id), void *ctx)
{
    for (struct principal *p = g->principals, *next; p; p = next) {
        p->refs++; /* cutting ends its connection */
        if (p->guest && p->guest->by_key && !p->cut && !is_there(ctx, p->id)) {
            log_info("mqtt connection ends peer=%s: its access key %s was deleted", p->address, p->id);
            principal_cut(p);
        }
        next = p->next;
        principal_unref(p);
    }
}

/* ---- whom a custom authorizer lets in ---- */

static err_t take_answer(struct principal *p, const struct authorizer_answer *a)
{
    auto_facts facts = { 0 };
    err_t e = guest_policies(a->documents, a->n, &facts);

    if (e)
        return e;
    (void)snprintf(p->id, sizeof(p->id), "%s", a->principal);
    net_timer_set(p->guest->ttl, a->disconnect_s * 1000);
    if (a->refresh_s < a->disconnect_s)
        net_timer_set(p->guest->refresh, a->refresh_s * 1000);
    return principal_take(p, &facts);
}

/* The first answer decides about CONNECT; a later one that is no leaves nothing allowed. */
static void on_answer(void *ctx, enum authorizer_outcome outcome, const struct authorizer_answer *a,
                      const char *why)
{
    struct principal *p = ctx;
    char client[LOG_ESC_MAX], text[LOG_ESC_MAX];
    bool ok = outcome == AUTHORIZER_ANSWERED && a->authenticated && !take_answer(p, a);

    if (outcome == AUTHORIZER_ANSWERED && !ok)
        why = a->authenticated ? "its policies cannot be read" : "it says that nobody was authenticated";
    if (outcome != AUTHORIZER_CANCELLED && !ok)
        log_warn("mqtt connect refused peer=%s clientId=%s: custom authorizer: %s", p->address,
                 log_esc(client, slice_str(p->client_id)), log_esc(text, slice_str(why)));
    if (outcome != AUTHORIZER_CANCELLED)
        principal_settle(p, ok);
    principal_unref(p);
}

static err_t ask(struct principal *p)
{
    const struct authorizer_show show = { .name = p->guest->authorizer, .shown = p->guest->shown };
    err_t e = p->gw->authorizers ? authorizer_ask(p->gw->authorizers, &show, on_answer, p) : ERR_UNSUPPORTED;

    if (!e)
        p->refs++;
    return e;
}

/* What was granted counts until the answer; a later refresh or the end of its time follows in any case. */
static void on_refresh(void *ctx)
{
    const struct guest *guest = ctx;
    struct principal *p = guest->p;

    if (!ask(p))
        return;
    log_warn("mqtt principal=%s: the custom authorizer cannot be asked again: the connection ends", p->id);
    p->refs++;
    principal_cut(p);
    principal_unref(p);
}

static err_t show_connect(struct guest *guest, const struct mqtt_connect *connect, struct slice client_id)
{
    autobuf password = BUF_SECRET(128u << 10);
    json_t *mqtt = json_pack("{s:s%}", "clientId", (const char *)client_id.p, client_id.n);
    err_t e = mqtt ? base64_encode(&password, connect->password) : ERR_NOMEM;

    if (!e && connect->has_username)
        e = json_object_set_new(mqtt, "username",
                                json_stringn((const char *)connect->username.p, connect->username.n))
                ? ERR_NOMEM
                : ERR_OK;
    if (!e && connect->has_password)
        e = json_object_set_new(mqtt, "password", json_string(buf_str(&password))) ? ERR_NOMEM : ERR_OK;
    if (!e && json_object_set(guest->shown, "mqtt", mqtt))
        e = ERR_NOMEM;
    json_decref(mqtt);
    if (!e && !guest->authorizer)
        guest->authorizer = authorizer_shown(guest->shown, AUTHORIZER_NAME);
    return e;
}

bool guest_asks(const struct guest *guest)
{
    return guest->asks;
}

err_t guest_ask(struct principal *p, const struct broker_question *q)
{
    err_t e = show_connect(p->guest, q->connect, q->client_id);

    return e ? e : ask(p);
}

static err_t stranger_new(struct principal *p, const char *name, const json_t *shown)
{
    const struct guest_terms terms = { .ttl_why = BROKER_WHY_AUTHORIZER_TTL };
    err_t e = guest_new(p, &terms);

    if (e)
        return e;
    p->guest->asks = true;
    p->guest->shown = json_deep_copy(shown);
    p->guest->authorizer = name ? mem_strdup(name) : NULL;
    if (!p->guest->shown || (name && !p->guest->authorizer))
        return ERR_NOMEM;
    return net_timer_new(p->gw->loop, on_refresh, p->guest, &p->guest->refresh);
}

void gateway_adopt_stranger(struct gateway *g, struct net_stream *s, const char *name, const json_t *shown)
{
    struct facts none = { 0 };
    struct principal *p = NULL;
    err_t e = principal_new_guest(g, s, "", &none, &p);

    if (!e && (e = stranger_new(p, name, shown)))
        principal_unref(p);
    if (e) {
        log_warn("mqtt peer=%s: no principal: %s", net_stream_peer(s), err_str(e));
        net_stream_free(s);
        return;
    }
    accept(g, s, p);
}
