/* tests/integration/programs/test_broker.c - src/broker on loopback without TLS, for foreign MQTT clients.
 *
 * test_broker PROFILE [SLOW_MS [NAME=VALUE...]]
 *
 * PROFILE is aws or standard; with SLOW_MS over 0 the authority answers that much later; NAME is one of the
 * limits below. Writes "port N" and then one line per event. Client ids that begin with "intruder" may not
 * connect, topics that begin with "forbidden" may not be published or subscribed to, those that begin with
 * "secret" are not delivered. Publishing to $aws/things/+/shadow/get is answered on .../accepted. Lines on
 * standard input: "disconnect ID", "revoke", "restart" (of the broker; its journal is in memory), "ahead MS"
 * (the clocks), "stats", "drain", "quit".
 */
#include "base/clock.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "net/listener.h"

#include <stdio.h>
#include <unistd.h>

struct app {
    struct net_loop *loop;
    struct broker *broker;
    struct broker_options o;
    int64_t slow_ms, ahead_ms;
};

struct later {
    struct app *app;
    struct net_timer *timer;
    uint64_t ticket;
    enum broker_verdict verdict;
};

static void say(const char *what, struct slice id, const char *more)
{
    printf("%s %.*s %s\n", what, SLICE_FMT(id), more);
    fflush(stdout);
}

static enum broker_verdict judge(const struct broker_question *q)
{
    struct slice topic = q->topic;

    if (q->action == BROKER_CONNECT)
        return slice_starts(q->client_id, SLICE_LIT("intruder")) ? BROKER_DENY : BROKER_ALLOW;
    if (q->action == BROKER_RECEIVE)
        return slice_starts(topic, SLICE_LIT("secret")) ? BROKER_DENY : BROKER_ALLOW;
    return slice_starts(topic, SLICE_LIT("forbidden")) ? BROKER_DENY : BROKER_ALLOW;
}

static void answer(void *ctx)
{
    struct later *l = ctx;

    broker_answer(l->app->broker, l->ticket, l->verdict);
    net_timer_free(l->timer);
    free(l);
}

static enum broker_verdict may(void *ctx, const struct broker_question *q)
{
    struct app *app = ctx;
    struct later *l;

    if (!app->slow_ms || q->action == BROKER_RECEIVE)
        return judge(q);
    l = mem_calloc(1, sizeof(*l));
    if (!l || net_timer_new(app->loop, answer, l, &l->timer)) {
        free(l);
        return BROKER_DENY;
    }
    l->app = app;
    l->ticket = q->ticket;
    l->verdict = judge(q);
    net_timer_set(l->timer, app->slow_ms);
    return BROKER_LATER;
}

static void on_connected(void *ctx, void *user, struct slice id, struct slice address)
{
    say("connected", id, address.n ? "from somewhere" : "");
}

static void on_disconnected(void *ctx, void *user, struct slice id, enum broker_why why, const char *detail)
{
    say("disconnected", id, broker_why_str(why));
    fprintf(stderr, "%s\n", detail);
}

static err_t on_get(void *ctx, const struct broker_message *m, uint64_t ticket)
{
    struct app *app = ctx;
    autobuf topic = BUF_INIT(512);
    struct broker_message reply = { .payload = SLICE_LIT("seen"), .qos = 0 };
    err_t e = buf_add(&topic, m->topic);

    if (!e)
        e = buf_add_str(&topic, "/accepted");
    if (e)
        return e;
    reply.topic = buf_slice(&topic);
    return broker_publish(app->broker, &reply);
}

static void on_accept(void *ctx, struct net_stream *s)
{
    struct app *app = ctx;
    const struct broker_peer peer = { .principal = SLICE_LIT("everybody"),
                                      .address = slice_str(net_stream_peer(s)) };

    if (broker_accept(app->broker, s, &peer))
        fprintf(stderr, "a connection was refused\n");
}

/* ---- commands ---- */

static int64_t mono(void *ctx)
{
    return clock_mono_ms() + ((struct app *)ctx)->ahead_ms;
}

static int64_t wall(void *ctx)
{
    return clock_wall_ms() + ((struct app *)ctx)->ahead_ms;
}

static err_t start(struct app *app)
{
    err_t e = broker_new(app->loop, &app->o, &app->broker);

    return e ? e
             : broker_intercept(app->broker, "$aws/things/+/shadow/get", BROKER_INTERCEPT_COPY, on_get, app);
}

static void stats(const struct app *app)
{
    struct broker_stats st;

    broker_stats(app->broker, &st);
    printf("stats connections=%zu sessions=%zu subscriptions=%zu retained=%zu queued=%zu dropped=%llu\n",
           st.connections, st.sessions, st.subscriptions, st.retained, st.queued,
           (unsigned long long)st.dropped);
    fflush(stdout);
}

static void command(struct app *app, const char *line)
{
    char id[129];
    long ms;

    if (sscanf(line, "disconnect %128s", id) == 1) {
        (void)broker_disconnect_client(app->broker, slice_str(id), BROKER_WHY_API, 0x98, false);
    } else if (sscanf(line, "ahead %ld", &ms) == 1) {
        app->ahead_ms += ms;
        broker_tick(app->broker);
        printf("ahead\n");
        fflush(stdout);
    } else if (strcmp(line, "revoke\n") == 0) {
        (void)broker_disconnect_principal(app->broker, SLICE_LIT("everybody"), BROKER_WHY_AUTH, 0x87);
    } else if (strcmp(line, "stats\n") == 0) {
        stats(app);
    } else if (strcmp(line, "drain\n") == 0) {
        printf("drain %zu\n", broker_drain(app->broker));
        fflush(stdout);
    } else if (strcmp(line, "restart\n") == 0) {
        broker_free(app->broker);
        if (start(app))
            abort();
        printf("restarted\n");
        fflush(stdout);
    } else {
        net_loop_stop(app->loop);
    }
}

static void on_stdin(void *ctx, bool readable, bool writable)
{
    char line[200];
    ssize_t n = read(0, line, sizeof(line) - 1);

    line[n > 0 ? n : 0] = '\0';
    command(ctx, line);
}

static err_t serve(struct app *app)
{
    struct net_listener *listener = NULL;
    struct net_watch *watch = NULL;
    err_t e = start(app);

    if (!e)
        e = net_listen_tcp(app->loop, "127.0.0.1:0", NULL, on_accept, app, &listener);
    if (!e)
        e = net_watch_new(app->loop, 0, on_stdin, app, &watch);
    if (!e)
        e = net_watch_set(watch, true, false);
    if (!e) {
        printf("port %u\n", net_listener_port(listener));
        fflush(stdout);
        e = net_loop_run(app->loop);
    }
    net_watch_free(watch);
    net_listener_free(listener);
    broker_free(app->broker);
    return e;
}

int main(int argc, char **argv)
{
    struct app app = { .slow_ms = argc > 2 ? atoi(argv[2]) : 0 };
    struct broker_memory *memory;
    err_t e = net_loop_new(&app.loop);

    if (e || broker_memory_new(1 << 26, &memory))
        return 1;
    app.o = (struct broker_options){
        .authority = { &app, may },
        .events = { .ctx = &app, .connected = on_connected, .disconnected = on_disconnected },
        .journal = broker_memory_journal(memory),
        .mono_ms = mono,
        .wall_ms = wall,
        .clock_ctx = &app,
    };
    if (argc > 1 && strcmp(argv[1], "standard") == 0)
        broker_config_standard(&app.o.config);
    else
        broker_config_aws(&app.o.config);
    app.o.config.keep_alive_min_s = 1; /* tests cannot wait 45 s */
    app.o.config.publishes_per_s = 0;  /* nor be slowed down, unless they say so */
    app.o.config.bytes_per_s = 0;
    app.o.config.connects_per_client_s = 0;
    app.o.config.retained_per_topic_s = 0;
    for (int i = 3; i < argc; i++)
        if (broker_config_set(&app.o.config, argv[i], NULL))
            return 2;
    e = serve(&app);
    broker_memory_free(memory);
    net_loop_free(app.loop);
    if (e)
        fprintf(stderr, "test_broker: %s\n", err_str(e));
    return e ? 1 : 0;
}
