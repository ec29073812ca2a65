#include "cloud/api/control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/api/mqtt_door.h"
#include "cloud/api/ops.h"
#include "cloud/auth/caller.h"
#include "cloud/auth/permission.h"
#include "cloud/gateway/certvars.h"
#include "cloud/loglimit.h"
#include "cloud/report.h"
#include "tls/stream.h"

/* A body is read before its signature can be checked: BODIES_MAX bounds what strangers can fill. The largest
 * body is a function's code package in base64. */
#define BODY_MAX (24u << 20)
#define BODIES_MAX (64u << 20)
#define CONNS_MAX 256u
#define METRICS_MAX (1u << 20)
#define RECHECK_MS 500 /* are the keys of open WebSockets still there? */

struct control {
    struct control_opts opts;
    struct http_route *routes;
    struct http_server *server;
    struct loglimit refused_log;
    struct net_timer *recheck;
};

static const struct account *first(const struct control *c)
{
    return accounts_at(c->opts.accounts, 0);
}

static void refuse(struct control *c, const struct http_request *req, const struct api_op *op,
                   enum api_error error, const char *why)
{
    char path[LOG_ESC_MAX], note[LOGLIMIT_NOTE_MAX];

    if (loglimit_pass(&c->refused_log, LOGLIMIT_KIND, clock_mono_ms(), note))
        log_info("api refused %s peer=%s target=%s: %s%s", api_error_info(error)->name,
                 net_stream_peer(req->stream), log_esc(path, req->path), why, note);
    api_request_refuse(&first(c)->parts, req, op, error, why);
}

/* "127.0.0.1:4566", "localhost", "[::1]:4566" */
static bool is_loopback(struct slice host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (host.n >= n && http_name_eq(slice_head(host, n), slice_str(names[i])) &&
            (host.n == n || host.p[n] == ':'))
            return true;
    }
    return false;
}

/* With --insecure-dev nothing but the address protects the port, and the developer's browser is at that
 * address too: a page from anywhere may have it POST, even under a name that it makes resolve to 127.0.0.1.
 * Browsers tell by these headers, and programs that speak AWS's protocol do not send them. */
static bool from_a_page(const struct http_request *req)
{
    return http_request_header(req, "Origin").p || http_request_header(req, "Sec-Fetch-Site").p ||
           !is_loopback(http_request_header(req, "Host"));
}

static void start(struct control *c, const struct http_request *req, const struct api_op *op,
                  const struct caller *caller)
{
    const struct account *a = accounts_of_caller(c->opts.accounts, caller->account, caller->access_key_id);
    auto_policy_vars vars = { 0 };
    struct api_asker who = { .region = caller->region,
                             .access_key = caller->access_key_id,
                             .key_policy = caller->policy,
                             .vars = &vars,
                             .authorize = caller->policy ? permission_check : NULL };

    if (!a)
        refuse(c, req, op, API_UNKNOWN_KEY, "The security token included in the request is invalid.");
    else if ((caller->policy && certvars_add_source(&vars, net_stream_peer(req->stream))) ||
             (caller->session && session_vars(caller->session, &vars)))
        refuse(c, req, op, API_UNAVAILABLE, "out of memory");
    else
        api_request_start(&a->parts, req, api_op_of_service(op, caller->service), &who);
}

/* Public paths may name the account they are about. */
static const struct account *account_of_path(const struct control *c, const struct http_request *req)
{
    const char *id = http_params_get(req->labels, "accountId");
    const struct account *a = id ? accounts_by_id(c->opts.accounts, id) : NULL;

    return a ? a : first(c);
}

static void on_request(void *ctx, struct http_request *req)
{
    struct control *c = ctx;
    const struct api_op *op = req->route->arg;
    struct caller caller;
    char why[CALLER_WHY_MAX];
    enum api_error error;

    if (op->flags & API_PUBLIC) {
        const struct account *a = account_of_path(c, req);
        struct api_asker nobody = { .region = a->env.region };
        api_request_start(&a->parts, req, op, &nobody);
        return;
    }
    if (c->opts.any_key && from_a_page(req)) {
        refuse(c, req, op, API_ACCESS_DENIED,
               "--insecure-dev takes no requests of web pages, and none for other hosts than localhost");
        return;
    }
    error = caller_identify(first(c)->env.crypto, c->opts.keys, c->opts.any_key, req, clock_wall_ms(),
                            &caller, why);
    if (error) {
        refuse(c, req, op, error, why);
        return;
    }
    start(c, req, op, &caller);
}

/* ---- Prometheus ---- */

/* Prometheus signs nothing: on a port without TLS, which is on loopback, it need not; but a page that made
 * its own name resolve to this machine reads nothing. Elsewhere an access key of the default account without
 * a policy. */
static bool may_read_metrics(struct control *c, const struct http_request *req)
{
    struct caller caller;
    char why[CALLER_WHY_MAX] = "metrics are for programs on this machine, or signed with an access key";
    enum api_error error = API_ACCESS_DENIED;

    if (!tls_stream_is_tls(req->stream)) {
        if (!from_a_page(req))
            return true;
    } else {
        error =
            caller_identify(first(c)->env.crypto, c->opts.keys, false, req, clock_wall_ms(), &caller, why);
        if (!error && (caller.policy || strcmp(caller.account, first(c)->env.account) != 0))
            error = API_ACCESS_DENIED;
    }
    if (error)
        refuse(c, req, NULL, error, why);
    return !error;
}

static void metrics(struct control *c, const struct http_request *req)
{
    const struct http_header type = { SLICE_LIT("Content-Type"),
                                      SLICE_LIT("text/plain; version=0.0.4; charset=utf-8") };
    autobuf text = BUF_INIT(METRICS_MAX);
    struct http_response resp = { .status = 200, .headers = &type, .header_count = 1 };

    if (!may_read_metrics(c, req))
        return;
    if (report_metrics(c->opts.report, &text)) {
        refuse(c, req, NULL, API_UNAVAILABLE, "out of memory");
        return;
    }
    resp.body = buf_slice(&text);
    (void)http_reply(req->server, req->token, &resp); /* the connection's trouble if it cannot be sent */
}

static void on_unknown(void *ctx, struct http_request *req)
{
    struct control *c = ctx;

    if (slice_eq(req->method, SLICE_LIT("GET")) && slice_eq(req->path, SLICE_LIT("/metrics"))) {
        metrics(c, req);
        return;
    }
    if (slice_eq(req->path, SLICE_LIT(MQTT_DOOR_PATH)))
        mqtt_door_knock(&c->opts, req, from_a_page(req));
    else
        refuse(c, req, NULL, API_UNKNOWN_OPERATION, "this server does not offer that operation");
}

static void on_recheck(void *ctx)
{
    struct control *c = ctx;

    net_timer_set(c->recheck, RECHECK_MS);
    mqtt_door_recheck(&c->opts);
}

err_t control_new(const struct control_opts *opts, struct control **ret)
{
    struct control *c = mem_calloc(1, sizeof(*c));
    struct http_server_opts so = { .ctx = c,
                                   .fallback = on_unknown,
                                   .max_body = BODY_MAX,
                                   .max_bodies = BODIES_MAX,
                                   .max_conns = CONNS_MAX };
    err_t e;

    if (!c)
        return ERR_NOMEM;
    c->opts = *opts;
    if (!(e = net_timer_new(opts->loop, on_recheck, c, &c->recheck)))
        e = api_ops_routes(API_CONTROL | API_PUBLIC, on_request, &c->routes, &so.route_count);
    if (!e) {
        so.routes = c->routes;
        e = http_server_new(opts->loop, &so, &c->server);
    }
    if (e) {
        control_free(c);
        return e;
    }
    net_timer_set(c->recheck, RECHECK_MS);
    *ret = c;
    return ERR_OK;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    net_timer_free(c->recheck);
    http_server_free(c->server);
    free(c->routes);
    free(c);
}

void control_adopt(struct control *c, struct net_stream *s)
{
    http_server_adopt(c->server, s);
}
