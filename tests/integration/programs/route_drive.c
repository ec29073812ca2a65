/* tests/integration/programs/route_drive.c - the core's routes without functions: driven line by line.
 *
 *     route_drive ROOT      config.json, certificates and log as a core's; one command per line of standard
 * input: apply FILE            route as this group.json says; answers "applied" or "refused WHY" publish
 * SOURCE TOPIC TEXT       answers "published" or "error CLASS" flood SOURCE TOPIC COUNT BYTES  so many
 * messages (6 at least), a number of six digits in front; answers "flooded" counts                answers
 * "counts published N to_cloud N waiting N delivered N full N refused N cpu_us N" stop                  say
 * goodbye to the cloud; answers "stopped"
 *
 * What reaches a function is written as "function ARN SOURCE CONTEXT PAYLOAD"; every function exists and has
 * room, but those whose ARN holds "gone" (unknown) or "busy" (no room).
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/elog.h"
#include "edge/identity.h"
#include "edge/route/route.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (256 * 1024)

struct app {
    struct config *config;
    struct crypto_ctx *crypto;
    struct identity id;
    struct tls_context *tls;
    struct net_loop *loop;
    struct route *route;
    struct buf in;
    char *words[5]; /* of the command */
};

static bool die(const char *what, const char *why)
{
    (void)fprintf(stderr, "route_drive: %s: %s\n", what, why);
    return false;
}

static void say(const char *text)
{
    (void)printf("%s\n", text);
    (void)fflush(stdout);
}

/* ---- the functions ---- */

static err_t invoke(void *ctx, const char *function, const char *source, struct slice context,
                    struct slice payload)
{
    if (strstr(function, "gone") || strstr(function, "busy"))
        return strstr(function, "gone") ? ERR_NOT_FOUND : ERR_BUSY;
    (void)printf("function %s %s %.*s %.*s\n", function, source, SLICE_FMT(context), SLICE_FMT(payload));
    (void)fflush(stdout);
    return ERR_OK;
}

static bool has_room(void *ctx, size_t items, size_t bytes)
{
    return true;
}

static bool has_function(void *ctx, const char *function)
{
    return !strstr(function, "gone");
}

static err_t to_shadows(void *ctx, struct slice topic, struct slice payload)
{
    (void)printf("shadows %.*s %.*s\n", SLICE_FMT(topic), SLICE_FMT(payload));
    (void)fflush(stdout);
    return ERR_OK;
}

static const struct router_ports ports = { invoke, has_room, has_function, to_shadows };

/* ---- commands ---- */

static void on_apply(struct app *app)
{
    autobuf text = BUF_INIT(GROUP_MAX_BYTES);
    auto_group *g = NULL;
    struct problem why = { "" };
    err_t e = file_read(app->words[1], &text);

    e = e ? e : group_parse(buf_slice(&text), &g, &why);
    e = e ? e : route_apply(app->route, g, &why);
    (void)printf("%s %s\n", e ? "refused" : "applied", why.text);
    (void)fflush(stdout);
}

static void on_publish(struct app *app)
{
    err_t e = router_publish(route_router(app->route), app->words[1], app->words[2], slice_str(app->words[3]),
                             QUEUE_BEST_EFFORT);

    (void)printf("%s %s\n", e ? "error" : "published", e ? err_str(e) : "");
    (void)fflush(stdout);
}

static void on_flood(struct app *app)
{
    const unsigned long count = strtoul(app->words[3], NULL, 10), bytes = strtoul(app->words[4], NULL, 10);
    autofree char *text = mem_calloc(bytes + 8, 1);

    for (unsigned long i = 0; i < count; i++) {
        char number[24];
        (void)snprintf(number, sizeof(number), "%06lu", i);
        memset(text, '.', bytes);
        memcpy(text, number, 6);
        (void)router_publish(route_router(app->route), app->words[1], app->words[2], slice_of(text, bytes),
                             QUEUE_BEST_EFFORT); /* counted */
    }
    say("flooded");
}

static void on_counts(struct app *app)
{
    struct route_counts c;

    route_counts(app->route, &c);
    (void)printf(
        "counts published %llu to_cloud %llu waiting %zu delivered %llu full %llu refused %llu cpu_us %lld\n",
        (unsigned long long)c.router.published, (unsigned long long)c.router.to_cloud, c.spooler.waiting,
        (unsigned long long)c.spooler.delivered, (unsigned long long)c.spooler.dropped_full,
        (unsigned long long)c.spooler.dropped_refused, (long long)(clock() * 1000000 / CLOCKS_PER_SEC));
    (void)fflush(stdout);
}

static void on_stop(struct app *app)
{
    route_stop(app->route);
    say("stopped");
}

static const struct {
    const char *name;
    size_t words;
    void (*run)(struct app *);
} commands[] = {
    { "apply", 2, on_apply },   { "publish", 4, on_publish }, { "flood", 5, on_flood },
    { "counts", 1, on_counts }, { "stop", 1, on_stop },
};

/* The last word is the rest of the line. */
static void on_line(struct app *app, char *line)
{
    const size_t n = strcspn(line, " ");

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strlen(commands[i].name) != n || strncmp(line, commands[i].name, n) != 0)
            continue;
        for (size_t w = 0; w < commands[i].words; w++) {
            app->words[w] = line ? line : (char *)"";
            line = w + 1 < commands[i].words && line ? strchr(line, ' ') : NULL;
            if (line)
                *line++ = '\0';
        }
        commands[i].run(app);
        return;
    }
    say("unknown command");
}

static void on_stdin(void *ctx, bool readable, bool writable)
{
    struct app *app = ctx;
    uint8_t bytes[4096];
    ssize_t n = read(0, bytes, sizeof(bytes));
    char *end;

    if (n <= 0 || buf_add_mem(&app->in, bytes, (size_t)n)) {
        net_loop_stop(app->loop);
        return;
    }
    while ((end = memchr(app->in.p, '\n', app->in.n))) {
        *end = '\0';
        on_line(app, (char *)app->in.p);
        buf_drop(&app->in, (size_t)(end + 1 - (char *)app->in.p));
    }
}

/* ---- life ---- */

static bool build(struct app *app, const char *root)
{
    struct problem why = { "" };
    struct crypto_error ce = { 0 };
    struct tls_client_opts tls = { 0 };
    struct route_opts o = { .ports = &ports, .ctx = app };

    if (config_load(root, &app->config, &why))
        return die("config", why.text);
    if (elog_open(app->config->write_dir) || crypto_ctx_new(NULL, &app->crypto))
        return die("log", "cannot be written");
    elog_configure(ELOG_DEBUG, 8192);
    if (identity_load(app->crypto, app->config, clock_wall_ms(), &app->id, &why))
        return die("identity", why.text);
    tls = (struct tls_client_opts){ .ca_file = app->config->ca_file,
                                    .cert = identity_cert(&app->id),
                                    .key = app->id.key };
    if (net_loop_new(&app->loop) || tls_client_context_new(&tls, &app->tls, &ce))
        return die("tls", ce.text);
    o.loop = app->loop;
    o.crypto = app->crypto;
    o.tls = app->tls;
    o.config = app->config;
    return route_new(&o, &app->route) ? die("route", "no memory") : true;
}

static bool run(struct app *app)
{
    struct net_watch *watch = NULL;
    err_t e = net_watch_new(app->loop, 0, on_stdin, app, &watch);

    e = e ? e : net_watch_set(watch, true, false);
    e = e ? e : net_loop_run(app->loop);
    net_watch_free(watch);
    return e ? die("loop", err_str(e)) : true;
}

int main(int argc, char **argv)
{
    struct app app = { .in = BUF_INIT(LINE_MAX_BYTES) };
    bool ok = argc == 2 && !crypto_process_init(false) && build(&app, argv[1]) && run(&app);

    route_free(app.route);
    tls_context_free(app.tls);
    net_loop_free(app.loop);
    identity_done(&app.id);
    crypto_ctx_free(app.crypto);
    config_free(app.config);
    buf_done(&app.in);
    elog_close();
    return ok ? 0 : 1;
}
