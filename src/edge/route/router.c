/* src/edge/route/router.c */
#include "edge/route/router.h"

#include "base/clock.h"
#include "base/mem.h"
#include "edge/elog.h"
#include "edge/function/context.h"
#include "edge/route/table.h"
#include "edge/route/topics.h"
#include "edge/route/waiting.h"

#define PER_TURN 64

typedef const struct route_target *target_ptr;

struct router {
    struct router_opts o;
    struct route_table *table;
    target_ptr *hits; /* of the message being routed */
    size_t n_hits;
    bool routing;
    struct waiting waiting; /* came up during a delivery */
    struct net_timer *turn, *tell;
    char *context_topic; /* the last context made, and for which topic */
    struct buf context;
    struct router_stats stats;
};

/* ---- drops ---- */

static void drop(struct router *r, enum drop why, const struct route_message *m, const char *target)
{
    int64_t next;

    drops_note(r->o.drops, why, m->source, m->topic, target, clock_mono_ms());
    next = drops_tell(r->o.drops, clock_mono_ms());
    if (next >= 0 && !net_timer_armed(r->tell))
        net_timer_set(r->tell, next);
}

void router_note_drop(struct router *r, enum drop why, const char *topic)
{
    drop(r, why, &(struct route_message){ .topic = topic }, NULL);
}

static void on_tell(void *ctx)
{
    struct router *r = ctx;
    int64_t next = drops_tell(r->o.drops, clock_mono_ms());

    if (next >= 0)
        net_timer_set(r->tell, next);
}

/* ---- delivery, one function for each kind of target ---- */

/* Messages often follow each other on one topic. */
static err_t context_for(struct router *r, const char *topic)
{
    char *copy;
    err_t e;

    if (r->context_topic && strcmp(r->context_topic, topic) == 0)
        return ERR_OK;
    copy = mem_strdup(topic);
    free(r->context_topic);
    r->context_topic = NULL;
    buf_clear(&r->context);
    e = copy ? client_context_write(&r->context, topic) : ERR_NOMEM;
    if (e)
        free(copy);
    else
        r->context_topic = copy;
    return e;
}

static enum drop function_drop(err_t e)
{
    static const struct {
        err_t e;
        enum drop why;
    } known[] = { { ERR_BUSY, DROP_QUEUE_FULL },
                  { ERR_NOT_FOUND, DROP_NO_FUNCTION },
                  { ERR_NOMEM, DROP_NO_MEMORY } };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].e == e)
            return known[i].why;
    return DROP_FUNCTION;
}

static err_t to_function(struct router *r, const struct route_message *m, const char *target)
{
    err_t e = context_for(r, m->topic);

    e = e ? e : r->o.ports->invoke(r->o.ctx, target, m->source, buf_slice(&r->context), m->payload);
    if (e)
        drop(r, function_drop(e), m, target);
    else
        r->stats.to_functions++;
    return e;
}

static err_t to_cloud(struct router *r, const struct route_message *m, const char *target)
{
    err_t e = spooler_put(r->o.spooler, m->topic, m->payload);

    if (e)
        drop(r, e == ERR_NOMEM ? DROP_NO_MEMORY : DROP_SPOOL_FULL, m, target);
    else
        r->stats.to_cloud++;
    return e;
}

static err_t to_shadows(struct router *r, const struct route_message *m, const char *target)
{
    err_t e = r->o.ports->to_shadows(r->o.ctx, slice_str(m->topic), m->payload);

    if (e)
        drop(r, e == ERR_NOMEM ? DROP_NO_MEMORY : DROP_SHADOWS, m, target);
    else
        r->stats.to_shadows++;
    return e;
}

static err_t to_device(struct router *r, const struct route_message *m, const char *target)
{
    drop(r, DROP_NO_DEVICE, m, target);
    return ERR_NOT_FOUND;
}

static err_t (*const deliver[])(struct router *, const struct route_message *, const char *target) = {
    [ROUTE_CLOUD] = to_cloud,
    [ROUTE_SHADOWS] = to_shadows,
    [ROUTE_FUNCTION] = to_function,
    [ROUTE_DEVICE] = to_device,
};

/* ---- routing one message ---- */

static void on_found(void *ctx, const struct route_target *target)
{
    struct router *r = ctx;

    r->hits[r->n_hits++] = target; /* there is a place for every subscription */
}

/* May every target have it? */
static bool all_can(struct router *r, const struct route_message *m)
{
    size_t functions = 0, copies = 0;

    for (size_t i = 0; i < r->n_hits; i++) {
        const struct route_target *t = r->hits[i];
        if (t->kind == ROUTE_DEVICE ||
            (t->kind == ROUTE_FUNCTION && !r->o.ports->has_function(r->o.ctx, t->name)))
            return false;
        functions += t->kind == ROUTE_FUNCTION;
        copies += t->kind == ROUTE_CLOUD;
    }
    if (functions && context_for(r, m->topic))
        return false;
    return (!functions ||
            r->o.ports->has_room(r->o.ctx, functions, functions * (r->context.n + m->payload.n))) &&
           (!copies || spooler_has_room(r->o.spooler, copies, m->topic, m->payload));
}

static err_t route(struct router *r, const struct route_message *m, enum queue_full_policy policy)
{
    err_t e = ERR_OK;

    r->n_hits = 0;
    route_table_match(r->table, m->source, slice_str(m->topic), on_found, r);
    r->stats.published++;
    if (!r->n_hits)
        drop(r, DROP_NO_ROUTE, m, NULL);
    if (policy == QUEUE_ALL_OR_ERROR && !all_can(r, m)) {
        drop(r, DROP_ALL_OR_ERROR, m, NULL);
        return ERR_BUSY;
    }
    for (size_t i = 0; i < r->n_hits; i++) {
        err_t one = deliver[r->hits[i]->kind](r, m, r->hits[i]->name);
        e = e ? e : one;
    }
    return policy == QUEUE_ALL_OR_ERROR && e ? ERR_BUSY : ERR_OK;
}

static err_t route_now(struct router *r, const struct route_message *m, enum queue_full_policy policy)
{
    err_t e;

    r->routing = true;
    e = route(r, m, policy);
    r->routing = false;
    if (r->waiting.n)
        net_timer_set(r->turn, 0);
    return e;
}

/* ---- messages that wait for the next turn ---- */

static err_t wait_for_turn(struct router *r, const struct route_message *m)
{
    err_t e = waiting_put(&r->waiting, m);

    if (e)
        drop(r, e == ERR_BUSY ? DROP_QUEUE_FULL : DROP_NO_MEMORY, m, NULL);
    return e;
}

static void on_turn(void *ctx)
{
    struct router *r = ctx;

    for (int i = 0; i < PER_TURN; i++) {
        autofree struct waiting_message *w = waiting_take(&r->waiting);
        if (!w)
            return;
        (void)route_now(r, &w->message, QUEUE_BEST_EFFORT); /* what could not be delivered was counted */
    }
}

/* ---- publishing ---- */

err_t router_publish(struct router *r, const char *source, const char *topic, struct slice payload,
                     enum queue_full_policy policy)
{
    const struct route_message m = { source, topic, payload };
    err_t e = payload.n > ROUTE_MESSAGE_MAX ? ERR_TOO_BIG : route_topic_check(slice_str(topic), NULL);

    if (e) {
        drop(r, DROP_BAD_TOPIC, &m, NULL);
        return e;
    }
    return r->routing ? wait_for_turn(r, &m) : route_now(r, &m, policy);
}

/* "" and an absent one: what V1 does by itself. */
static err_t policy_of(const char *text, enum queue_full_policy *ret)
{
    if (!text || !*text || strcmp(text, "BestEffort") == 0)
        *ret = QUEUE_BEST_EFFORT;
    else if (strcmp(text, "AllOrError") == 0)
        *ret = QUEUE_ALL_OR_ERROR;
    else
        return ERR_INVALID;
    return ERR_OK;
}

err_t router_builtin(void *ctx, const char *invoker_arn, struct slice context, struct slice payload,
                     struct buf *result, char *function_error)
{
    auto_client_context c = { 0 };
    enum queue_full_policy policy = QUEUE_BEST_EFFORT;
    err_t e = client_context_parse(context, &c);

    (void)result; /* a publish has none */
    (void)function_error;
    e = e ? e : policy_of(c.queue_full_policy, &policy);
    if (e || !c.subject)
        return e ? e : ERR_INVALID;
    return router_publish(ctx, invoker_arn, c.subject, payload, policy);
}

/* ---- life ---- */

static void warn(const struct group_subscription *s, const char *text)
{
    elog(ELOG_WARN, text, ELOG_S("id", s->id), ELOG_S("source", s->source), ELOG_S("subject", s->subject),
         ELOG_S("target", s->target));
}

/* What will never deliver is said once, when the group comes. */
static void warn_about(struct router *r, const struct group_subscription *s)
{
    const enum route_kind source = route_kind_of(s->source), target = route_kind_of(s->target);

    if (route_goes_round(s))
        warn(s, "A subscription from and to the same service is left out: each message would go round for "
                "ever. Remove it from the group.");
    else if ((source == ROUTE_FUNCTION && !r->o.ports->has_function(r->o.ctx, s->source)) ||
             (target == ROUTE_FUNCTION && !r->o.ports->has_function(r->o.ctx, s->target)))
        warn(s, "A subscription names a function that the group does not have: nothing will be delivered by "
                "it. Add the function in this version or remove the subscription, and deploy again.");
    else if (source == ROUTE_DEVICE || target == ROUTE_DEVICE)
        warn(s, "A subscription names a local device or a connector, which this release of the core does not "
                "serve: nothing will be delivered by it.");
}

err_t router_set(struct router *r, const struct group_subscription *subs, size_t n, struct problem *why)
{
    autofree target_ptr *hits = mem_calloc(n + 1, sizeof(target_ptr));
    struct route_table *table;
    err_t e = hits ? route_table_new(subs, n, &table) : ERR_NOMEM;

    if (e)
        return problem_set(why, e, "cannot compile the group's subscriptions: %s", err_str(e));
    for (size_t i = 0; i < n; i++)
        warn_about(r, &subs[i]);
    route_table_free(r->table);
    r->table = table;
    free(r->hits);
    r->hits = steal(&hits);
    return ERR_OK;
}

err_t router_new(const struct router_opts *opts, struct router **ret)
{
    struct router *r = mem_calloc(1, sizeof(*r));
    err_t e;

    if (!r)
        return ERR_NOMEM;
    r->o = *opts;
    r->context = BUF_INIT(CLIENT_CONTEXT_MAX);
    e = net_timer_new(r->o.loop, on_turn, r, &r->turn);
    e = e ? e : net_timer_new(r->o.loop, on_tell, r, &r->tell);
    e = e ? e : router_set(r, NULL, 0, NULL);
    if (e) {
        router_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

void router_free(struct router *r)
{
    if (!r)
        return;
    waiting_done(&r->waiting);
    net_timer_free(r->turn);
    net_timer_free(r->tell);
    route_table_free(r->table);
    free(r->hits);
    free(r->context_topic);
    buf_done(&r->context);
    free(r);
}

void router_stats(const struct router *r, struct router_stats *ret)
{
    *ret = r->stats;
}
