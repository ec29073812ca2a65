/* The life of the daemon: build the parts, connect them, run, reload, drain. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "keyd/audit.h"
#include "keyd/pin.h"
#include "keyd/server.h"
#include "se/detail.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

enum { TICK_MS = 1000, DRAIN_LOOK_MS = 20 };

/* ---- signals ---- */

static bool texts_differ(const struct keyd_config *a, const struct keyd_config *b)
{
    return strcmp(a->port, b->port) != 0 || strcmp(a->scp03, b->scp03) != 0 || strcmp(a->pin, b->pin) != 0 ||
           a->pin_object != b->pin_object || a->socket_mode != b->socket_mode ||
           (b->socket[0] && strcmp(a->socket, b->socket) != 0);
}

static void on_reload(void *ctx)
{
    struct keyd_server *s = ctx;
    struct keyd_config fresh;
    char why[KEYD_WHY_MAX];

    if (keyd_config_load(s->config_path, &fresh, why)) {
        log_error("reload: %s; the rules in force stay as they were", why);
        return;
    }
    if (texts_differ(&s->config, &fresh))
        log_warn("reload: only rules, limits and audit are taken anew; other settings of %s need a restart",
                 s->config_path);
    keyd_rules_done(&s->config.rules);
    s->config.rules = fresh.rules;
    s->config.clients = fresh.clients;
    s->config.clients_per_user = fresh.clients_per_user;
    s->config.audit_denied_only = fresh.audit_denied_only;
    log_info("reload: %zu rules of %s in force", s->config.rules.count, s->config_path);
}

static void on_drain(void *ctx)
{
    struct keyd_server *s = ctx;

    if ((s->busy || s->users.waiting) && clock_mono_ms() < s->stop_by_ms)
        net_timer_set(s->drain, DRAIN_LOOK_MS);
    else
        net_loop_stop(s->loop);
}

/* No new connections and commands; those in the queue are done. */
static void on_stop(void *ctx)
{
    struct keyd_server *s = ctx;

    if (s->stopping)
        return;
    keyd_notify("STOPPING=1");
    log_info("stopping: %zu commands in the queue are done first", s->users.waiting + s->busy);
    s->stopping = true;
    s->stop_by_ms = clock_mono_ms() + KEYD_DRAIN_MS;
    net_listener_free(s->listener);
    s->listener = NULL;
    on_drain(s);
}

static void on_tick(void *ctx)
{
    struct keyd_server *s = ctx;

    keyd_audit_unsaid(&s->users);
    keyd_users_sweep(&s->users, clock_mono_ms());
    net_timer_set(s->tick, TICK_MS);
}

/* ---- the parts ---- */

static err_t load(struct keyd_server *s, const char *socket)
{
    const char *env = secure_getenv("SEDGE_KEYD_SOCKET");
    char why[KEYD_WHY_MAX];
    err_t e = keyd_config_load(s->config_path, &s->config, why);

    if (e) {
        log_error("%s; see sedge-keyd(8)", why);
        return e;
    }
    if (!socket)
        socket = s->config.socket[0] ? s->config.socket : env && *env ? env : SE_KEYD_SOCKET_DEFAULT;
    if (strlen(socket) >= sizeof(s->config.socket)) {
        log_error("the socket's path is too long");
        return ERR_INVALID;
    }
    if (socket != s->config.socket)
        (void)snprintf(s->config.socket, sizeof(s->config.socket), "%s", socket);
    if (s->config.rules.count == 0)
        log_warn("%s has no rules: nobody may do anything", s->config_path);
    return ERR_OK;
}

static err_t load_pin(struct keyd_server *s)
{
    err_t e = s->config.pin[0] ? keyd_pin_read(s->config.pin, &s->pin) : ERR_OK;

    if (e)
        log_error("cannot take the PIN: %s", se_detail());
    return e;
}

static err_t start_worker(struct keyd_server *s)
{
    struct keyd_worker_options o = { .port = s->config.port[0] ? s->config.port : NULL,
                                     .scp03 = s->config.scp03[0] ? s->config.scp03 : NULL,
                                     .pin = s->pin,
                                     .pin_object = s->config.pin_object,
                                     .loop = s->loop,
                                     .done = keyd_turn_done,
                                     .ctx = s };
    err_t e;

    s->job.apdu = BUF_SECRET(SE_APDU_MAX);
    s->job.before = BUF_INIT(SE_APDU_MAX);
    s->job.answer = BUF_SECRET(64 * 1024);
    e = keyd_worker_new(&o, &s->worker);
    if (e)
        log_error("cannot use the chip's port: %s", se_detail()[0] ? se_detail() : err_str(e));
    return e;
}

static err_t make_timers(struct keyd_server *s)
{
    err_t e = net_timer_new(s->loop, keyd_turn_gap, s, &s->gap);

    if (!e)
        e = net_timer_new(s->loop, on_tick, s, &s->tick);
    if (!e)
        e = net_timer_new(s->loop, on_drain, s, &s->drain);
    if (!e)
        e = net_signal_new(s->loop, SIGTERM, on_stop, s, &s->signals[0]);
    if (!e)
        e = net_signal_new(s->loop, SIGINT, on_stop, s, &s->signals[1]);
    if (!e)
        e = net_signal_new(s->loop, SIGHUP, on_reload, s, &s->signals[2]);
    if (!e)
        net_timer_set(s->tick, TICK_MS);
    return e;
}

/* Each client is a descriptor. */
static void raise_limit(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l); /* accepting pauses where there are none left */
    }
}

static err_t build(struct keyd_server *s, const char *socket)
{
    err_t e = load(s, socket);

    if (!e)
        e = load_pin(s);
    if (!e)
        e = net_loop_new(&s->loop);
    if (!e)
        e = make_timers(s);
    if (!e)
        e = start_worker(s);
    return e ? e : keyd_listen(s, keyd_client_accept);
}

static void tear_down(struct keyd_server *s)
{
    s->over = true;
    s->running = NULL;
    net_listener_free(s->listener);
    keyd_worker_free(s->worker);
    while (s->clients)
        keyd_client_free(s->clients);
    keyd_audit_unsaid(&s->users);
    keyd_users_done(&s->users);
    for (size_t i = 0; i < ARRAY_LEN(s->signals); i++)
        net_signal_free(s->signals[i]);
    net_timer_free(s->gap);
    net_timer_free(s->tick);
    net_timer_free(s->drain);
    net_loop_free(s->loop);
    buf_done(&s->job.apdu);
    buf_done(&s->job.before);
    buf_done(&s->job.answer);
    secret_free(s->pin);
    keyd_config_done(&s->config);
}

err_t keyd_serve(const char *config_path, const char *socket)
{
    struct keyd_server s = { .config_path = config_path };
    err_t e;

    raise_limit();
    e = build(&s, socket);
    if (!e) {
        log_info("serving %s for clients on %s, %zu rules of %s",
                 s.config.port[0] ? s.config.port : "the configured chip", s.config.socket,
                 s.config.rules.count, config_path);
        keyd_notify("READY=1");
        e = net_loop_run(s.loop);
    }
    tear_down(&s);
    return e;
}
