#include "cloud/events/lifecycle.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/events/publish.h"
#include "mqtt/topic.h"
#include "net/stream.h"

#include <search.h>
#include <stdio.h>

#define EVENT_MAX (64u << 10)

struct lifecycle {
    const struct crypto_ctx *crypto;
    void *clients;                            /* tsearch(3) by id */
    struct lifecycle_client *oldest, *newest; /* of those away */
    size_t n_away;
};

static int id_cmp(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n ? memcmp(x->p, y->p, x->n) : 0;
}

static struct lifecycle_client *find(const struct lifecycle *l, struct slice id)
{
    void *hit = tfind(&id, &l->clients, id_cmp);

    return hit ? *(struct lifecycle_client **)hit : NULL;
}

const struct lifecycle_client *lifecycle_find(const struct lifecycle *l, struct slice client_id)
{
    return find(l, client_id);
}

/* ---- those away ---- */

static void away_add(struct lifecycle *l, struct lifecycle_client *c)
{
    c->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = c;
    l->newest = c;
    l->n_away++;
}

static void away_remove(struct lifecycle *l, struct lifecycle_client *c)
{
    *(c->older ? &c->older->newer : &l->oldest) = c->newer;
    *(c->newer ? &c->newer->older : &l->newest) = c->older;
    c->older = c->newer = NULL;
    l->n_away--;
}

static void forget_old(struct lifecycle *l, int64_t now_ms)
{
    while (l->oldest &&
           (l->n_away > LIFECYCLE_AWAY_MAX || now_ms - l->oldest->disconnected_ms >= LIFECYCLE_KEEP_MS)) {
        struct lifecycle_client *c = l->oldest;

        away_remove(l, c);
        (void)tdelete(c, &l->clients, id_cmp);
        free(c);
    }
}

/* The client's entry, with the version number of a new connection. NULL: no memory. */
static struct lifecycle_client *enter(struct lifecycle *l, struct slice id, int64_t now_ms)
{
    struct lifecycle_client *c;

    forget_old(l, now_ms);
    if ((c = find(l, id))) {
        if (!c->connected)
            away_remove(l, c);
        c->version++;
        return c;
    }
    if (!(c = mem_calloc(1, sizeof(*c) + id.n)))
        return NULL;
    if (id.n)
        memcpy(c->bytes, id.p, id.n);
    c->id = slice_of(c->bytes, id.n);
    if (!tsearch(c, &l->clients, id_cmp)) {
        free(c);
        return NULL;
    }
    return c;
}

/* ---- events ---- */

/* Takes `event`. */
static void publish(struct broker *b, const char *kind, const struct lifecycle_client *c, json_t *event)
{
    auto_json *j = event;
    autobuf text = BUF_INIT(EVENT_MAX);
    autofree char *topic = mem_printf("$aws/events/%s/%.*s", kind, SLICE_FMT(c->id));

    if (!j || !topic || json_write(&text, j, 0))
        log_error("event %s of a client not published: it cannot be written", kind);
    else if (!mqtt_filter_has_wildcard(c->id))
        events_publish(b, topic, buf_str(&text));
}

static json_t *event_of(const struct lifecycle_client *c, const char *type)
{
    return json_pack("{s:s%,s:I,s:s,s:s,s:s}", "clientId", (const char *)c->id.p, c->id.n, "timestamp",
                     (json_int_t)clock_wall_ms(), "eventType", type, "sessionIdentifier", c->session,
                     "principalIdentifier", c->principal);
}

/* Adds `more`, which it takes. */
static json_t *with(json_t *event, json_t *more)
{
    int failed = event && more ? json_object_update(event, more) : -1;

    json_decref(more);
    if (!failed)
        return event;
    json_decref(event);
    return NULL;
}

void lifecycle_connected(struct lifecycle *l, struct broker *b, struct slice client_id, const char *principal,
                         struct slice address)
{
    int64_t now_ms = clock_wall_ms();
    struct lifecycle_client *c = enter(l, client_id, now_ms);
    char host[sizeof(c->address)];
    uint16_t port;

    if (!c) {
        log_error("a connection has no events: no memory");
        return;
    }
    c->connected = true;
    c->connected_ms = now_ms;
    (void)snprintf(c->principal, sizeof(c->principal), "%s", principal);
    (void)snprintf(c->address, sizeof(c->address), "%.*s", SLICE_FMT(address));
    if (crypto_random_uuid(l->crypto, c->session))
        c->session[0] = 0;
    if (net_addr_split(c->address, host, sizeof(host), &port))
        (void)snprintf(host, sizeof(host), "%s", c->address);
    publish(b, "presence/connected", c,
            with(event_of(c, "connected"),
                 json_pack("{s:s,s:I}", "ipAddress", host, "versionNumber", (json_int_t)c->version)));
}

void lifecycle_disconnected(struct lifecycle *l, struct broker *b, struct slice client_id,
                            enum broker_why why)
{
    struct lifecycle_client *c = find(l, client_id);

    if (!c || !c->connected)
        return;
    c->connected = false;
    c->disconnected_ms = clock_wall_ms();
    c->why = why;
    away_add(l, c);
    publish(
        b, "presence/disconnected", c,
        with(event_of(c, "disconnected"),
             json_pack("{s:b,s:s,s:I}", "clientInitiatedDisconnect", why == BROKER_WHY_CLIENT,
                       "disconnectReason", broker_why_str(why), "versionNumber", (json_int_t)c->version)));
}

static void subscription_event(const struct lifecycle *l, struct broker *b, struct slice client_id,
                               const char *type, const struct slice *filters, size_t n)
{
    const struct lifecycle_client *c = find(l, client_id);
    autofree char *kind = mem_printf("subscriptions/%s", type);
    json_t *topics = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(topics, json_stringn((const char *)filters[i].p, filters[i].n));
    if (c && kind && json_array_size(topics) == n)
        publish(b, kind, c, with(event_of(c, type), json_pack("{s:O}", "topics", topics)));
    json_decref(topics);
}

void lifecycle_subscribed(struct lifecycle *l, struct broker *b, struct slice client_id,
                          const struct slice *filters, size_t n)
{
    subscription_event(l, b, client_id, "subscribed", filters, n);
}

void lifecycle_unsubscribed(struct lifecycle *l, struct broker *b, struct slice client_id,
                            const struct slice *filters, size_t n)
{
    subscription_event(l, b, client_id, "unsubscribed", filters, n);
}

/* ---- life ---- */

err_t lifecycle_new(const struct crypto_ctx *crypto, struct lifecycle **ret)
{
    struct lifecycle *l = mem_calloc(1, sizeof(*l));

    if (!l)
        return ERR_NOMEM;
    l->crypto = crypto;
    *ret = l;
    return ERR_OK;
}

void lifecycle_free(struct lifecycle *l)
{
    if (!l)
        return;
    tdestroy(l->clients, free);
    free(l);
}
