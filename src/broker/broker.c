#include "broker/broker.h"

#include "base/clock.h"
#include "broker/internal.h"
#include "mqtt/topic.h"

#include <sys/random.h>

#define TICK_MS 1000

static const char *const why_names[] = {
    [BROKER_WHY_CLIENT] = "CLIENT_INITIATED_DISCONNECT",
    [BROKER_WHY_CLIENT_ERROR] = "CLIENT_ERROR",
    [BROKER_WHY_LOST] = "CONNECTION_LOST",
    [BROKER_WHY_TAKEOVER] = "DUPLICATE_CLIENTID",
    [BROKER_WHY_AUTH] = "AUTH_ERROR",
    [BROKER_WHY_FORBIDDEN] = "FORBIDDEN_ACCESS",
    [BROKER_WHY_KEEP_ALIVE] = "MQTT_KEEP_ALIVE_TIMEOUT",
    [BROKER_WHY_SERVER] = "SERVER_INITIATED_DISCONNECT",
    [BROKER_WHY_SERVER_ERROR] = "SERVER_ERROR",
    [BROKER_WHY_API] = "API_INITIATED_DISCONNECT",
    [BROKER_WHY_THROTTLED] = "THROTTLED",
    [BROKER_WHY_WEBSOCKET_TTL] = "WEBSOCKET_TTL_EXPIRATION",
    [BROKER_WHY_AUTHORIZER_TTL] = "CUSTOMAUTH_TTL_EXPIRATION",
};

const char *broker_why_str(enum broker_why why)
{
    return why < ARRAY_LEN(why_names) ? why_names[why] : "UNKNOWN";
}

int64_t broker_mono(const struct broker *b)
{
    return b->o.mono_ms ? b->o.mono_ms(b->o.clock_ctx) : clock_mono_ms();
}

int64_t broker_wall(const struct broker *b)
{
    return b->o.wall_ms ? b->o.wall_ms(b->o.clock_ctx) : clock_wall_ms();
}

void broker_leave(struct broker *b)
{
    while (b->depth == 1 && b->doomed)
        conn_teardown(b->doomed);
    b->depth--;
}

/* ---- journal ---- */

err_t broker_write(struct broker *b, const struct broker_record *recs, size_t n, uint64_t ticket)
{
    return n && b->o.journal.write ? b->o.journal.write(b->o.journal.ctx, recs, n, ticket) : ERR_OK;
}

void broker_note(struct broker *b, const struct broker_record *rec)
{
    (void)broker_write(b, rec, 1,
                       0); /* nothing was promised to anybody; the journal reports its own failures */
}

/* ---- life ---- */

static void on_timer(void *ctx)
{
    struct broker *b = ctx;

    net_timer_set(b->timer, TICK_MS);
    broker_tick(b);
}

static err_t start(struct broker *b)
{
    err_t e = broker_tree_init(&b->tree);

    if (!e && getrandom(b->id_seed, sizeof(b->id_seed), 0) != (ssize_t)sizeof(b->id_seed))
        e = ERR_IO;
    if (!e && b->o.journal.load)
        e = b->o.journal.load(b->o.journal.ctx, broker_load, b);
    if (!e && b->loop)
        e = net_timer_new(b->loop, on_timer, b, &b->timer);
    if (!e && b->timer)
        net_timer_set(b->timer, TICK_MS);
    return e;
}

err_t broker_new(struct net_loop *loop, const struct broker_options *o, struct broker **ret)
{
    struct broker *b = mem_calloc(1, sizeof(*b));
    err_t e;

    if (!b)
        return ERR_NOMEM;
    b->loop = loop;
    b->o = *o;
    if (b->o.config.max_filters > CONN_QUESTIONS)
        b->o.config.max_filters = CONN_QUESTIONS;
    broker_new_second(b);
    b->intercepts_end = &b->intercepts;
    b->holds_end = &b->holds;
    e = start(b);
    if (e) {
        broker_free(b);
        return e;
    }
    broker_msg_unref(steal(&b->loaded));
    for (struct session *s = b->session_list; s; s = s->next)
        session_loaded(s);
    *ret = b;
    return ERR_OK;
}

size_t broker_drain(struct broker *b)
{
    broker_enter(b);
    b->draining = true;
    for (struct conn *c = b->conns; c; c = c->next)
        conn_flow(c);
    broker_leave(b);
    return b->n_conns;
}

void broker_free(struct broker *b)
{
    if (!b)
        return;
    net_timer_free(b->timer);
    broker_enter(b);
    for (struct conn *c = b->conns; c; c = c->next) {
        c->no_will = true;
        conn_doom(c, BROKER_WHY_SERVER, MQTT_RC_SERVER_SHUTTING_DOWN, "the broker shuts down");
    }
    broker_leave(b);
    submitted_free_all(b);
    while (b->session_list)
        session_free(b->session_list);
    retain_free_all(b);
    hold_free_all(b);
    broker_msg_unref(b->loaded);
    broker_images_done(b);
    route_room_done(&b->spare);
    broker_rate_clear(&b->client_connects);
    broker_rate_clear(&b->retained_sets);
    broker_tree_done(&b->tree);
    while (b->intercepts) {
        struct intercept *i = b->intercepts;

        b->intercepts = i->next;
        free(i->filter);
        free(i);
    }
    free(b);
}

/* ---- topics ---- */

bool broker_topic_fits(const struct broker *b, struct slice topic)
{
    const struct broker_config *cf = &b->o.config;

    if (slice_starts(topic, SLICE_LIT("$aws/")))
        return topic.n <=
               cf->max_topic +
                   256; /* the service's own are longer: thing and shadow names of full length fit */
    return topic.n <= cf->max_topic && (!cf->max_slashes || mqtt_topic_slashes(topic) <= cf->max_slashes);
}

struct intercept *broker_intercept_find(struct broker *b, struct slice topic)
{
    struct intercept *i = b->intercepts;

    while (i && !mqtt_topic_matches(slice_str(i->filter), topic, MQTT_MATCH_SPEC))
        i = i->next;
    return i;
}

/* A $aws/ topic to which nobody listens. */
bool broker_topic_reserved(const struct broker *b, struct slice topic)
{
    return b->o.config.reserved_dollar_aws && slice_starts(topic, SLICE_LIT("$aws/")) &&
           !broker_intercept_find((struct broker *)(uintptr_t)b, topic);
}

err_t broker_intercept(struct broker *b, const char *filter, unsigned flags, broker_intercept_fn fn,
                       void *ctx)
{
    struct intercept *i;

    if (!mqtt_filter_valid(slice_str(filter)))
        return ERR_INVALID;
    i = mem_calloc(1, sizeof(*i));
    if (i)
        i->filter = mem_strdup(filter);
    if (!i || !i->filter) {
        free(i);
        return ERR_NOMEM;
    }
    i->flags = flags;
    i->fn = fn;
    i->ctx = ctx;
    *b->intercepts_end = i;
    b->intercepts_end = &i->next;
    return ERR_OK;
}

/* ---- the service's own messages ---- */

err_t broker_own_message(struct broker *b, const struct broker_message *m, struct broker_msg **ret)
{
    struct mqtt_props props = { 0 };

    if (!mqtt_topic_valid(m->topic) || m->qos > 2 || mqtt_props_parse(m->props, MQTT_PUBLISH, &props))
        return ERR_INVALID;
    if (m->payload.n > b->o.config.max_payload)
        return ERR_TOO_BIG;
    return broker_msg_from(b, m->topic, m->payload, m->qos, m->retain, &props, ret);
}

err_t broker_publish(struct broker *b, const struct broker_message *m)
{
    struct broker_msg *msg;
    err_t e = broker_own_message(b, m, &msg);

    if (e)
        return e;
    if (m->retain && !retain_room(b, msg))
        e = ERR_NO_SPACE;
    broker_enter(b);
    if (!e)
        e = broker_route(b, msg, &(struct route_from){ 0 });
    broker_msg_unref(msg);
    broker_leave(b);
    return e;
}

err_t broker_send(struct broker *b, struct slice client_id, const struct broker_message *m)
{
    struct session *s = session_find(b, client_id);
    struct broker_msg *msg;
    err_t e;

    if (!s || !conn_up(s->conn))
        return ERR_NOT_FOUND;
    e = broker_own_message(b, m, &msg);
    if (e)
        return e;
    broker_enter(b);
    session_deliver(s, msg, (struct delivery){ .qos = m->qos });
    broker_msg_unref(msg);
    broker_leave(b);
    return ERR_OK;
}

err_t broker_reply(struct broker *b, uint64_t ticket, const struct broker_message *m)
{
    struct conn *c = conn_find(b, ticket);
    struct broker_msg *msg;
    err_t e;

    if (!conn_up(c))
        return ERR_NOT_FOUND;
    if ((e = broker_own_message(b, m, &msg)))
        return e;
    msg->secret = m->secret;
    broker_enter(b);
    if (m->secret)
        broker_images_guard(b);
    conn_send_qos0(c, msg, &(struct delivery){ 0 });
    if (m->secret)
        broker_images_done(b);
    broker_msg_unref(msg);
    broker_leave(b);
    return ERR_OK;
}

/* ---- answers ---- */

void broker_answer(struct broker *b, uint64_t ticket, enum broker_verdict v)
{
    struct conn *c = conn_find(b, ticket);

    if (ticket_is_submitted(ticket))
        submitted_answer(b, ticket, v == BROKER_ALLOW ? ERR_OK : ERR_DENIED);
    if (!c)
        return;
    broker_enter(b);
    if (c->ticket == ticket) {
        c->ticket = 0;
        c->answers[c->n_answers++] = v == BROKER_LATER ? BROKER_DENY : v;
    } else {
        owed_answer(c, ticket, v == BROKER_ALLOW, "its handler gave up");
    }
    conn_flow(c);
    broker_leave(b);
}

void broker_journal_done(struct broker *b, uint64_t ticket, err_t err)
{
    struct conn *c;

    broker_enter(b);
    hold_settle(b, ticket, err);
    if (ticket_is_submitted(ticket))
        submitted_answer(b, ticket, err);
    c = conn_find(b, ticket);
    if (c) {
        owed_answer(c, ticket, err == ERR_OK, err_str(err));
        conn_flow(c);
    }
    broker_leave(b);
}

/* ---- disconnecting ---- */

typedef bool (*pick_fn)(const struct conn *c, const void *arg);

static unsigned doom_all(struct broker *b, pick_fn pick, const void *arg, enum broker_why why, uint8_t reason,
                         bool with_will)
{
    unsigned n = 0;

    broker_enter(b);
    for (struct conn *c = b->conns; c; c = c->next) {
        if (c->state == CONN_DOOMED || !pick(c, arg))
            continue;
        c->no_will = !with_will;
        conn_doom(c, why, reason, "disconnected by the service: %s", mqtt_reason_str(reason));
        n++;
    }
    broker_leave(b);
    return n;
}

static bool has_client_id(const struct conn *c, const void *arg)
{
    return c->session && slice_eq(c->session->id, *(const struct slice *)arg);
}

static bool has_principal(const struct conn *c, const void *arg)
{
    return slice_eq(conn_principal(c), *(const struct slice *)arg);
}

struct chosen {
    bool (*fn)(void *ctx, void *user, struct slice client_id);
    void *ctx;
};

static bool is_chosen(const struct conn *c, const void *arg)
{
    const struct chosen *ch = arg;

    return ch->fn(ch->ctx, c->user, conn_client_id(c));
}

unsigned broker_disconnect_client(struct broker *b, struct slice client_id, enum broker_why why,
                                  uint8_t reason, bool with_will)
{
    return doom_all(b, has_client_id, &client_id, why, reason, with_will);
}

unsigned broker_disconnect_principal(struct broker *b, struct slice principal, enum broker_why why,
                                     uint8_t reason)
{
    return doom_all(b, has_principal, &principal, why, reason, true);
}

unsigned broker_disconnect_if(struct broker *b, bool (*fn)(void *ctx, void *user, struct slice client_id),
                              void *ctx, enum broker_why why, uint8_t reason)
{
    return doom_all(b, is_chosen, &(struct chosen){ fn, ctx }, why, reason, true);
}

bool broker_is_connected(const struct broker *b, struct slice client_id)
{
    const struct session *s = session_find(b, client_id);

    return s && conn_up(s->conn);
}

/* ---- statistics ---- */

static size_t count_queued(const struct broker *b)
{
    size_t n = 0;

    for (const struct session *s = b->session_list; s; s = s->next)
        n += queue_waiting_n(&s->queue) + s->queue.inflight;
    return n;
}

void broker_stats(const struct broker *b, struct broker_stats *ret)
{
    *ret = (struct broker_stats){
        .connections = b->n_conns,
        .sessions = b->n_sessions,
        .subscriptions = b->n_subs,
        .retained = b->n_retained,
        .queued = count_queued(b),
        .received = b->received,
        .delivered = b->delivered,
    };
    for (size_t i = 0; i < BROKER_DROPS; i++)
        ret->dropped += ret->drops[i] = b->drops[i];
    memcpy(ret->throttled, b->throttled, sizeof(ret->throttled));
    memcpy(ret->packets_in, b->packets_in, sizeof(ret->packets_in));
    memcpy(ret->packets_out, b->packets_out, sizeof(ret->packets_out));
}
