/* tests/fuzz/broker/fuzz_broker.c - whole conversations: up to four clients of one broker, with an authority
 * that says yes, no or later.
 *
 * The input is a list of orders: client(2 bits) and verb(2 bits) in one byte, then a length byte and so many
 * bytes to send (verb 0); verb 1 cuts the connection; verb 2 answers the oldest open question, ticks the
 * clock when there is none; verb 3 restarts the broker from its journal. The first byte sets the profile and
 * how often the authority says no or later.
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
    uint64_t open[OPEN_MAX];
    size_t n_open;
    unsigned mood, asked;
    int64_t now_ms;
};

static int64_t now(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static enum broker_verdict may(void *ctx, const struct broker_question *q)
{
    struct world *w = ctx;
    unsigned n = w->asked++;

    if ((w->mood & 4) && n % 5 == 4)
        return n % 2 ? BROKER_DENY : BROKER_DENY_CLOSE;
    if ((w->mood & 2) && n % 3 == 2 && q->action != BROKER_RECEIVE && w->n_open < OPEN_MAX) {
        w->open[w->n_open++] = q->ticket;
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
        w->open[w->n_open++] = ticket;
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
        uint64_t ticket = w->open[0];

        w->n_open--;
        memmove(w->open, w->open + 1, w->n_open * sizeof(w->open[0]));
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
        broker_free(w->broker);
        start(w);
    }
    turn(w);
    return rest;
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
    w.o.journal = broker_memory_journal(w.memory);
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
