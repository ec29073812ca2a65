#include "broker/internal.h"

#include "mqtt/topic.h"

/* Publishing for somebody without a connection: an HTTP request. The rules of topics, limits and interceptors
 * are those of a client's PUBLISH; who may was asked elsewhere. */

struct submitted {
    struct submitted *next;
    uint64_t ticket; /* its upper half is 0: of no connection */
    unsigned waits;  /* journal, interceptor */
    broker_submitted_fn done;
    void *ctx;
};

static err_t check(const struct broker *b, const struct broker_message *m)
{
    const struct broker_config *cf = &b->o.config;

    if (!mqtt_topic_valid(m->topic) || !broker_topic_fits(b, m->topic) || m->qos > cf->max_qos)
        return ERR_INVALID;
    if (m->payload.n > cf->max_payload)
        return ERR_TOO_BIG;
    if (broker_topic_reserved(b, m->topic) ||
        (m->retain && (!cf->max_retained || (cf->reserved_dollar_aws && m->topic.p[0] == '$'))))
        return ERR_DENIED;
    return ERR_OK;
}

static err_t take_rates(struct broker *b, const struct broker_message *m)
{
    enum broker_limit l = BROKER_LIMITS;

    if (b->o.config.publishes_all_per_s && !b->publishes_left)
        l = BROKER_LIMIT_ALL_PUBLISHES;
    else if (m->retain && !broker_may_retain(b, m->topic, m->payload.n))
        l = BROKER_LIMIT_RETAINED;
    if (l != BROKER_LIMITS)
        broker_throttled(b, l);
    else
        broker_count_publish(b, NULL, 0);
    return l == BROKER_LIMITS ? ERR_OK : ERR_BUSY;
}

static void drop(struct broker *b, struct submitted *s)
{
    struct submitted **at = &b->submitted;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}

/* The interceptor, then the subscribers. */
static err_t distribute(struct broker *b, struct broker_msg *msg, const struct broker_message *m,
                        struct submitted *s)
{
    struct intercept *i = broker_intercept_find(b, m->topic);
    struct broker_message seen = *m;
    err_t e;

    seen.props = msg->props;
    e = i ? i->fn(i->ctx, &seen, s->ticket) : ERR_OK;
    if (e && e != ERR_MORE)
        return ERR_DENIED;
    s->waits += e == ERR_MORE;
    if (i && (i->flags & BROKER_INTERCEPT_CONSUME))
        return ERR_OK;
    e = broker_route(b, msg, &(struct route_from){ .ticket = m->qos ? s->ticket : 0 });
    if (e != ERR_MORE)
        return e;
    s->waits += m->qos > 0;
    return ERR_OK;
}

static struct submitted *enlist(struct broker *b, broker_submitted_fn done, void *ctx)
{
    struct submitted *s = mem_calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    *s = (struct submitted){ b->submitted, hold_ticket(b), 0, done, ctx };
    b->submitted = s;
    return s;
}

static err_t submit(struct broker *b, struct broker_msg *msg, const struct broker_message *m,
                    struct submitted *s)
{
    err_t e = m->retain && !retain_room(b, msg) ? ERR_NO_SPACE : ERR_OK;

    b->received++;
    if (!e)
        e = distribute(b, msg, m, s);
    if (!e && s->waits)
        return ERR_MORE;
    drop(b, s);
    return e;
}

err_t broker_submit(struct broker *b, const struct broker_message *m, broker_submitted_fn done, void *ctx)
{
    struct submitted *s;
    struct broker_msg *msg;
    err_t e = b->draining ? ERR_UNAVAILABLE : check(b, m);

    if (e || (e = take_rates(b, m)) || (e = broker_own_message(b, m, &msg)))
        return e;
    broker_enter(b);
    s = enlist(b, done, ctx);
    e = s ? submit(b, msg, m, s) : ERR_NOMEM;
    broker_msg_unref(msg);
    broker_leave(b);
    return e;
}

void submitted_answer(struct broker *b, uint64_t ticket, err_t err)
{
    struct submitted *s = b->submitted;

    while (s && s->ticket != ticket)
        s = s->next;
    if (!s || (!err && --s->waits))
        return;
    broker_submitted_fn done = s->done;
    void *ctx = s->ctx;

    drop(b, s);
    done(ctx, err);
}

void submitted_free_all(struct broker *b)
{
    while (b->submitted) {
        struct submitted *s = b->submitted;

        b->submitted = s->next;
        s->done(s->ctx, ERR_CANCELLED);
        free(s);
    }
}
