/* tests/fuzz/broker/fuzz_broker.c - whole conversations: up to four clients of one broker, with an authority
 * that says yes, no or later and a journal that is done at once or later.
 *
 * The input is a list of orders: client(2 bits), verb(2 bits) and four bits more in one byte, then a length
 * byte and so many bytes to send (verb 0); verb 1 cuts the connection; verb 2 answers the oldest open
 * question or write, ticks the clock when there is none; verb 3 restarts the broker from its journal, or
 * drains it first (bits 1). The first byte sets the mood: profile (1), the authority says later (2), no (4),
 * the journal later (8), limits that are met soon (16).
 */
#include "base/mem.h"
#include "broker/broker.h"
#include "net/stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 4
#define OPEN_MAX 64

struct world {
    struct net_loop *loop;
    struct broker *broker;
    struct broker_memory *memory;
    struct broker_options o;
    struct net_stream *client[CLIENTS];
    struct {
        uint64_t ticket;
        bool of_journal;
    } open[OPEN_MAX];
    size_t n_open;
    unsigned mood, asked;
    int64_t now_ms;
};

static int64_t now(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static void put_off(struct world *w, uint64_t ticket, bool of_journal)
{
    w->open[w->n_open].ticket = ticket;
    w->open[w->n_open++].of_journal = of_journal;
}

static err_t journal_write(void *ctx, const struct broker_record *recs, size_t n, uint64_t ticket)
{
    struct world *w = ctx;
    struct broker_journal j = broker_memory_journal(w->memory);
    err_t e = j.write(j.ctx, recs, n, ticket);

    if (e || !ticket || !(w->mood & 8) || w->n_open >= OPEN_MAX)
        return e;
    put_off(w, ticket, true);
    return ERR_MORE;
}

static err_t journal_load(void *ctx, err_t (*fn)(void *arg, const struct broker_record *rec), void *arg)
{
    struct broker_journal j = broker_memory_journal(((struct world *)ctx)->memory);

    return j.load(j.ctx, fn, arg);
}

static enum broker_verdict may(void *ctx, const struct broker_question *q)
{
    struct world *w = ctx;
    unsigned n = w->asked++;

    if ((w->mood & 4) && n % 5 == 4)
        return n % 2 ? BROKER_DENY : BROKER_DENY_CLOSE;
    if ((w->mood & 2) && n % 3 == 2 && q->action != BROKER_RECEIVE && w->n_open < OPEN_MAX) {
        put_off(w, q->ticket, false);
        return BROKER_LATER;
    }
    return BROKER_ALLOW;
}

static err_t intercept(void *ctx, const struct broker_message *m, uint64_t ticket)
{
    struct world *w = ctx;
    struct broker_message echo = { .topic = SLICE_LIT("echo"), .payload = m->payload, .qos = 1 };

    (void)broker_publish(w->broker, &echo);
    if (ticket && w->n_open < OPEN_MAX) {
        put_off(w, ticket, false);
        return ERR_MORE;
    }
    return m->payload.n % 2 ? ERR_INVALID : ERR_OK;
}

static size_t swallow(void *ctx, struct slice in)
{
    return in.n;
}

static void ended(void *ctx, err_t why)
{
    struct net_stream **s = ctx;

    net_stream_free(*s);
    *s = NULL;
}

static const struct net_handler client_handler = { .on_read = swallow, .on_close = ended };

static void turn(struct world *w)
{
    for (int i = 0; i < 4; i++)
        (void)net_loop_turn(w->loop, 0);
}

static void start(struct world *w)
{
    if (broker_new(NULL, &w->o, &w->broker) || broker_intercept(w->broker, "$aws/+", 0, intercept, w))
        abort(); /* what the broker wrote down it can read */
}

static struct net_stream *client_of(struct world *w, unsigned i)
{
    const struct broker_peer peer = { .principal = SLICE_LIT("p") };
    struct net_stream *far;

    if (w->client[i])
        return w->client[i];
    if (net_stream_pair(w->loop, &w->client[i], &far))
        abort();
    net_stream_set_handler(w->client[i], &client_handler, &w->client[i]);
    (void)broker_accept(w->broker, far, &peer);
    return w->client[i];
}

static void answer_or_tick(struct world *w, unsigned bits)
{
    if (w->n_open) {
        uint64_t ticket = w->open[0].ticket;
        bool of_journal = w->open[0].of_journal;

        w->n_open--;
        memmove(w->open, w->open + 1, w->n_open * sizeof(w->open[0]));
        if (of_journal)
            broker_journal_done(w->broker, ticket, bits ? ERR_OK : ERR_IO);
        else
            broker_answer(w->broker, ticket, bits ? BROKER_ALLOW : BROKER_DENY);
        return;
    }
    w->now_ms += 700 + (int64_t)bits * 40000;
    broker_tick(w->broker);
}

static struct slice order(struct world *w, struct slice in)
{
    unsigned byte = in.p[0], who = byte & 3, bits = byte >> 4;
    struct slice rest = slice_skip(in, 1), data;

    switch (byte >> 2 & 3) {
    case 0:
        if (!rest.n)
            return rest;
        data = slice_head(slice_skip(rest, 1), rest.p[0]);
        (void)net_stream_write(client_of(w, who), data);
        turn(w);
        return slice_skip(rest, 1 + data.n);
    case 1:
        net_stream_free(w->client[who]);
        w->client[who] = NULL;
        break;
    case 2:
        answer_or_tick(w, bits);
        break;
    default:
        if (bits & 1)
            (void)broker_drain(w->broker);
        turn(w);
        broker_free(w->broker);
        start(w);
    }
    turn(w);
    return rest;
}

static void tighten(struct broker_config *cf)
{
    cf->max_inflight_in = 3;
    cf->max_received = 4;
    cf->max_inflight_out = 2;
    cf->max_queued = 5;
    cf->max_retained = 2;
    cf->max_new = 2;
    cf->max_connect = 100;
    cf->topic_alias_out = 2;
    cf->publishes_per_s = 8;
    cf->unacked_s = 30;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = { .mood = size ? data[0] : 0, .now_ms = 1000000 };
    struct slice in = slice_skip(slice_of(data, size), 1);

    if (net_loop_new(&w.loop) || broker_memory_new(1 << 20, &w.memory))
        abort();
    w.o =
        (struct broker_options){ .authority = { &w, may }, .mono_ms = now, .wall_ms = now, .clock_ctx = &w };
    if (w.mood & 1)
        broker_config_standard(&w.o.config);
    else
        broker_config_aws(&w.o.config);
    if (w.mood & 16)
        tighten(&w.o.config);
    w.o.journal = (struct broker_journal){ &w, journal_write, journal_load };
    start(&w);
    while (in.n)
        in = order(&w, in);
    broker_free(w.broker);
    for (size_t i = 0; i < CLIENTS; i++)
        net_stream_free(w.client[i]);
    broker_memory_free(w.memory);
    net_loop_free(w.loop);
    return 0;
}
