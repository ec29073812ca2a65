/* src/edge/route/cloud.c */
#include "edge/route/cloud.h"

#include "base/mem.h"
#include "broker/tree.h"
#include "edge/elog.h"
#include "edge/link/link.h"

struct connection {
    struct route_cloud *owner;
    struct link *link;
    bool started, ready;
};

/* A filter, and which connection has subscribed to it. */
struct source {
    struct broker_leaf leaf;
    char *filter;
    size_t connection;
};

struct route_cloud {
    struct route_cloud_opts o;
    struct connection *connections;
    size_t n_connections;
    struct source *sources;
    size_t n_sources;
    struct broker_tree tree;
};

/* ---- what the connections say ---- */

static bool is_first(const struct connection *k)
{
    return k == k->owner->connections;
}

/* One after the other: the handshakes of two hundred connections would keep the loop, and a chip, busy. */
static void start_next(struct connection *k)
{
    struct connection *next = k + 1;

    if (next >= k->owner->connections + k->owner->n_connections || next->started)
        return;
    next->started = true;
    link_start(next->link);
}

static void on_ready(void *ctx)
{
    struct connection *k = ctx;

    k->ready = true;
    start_next(k);
    if (is_first(k))
        spooler_up(k->owner->o.spooler);
}

static void on_published(void *ctx, uint16_t id)
{
    struct connection *k = ctx;

    if (is_first(k))
        spooler_acked(k->owner->o.spooler, id);
}

static void on_down(void *ctx, enum link_state at, err_t e, const char *why)
{
    struct connection *k = ctx;

    k->ready = false;
    start_next(k);
    if (!is_first(k))
        return;
    if (at == LINK_READY && spooler_in_flight(k->owner->o.spooler))
        elog(ELOG_ERROR, "Cloud messaging error: Error occurred while trying to publish a message.",
             ELOG_S("topic", spooler_in_flight(k->owner->o.spooler)),
             ELOG_S("errorString", e == ERR_TIMEOUT ? "operation timed out" : why));
    spooler_lost(k->owner->o.spooler, at == LINK_READY && e != ERR_TIMEOUT && e != ERR_NOMEM);
}

/* ---- one message, several connections ---- */

struct owner {
    const struct route_cloud *cloud;
    size_t connection; /* the first that is ready */
};

static void on_leaf(void *ctx, struct broker_leaf *leaf)
{
    struct owner *w = ctx;
    const struct source *s = CONTAINER_OF(leaf, struct source, leaf);

    if (w->cloud->connections[s->connection].ready && s->connection < w->connection)
        w->connection = s->connection;
}

/* The cloud sends a message once on every connection with a filter that matches. Of all that are ready, the
 * first one's counts. */
static bool is_copy(const struct connection *k, struct slice topic)
{
    struct owner w = { k->owner, (size_t)(k - k->owner->connections) };
    const size_t mine = w.connection;

    if (k->owner->n_connections > 1)
        broker_tree_match(&k->owner->tree, topic, false,
                          &(struct broker_tree_visitor){ .leaf = on_leaf, .ctx = &w });
    return w.connection != mine;
}

static void on_message(void *ctx, struct slice topic, struct slice payload)
{
    struct connection *k = ctx;

    if (!is_copy(k, topic))
        k->owner->o.on_message(k->owner->o.ctx, topic, payload);
}

static const struct link_handler link_events = {
    .on_ready = on_ready, .on_message = on_message, .on_down = on_down, .on_published = on_published
};

/* ---- the connections of a group ---- */

static void drop_all(struct route_cloud *c)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        link_stop(c->connections[i].link);
        link_free(c->connections[i].link);
    }
    free(c->connections);
    c->connections = NULL;
    c->n_connections = 0;
    for (size_t i = 0; i < c->n_sources; i++) {
        broker_tree_remove(&c->tree, &c->sources[i].leaf);
        free(c->sources[i].filter);
    }
    free(c->sources);
    c->sources = NULL;
    c->n_sources = 0;
    spooler_lost(c->o.spooler, false);
}

static err_t add_sources(struct route_cloud *c, const char *const *filters, size_t n)
{
    c->sources = mem_calloc(n + 1, sizeof(*c->sources));
    if (!c->sources)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        struct source *s = &c->sources[c->n_sources];
        err_t e;
        s->connection = i / ROUTE_CLOUD_TOPICS;
        s->filter = mem_strdup(filters[i]);
        e = s->filter ? broker_tree_add(&c->tree, slice_str(s->filter), &s->leaf) : ERR_NOMEM;
        if (e) {
            free(s->filter);
            return e;
        }
        c->n_sources++;
    }
    return ERR_OK;
}

static err_t add_connection(struct route_cloud *c, const char *const *filters, size_t n)
{
    struct connection *k = &c->connections[c->n_connections];
    const struct config *config = c->o.config;
    autofree char *id = mem_printf("%s-c%02zu", config->client_id, c->n_connections);
    struct link_opts o = { .loop = c->o.loop,
                           .crypto = c->o.crypto,
                           .tls = c->o.tls,
                           .role = LINK_DATA,
                           .topics = filters,
                           .topic_count = n,
                           .qos = 0, /* AtMostOnce */
                           .host = config->iot_host,
                           .port = (uint16_t)config->iot_mqtt_port,
                           .client_id = id,
                           .thing_name = config->thing_name,
                           .keep_alive_s = config->keep_alive_s,
                           .operation_timeout_s = config->mqtt_operation_timeout_s,
                           .max_retry_s = config->max_retry_interval_s,
                           .handler = &link_events,
                           .ctx = k };
    err_t e = id ? link_new(&o, &k->link) : ERR_NOMEM;

    if (e)
        return e;
    k->owner = c;
    c->n_connections++;
    return ERR_OK;
}

static err_t connect_all(struct route_cloud *c, const char *const *filters, size_t n)
{
    size_t count = (n + ROUTE_CLOUD_TOPICS - 1) / ROUTE_CLOUD_TOPICS;
    err_t e = add_sources(c, filters, n);

    count = count ? count : 1;
    c->connections = mem_calloc(count, sizeof(*c->connections));
    e = !e && !c->connections ? ERR_NOMEM : e;
    for (size_t i = 0; i < count && !e; i++) {
        size_t at = i * ROUTE_CLOUD_TOPICS;
        e = add_connection(c, filters + at, n - at < ROUTE_CLOUD_TOPICS ? n - at : ROUTE_CLOUD_TOPICS);
    }
    if (e)
        return e;
    c->connections[0].started = true;
    link_start(c->connections[0].link);
    return ERR_OK;
}

static bool is_same(const struct route_cloud *c, const char *const *filters, size_t n, bool publishes)
{
    if (n != c->n_sources || (n == 0 && publishes != (c->n_connections > 0)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(c->sources[i].filter, filters[i]) != 0)
            return false;
    return true;
}

err_t route_cloud_set(struct route_cloud *c, const char *const *filters, size_t n, bool publishes)
{
    err_t e = ERR_OK;

    if (is_same(c, filters, n, publishes))
        return ERR_OK;
    drop_all(c);
    if (n > (size_t)ROUTE_CLOUD_TOPICS * ROUTE_CLOUD_CONNECTIONS)
        return ERR_TOO_BIG;
    if (n || publishes)
        e = connect_all(c, filters, n);
    if (e)
        drop_all(c);
    return e;
}

/* ---- life ---- */

err_t route_cloud_new(const struct route_cloud_opts *opts, struct route_cloud **ret)
{
    struct route_cloud *c = mem_calloc(1, sizeof(*c));
    err_t e = c ? broker_tree_init(&c->tree) : ERR_NOMEM;

    if (e) {
        free(c);
        return e;
    }
    c->o = *opts;
    *ret = c;
    return ERR_OK;
}

void route_cloud_free(struct route_cloud *c)
{
    if (!c)
        return;
    drop_all(c);
    broker_tree_done(&c->tree);
    free(c);
}

void route_cloud_stop(struct route_cloud *c)
{
    for (size_t i = 0; i < c->n_connections; i++)
        link_stop(c->connections[i].link);
    spooler_lost(c->o.spooler, false);
}

err_t route_cloud_publish(struct route_cloud *c, const char *topic, struct slice payload, uint16_t *ret_id)
{
    if (!c->n_connections)
        return ERR_WRONG_STATE;
    return link_publish(c->connections[0].link, topic, payload, ret_id);
}
