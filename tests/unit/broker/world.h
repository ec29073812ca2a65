/* tests/unit/broker/world.h - a broker with clients in memory, a clock that stands still, an authority and a
 * journal that do as told.
 *
 * Clients speak bytes written by hand: send() and see() name what goes over the wire.
 */
#pragma once
#include "../cm.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "net/stream.h"

#include <stdio.h>

#define CLIENTS 6
#define NOTES 64

struct world;

struct client {
    struct net_stream *s;
    struct buf in;
    bool closed;
};

struct world {
    struct net_loop *loop;
    struct broker *b;
    struct broker_options o;
    struct broker_memory *memory;
    int64_t now_ms;
    struct client c[CLIENTS];
    /* authority: the verdict for an action, asked in this order */
    enum broker_verdict verdict[4];
    char asked[NOTES][80]; /* "PUBLISH a/b" */
    unsigned n_asked;
    uint64_t ticket; /* of the last question put off, or of the last interception */
    void (*on_receive)(struct world *w, const struct broker_question *q);
    /* journal */
    err_t journal_says; /* ERR_MORE: journal_ticket holds what is to be answered */
    uint64_t journal_ticket;
    unsigned writes;
    size_t last_n;
    /* events */
    char event[NOTES][160];
    unsigned n_events;
    unsigned peers_freed;
};

static const char *const action_names[] = { "CONNECT", "PUBLISH", "SUBSCRIBE", "RECEIVE" };

static inline int64_t world_now(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static inline enum broker_verdict world_may(void *ctx, const struct broker_question *q)
{
    struct world *w = ctx;
    enum broker_verdict v = w->verdict[q->action];

    assert_true(slice_eq(q->principal, SLICE_LIT("cert")));
    assert_ptr_equal(q->user, w);
    if (w->n_asked < NOTES)
        snprintf(w->asked[w->n_asked++], sizeof(w->asked[0]), "%s %.*s%s", action_names[q->action],
                 SLICE_FMT(q->action == BROKER_CONNECT ? q->client_id : q->topic),
                 q->retain ? " retain" : "");
    if (v == BROKER_LATER)
        w->ticket = q->ticket;
    if (q->action == BROKER_RECEIVE && w->on_receive)
        w->on_receive(w, q);
    return v;
}

static inline err_t world_write(void *ctx, const struct broker_record *recs, size_t n, uint64_t ticket)
{
    struct world *w = ctx;
    struct broker_journal j = broker_memory_journal(w->memory);

    w->writes++;
    w->last_n = n;
    if (!ticket || w->journal_says == ERR_OK || w->journal_says == ERR_MORE)
        assert_int_equal(j.write(j.ctx, recs, n, ticket), ERR_OK);
    if (!ticket)
        return ERR_OK;
    if (w->journal_says == ERR_MORE)
        w->journal_ticket = ticket;
    return w->journal_says;
}

static inline err_t world_load(void *ctx, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg)
{
    struct broker_journal j = broker_memory_journal(((struct world *)ctx)->memory);

    return j.load(j.ctx, fn, arg);
}

static inline void world_connected(void *ctx, void *user, struct slice id, struct slice address)
{
    struct world *w = ctx;
    if (w->n_events < NOTES)
        snprintf(w->event[w->n_events++], sizeof(w->event[0]), "+%.*s", SLICE_FMT(id));
}

static inline void world_disconnected(void *ctx, void *user, struct slice id, enum broker_why why,
                                      const char *detail)
{
    struct world *w = ctx;
    if (w->n_events < NOTES)
        snprintf(w->event[w->n_events++], sizeof(w->event[0]), "-%.*s %s", SLICE_FMT(id),
                 broker_why_str(why));
}

static inline void world_throttled(void *ctx, void *user, struct slice id, enum broker_limit limit)
{
    struct world *w = ctx;
    if (w->n_events < NOTES)
        snprintf(w->event[w->n_events++], sizeof(w->event[0]), "~%.*s %s", SLICE_FMT(id),
                 broker_limit_str(limit));
}

static inline void world_peer_free(void *user)
{
    ((struct world *)user)->peers_freed++;
}

/* ---- clients ---- */

static inline size_t client_read(void *ctx, struct slice in)
{
    struct client *c = ctx;
    assert_int_equal(buf_add(&c->in, in), ERR_OK);
    return in.n;
}

static inline void client_close(void *ctx, err_t why)
{
    struct client *c = ctx;
    c->closed = true;
    net_stream_free(c->s);
    c->s = NULL;
}

static const struct net_handler client_handler = { .on_read = client_read, .on_close = client_close };

static inline void turn(struct world *w)
{
    for (int i = 0; i < 8; i++)
        assert_int_equal(net_loop_turn(w->loop, 0), ERR_OK);
}

/* Open connection i; the one before is cut. */
static inline err_t dial(struct world *w, unsigned i)
{
    const struct broker_peer peer = { w, world_peer_free, SLICE_LIT("cert"), SLICE_LIT("192.0.2.1") };
    struct client *c = &w->c[i];
    struct net_stream *far;

    net_stream_free(c->s);
    buf_done(&c->in);
    *c = (struct client){ .in = BUF_INIT(1 << 22) };
    assert_int_equal(net_stream_pair(w->loop, &c->s, &far), ERR_OK);
    net_stream_set_handler(c->s, &client_handler, c);
    return broker_accept(w->b, far, &peer);
}

static inline void cut(struct world *w, unsigned i)
{
    net_stream_free(w->c[i].s);
    w->c[i].s = NULL;
    w->c[i].closed = true;
    turn(w);
}

static inline void send_slice(struct world *w, unsigned i, struct slice bytes)
{
    if (w->c[i].s)
        assert_int_equal(net_stream_write(w->c[i].s, bytes), ERR_OK);
    turn(w);
}
#define send(w, i, lit) send_slice(w, i, SLICE_LIT(lit))

/* Exactly these bytes have come since the last look. */
static inline void see_slice(struct world *w, unsigned i, struct slice want, const char *file, int line)
{
    struct slice got;

    turn(w);
    got = buf_slice(&w->c[i].in);
    if (!slice_eq(got, want)) {
        print_message("%s:%d: client %u got", file, line, i);
        for (size_t k = 0; k < got.n && k < 200; k++)
            print_message(" %02x", got.p[k]);
        print_message("\n");
    }
    assert_true(slice_eq(got, want));
    buf_clear(&w->c[i].in);
}
#define see(w, i, lit) see_slice(w, i, SLICE_LIT(lit), __FILE__, __LINE__)

static inline void see_closed(struct world *w, unsigned i)
{
    turn(w);
    assert_true(w->c[i].closed);
}

static inline void see_open(struct world *w, unsigned i)
{
    turn(w);
    assert_false(w->c[i].closed);
}

static inline void pass(struct world *w, int64_t ms)
{
    w->now_ms += ms;
    broker_tick(w->b);
    turn(w);
}

static inline void assert_event(struct world *w, const char *want)
{
    assert_true(w->n_events > 0);
    assert_string_equal(w->event[w->n_events - 1], want);
}

static inline void assert_asked(struct world *w, unsigned i, const char *want)
{
    assert_true(i < w->n_asked);
    assert_string_equal(w->asked[i], want);
}

/* ---- packets: client ids and topics of one letter, as literals ---- */

#define CONNECT(id) "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01" id
#define CONNECT_KEEP(id) "\x10\x0d\x00\x04MQTT\x04\x00\x00\x3c\x00\x01" id /* persistent */
#define CONNECT5(id) "\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01" id
#define CONNACK "\x20\x02\x00\x00"
#define CONNACK_PRESENT "\x20\x02\x01\x00"
/* What a version 5 client is told by the AWS profile; one that asked for no more than that. */
#define CONNACK5_PROPS "\x21\x00\x64\x22\x00\x08\x24\x01\x25\x01\x27\x00\x02\x48\x00\x28\x01\x29\x00\x2a\x01"
#define CONNACK5 "\x20\x18\x00\x00\x15" CONNACK5_PROPS
#define SUB0(t) "\x82\x06\x00\x01\x00\x01" t "\x00"
#define SUB1(t) "\x82\x06\x00\x01\x00\x01" t "\x01"
#define SUBACK0 "\x90\x03\x00\x01\x00"
#define SUBACK1 "\x90\x03\x00\x01\x01"
#define PUB0(t, m) "\x30\x04\x00\x01" t m
#define PUB1(t, id, m) "\x32\x06\x00\x01" t "\x00" id m
#define PUBACK(id) "\x40\x02\x00" id
#define DISCONNECT "\xe0\x00"

static inline void join(struct world *w, unsigned i, struct slice connect)
{
    assert_int_equal(dial(w, i), ERR_OK);
    send_slice(w, i, connect);
    assert_true(w->c[i].in.n >= 4);
    assert_int_equal(w->c[i].in.p[0], 0x20);
    assert_int_equal(w->c[i].in.p[3], 0);
    buf_clear(&w->c[i].in);
    w->n_asked = 0;
}
#define JOIN(w, i, id) join(w, i, SLICE_LIT(CONNECT(id)))
#define JOIN5(w, i, id) join(w, i, SLICE_LIT(CONNECT5(id)))

static inline void start(struct world *w)
{
    assert_int_equal(broker_new(NULL, &w->o, &w->b), ERR_OK);
}

static inline void restart(struct world *w)
{
    broker_free(w->b);
    turn(w);
    start(w);
}

static inline int setup(void **state)
{
    struct world *w = mem_calloc(1, sizeof(*w));

    if (!w || net_loop_new(&w->loop) || broker_memory_new(1 << 24, &w->memory))
        return -1;
    w->now_ms = 1000000;
    w->o = (struct broker_options){
        .authority = { w, world_may },
        .journal = { w, world_write, world_load },
        .events = { .ctx = w,
                    .connected = world_connected,
                    .disconnected = world_disconnected,
                    .throttled = world_throttled },
        .mono_ms = world_now,
        .wall_ms = world_now,
        .clock_ctx = w,
    };
    broker_config_aws(&w->o.config);
    w->o.config.connects_per_client_s = 0; /* clients come back in the same second, unless a test says so */
    w->o.config.retained_per_topic_s = 0;
    start(w);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;

    broker_free(w->b);
    for (size_t i = 0; i < CLIENTS; i++) {
        net_stream_free(w->c[i].s);
        buf_done(&w->c[i].in);
    }
    net_loop_free(w->loop);
    broker_memory_free(w->memory);
    free(w);
    return 0;
}

/* Change the configuration before anybody is there. */
#define CONFIGURE(w, change)                       \
    do {                                           \
        struct broker_config *cf = &(w)->o.config; \
        change;                                    \
        restart(w);                                \
    } while (0)

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
