#include "cloud/gateway/guest.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/gateway/gateway_impl.h"
#include "mqtt/reason.h"

#include <stdio.h>

struct guest {
    struct principal *p; /* whose guest it is */
    struct net_timer *ttl;
    enum broker_why why;
};

void guest_free(struct guest *guest)
{
    if (!guest)
        return;
    net_timer_free(guest->ttl);
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
    *guest = (struct guest){ .p = p, .why = terms->ttl_why };
    if ((e = net_timer_new(p->gw->loop, on_ttl, guest, &guest->ttl))) {
        free(guest);
        return e;
    }
    net_timer_set(guest->ttl, terms->ttl_ms);
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
    struct broker_peer peer = { p, principal_unref, slice_str(p->id), slice_str(p->address) };
    if ((e = broker_accept(g->broker, s, &peer)))
        log_warn("mqtt connection not taken: %s", err_str(e));
}
