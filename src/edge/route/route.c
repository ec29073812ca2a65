/* src/edge/route/route.c */
#include "edge/route/route.h"

#include "base/clock.h"
#include "base/mem.h"
#include "edge/route/table.h"

struct route {
    struct drops drops;
    struct spooler *spooler;
    struct router *router;
    struct route_cloud *cloud;
};

/* ---- between the parts ---- */

static err_t on_send(void *ctx, const char *topic, struct slice payload, uint16_t *ret_id)
{
    return route_cloud_publish(((struct route *)ctx)->cloud, topic, payload, ret_id);
}

static void on_dropped(void *ctx, enum drop why, const char *topic)
{
    router_note_drop(((struct route *)ctx)->router, why, topic);
}

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    return clock_mono_ms();
}

static const struct spooler_port spooler_port = { on_send, on_dropped, now_ms };

static void on_cloud_message(void *ctx, struct slice topic, struct slice payload)
{
    struct route *r = ctx;
    autofree char *text = mem_str(topic);

    if (text)
        (void)router_publish(r->router, ROUTE_CLOUD_NAME, text, payload,
                             QUEUE_BEST_EFFORT); /* what could not be delivered was counted */
    else
        router_note_drop(r->router, DROP_NO_MEMORY, "");
}

/* ---- a group ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The subjects of what comes from the cloud, each once. */
static size_t cloud_filters(const struct group *g, const char **ret)
{
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < g->subscription_count; i++) {
        const struct group_subscription *s = &g->subscriptions[i];
        if (route_kind_of(s->source) == ROUTE_CLOUD && !route_goes_round(s))
            ret[n++] = s->subject;
    }
    qsort(ret, n, sizeof(*ret), by_text);
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(ret[kept - 1], ret[i]) != 0)
            ret[kept++] = ret[i];
    return kept;
}

static bool sends_to_cloud(const struct group *g)
{
    for (size_t i = 0; i < g->subscription_count; i++)
        if (route_kind_of(g->subscriptions[i].target) == ROUTE_CLOUD &&
            !route_goes_round(&g->subscriptions[i]))
            return true;
    return false;
}

err_t route_apply(struct route *r, const struct group *g, struct problem *why)
{
    autofree const char **filters = mem_calloc(g->subscription_count + 1, sizeof(*filters));
    struct spooler_stats waiting;
    size_t n;
    err_t e;

    if (!filters)
        return problem_set(why, ERR_NOMEM, "out of memory");
    e = router_set(r->router, g->subscriptions, g->subscription_count, why);
    if (e)
        return e;
    spooler_set_max(r->spooler, g->spool_bytes);
    spooler_stats(r->spooler, &waiting);
    n = cloud_filters(g, filters);
    e = route_cloud_set(r->cloud, filters, n, sends_to_cloud(g) || waiting.waiting > 0);
    return e ? problem_set(why, e, "cannot set up the connections for %zu topics of the cloud: %s", n,
                           err_str(e))
             : ERR_OK;
}

/* ---- life ---- */

static err_t make(struct route *r, const struct route_opts *o)
{
    struct router_opts router = { .loop = o->loop, .drops = &r->drops, .ports = o->ports, .ctx = o->ctx };
    struct route_cloud_opts cloud = { .loop = o->loop,
                                      .crypto = o->crypto,
                                      .tls = o->tls,
                                      .config = o->config,
                                      .on_message = on_cloud_message,
                                      .ctx = r };
    err_t e = spooler_new(GROUP_SPOOL_BYTES, &spooler_port, r, &r->spooler);

    router.spooler = cloud.spooler = r->spooler;
    e = e ? e : router_new(&router, &r->router);
    return e ? e : route_cloud_new(&cloud, &r->cloud);
}

err_t route_new(const struct route_opts *opts, struct route **ret)
{
    struct route *r = mem_calloc(1, sizeof(*r));
    err_t e = r ? make(r, opts) : ERR_NOMEM;

    if (e) {
        route_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

void route_free(struct route *r)
{
    if (!r)
        return;
    route_cloud_free(r->cloud);
    router_free(r->router);
    spooler_free(r->spooler);
    free(r);
}

void route_stop(struct route *r)
{
    route_cloud_stop(r->cloud);
}

struct router *route_router(struct route *r)
{
    return r->router;
}

void route_counts(const struct route *r, struct route_counts *ret)
{
    router_stats(r->router, &ret->router);
    spooler_stats(r->spooler, &ret->spooler);
    for (int i = 0; i < DROPS; i++)
        ret->dropped[i] = r->drops.of[i].total;
}
