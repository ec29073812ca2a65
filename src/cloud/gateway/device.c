#include "cloud/gateway/device.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/api/ops.h"
#include "cloud/gateway/certvars.h"
#include "cloud/gateway/facts.h"
#include "http/uri.h"

#include <stdio.h>

#define RESOURCE_MAX 1024u
#define BODY_MAX (128u << 10) /* a message's payload */
#define CONNS_MAX 8192u
#define HEADERS_MAX 16384u       /* of an answer */
#define REPLIES_MAX (256u << 20) /* EC-9: functions' packages on their way to slow cores */

struct device {
    struct accounts *accounts;
    struct http_route *routes;
    struct http_server *server;
};

/* ---- on the database thread ---- */

/* Fill {labels} into the operation's resource; {label%} percent-encodes the value once more, as the core's
 * ARN is in the policy's words (EC-14); {/label} is a slash and the value, or nothing when it is absent. */
static err_t add_label(struct api_call *c, struct slice label, struct buf *out)
{
    bool encode = label.n && label.p[label.n - 1] == '%', optional = label.n && label.p[0] == '/';
    autofree char *name = mem_str(slice_skip(slice_head(label, label.n - encode), optional));
    const char *value = name ? api_param(c, name) : NULL;

    if (!value)
        return name && optional ? ERR_OK : ERR_NOT_FOUND;
    if (optional)
        return buf_printf(out, "/%s", value);
    return encode ? http_percent_encode(out, slice_str(value), false) : buf_add_str(out, value);
}

static err_t build_resource(struct api_call *c, const char *form, struct buf *out)
{
    err_t e = ERR_OK;

    while (*form && !e) {
        size_t n = strcspn(form, "{");
        e = buf_add_mem(out, form, n);
        form += n;
        if (!e && *form) {
            size_t len = strcspn(++form, "}");
            e = add_label(c, slice_of(form, len), out);
            form += len + 1;
        }
    }
    return e;
}

static err_t judge(struct api_call *c, const struct facts *f, const char *action, const struct buf *resource)
{
    char what[FACTS_WHERE_MAX];
    int where;

    if (facts_judge(f, c->env, &c->vars, action, buf_slice(resource), &where) == POLICY_ALLOW)
        return ERR_OK;
    facts_where(f, where, what);
    if (where >= 0)
        return api_fail(c, API_FORBIDDEN, "%s of certificate %s on %.200s is %s", action, c->cert_id,
                        buf_str(resource), what);
    return api_fail(c, API_FORBIDDEN, "no policy of certificate %s allows %s on %.200s", c->cert_id, action,
                    buf_str(resource));
}

static err_t judge_retain(struct api_call *c, const struct facts *f, const struct buf *resource)
{
    bool retain = false;
    err_t e = api_param_bool(c, "retain", &retain);

    return e || !retain ? e : judge(c, f, "iot:RetainPublish", resource);
}

static err_t load_facts(struct api_call *c, const char *client, enum domain_way way, struct facts *f)
{
    const char *server_name = policy_vars_first(&c->vars, SLICE_LIT("iot:DomainName"));
    err_t e = facts_load(c->db, c->cert_id, client, f);

    return e ? e : facts_take_domain(c->db, c->env, server_name ? server_name : "", way, f);
}

/* 403 for whatever is wrong: the peer has proven that it holds the key, so it may know what became of its
 * certificate. */
static err_t authorize(struct api_call *c)
{
    autobuf resource = BUF_INIT(RESOURCE_MAX);
    auto_facts f = { 0 };
    char why[FACTS_WHY_MAX];
    bool iot = strncmp(c->op->action, "iot:", 4) == 0; /* domain configurations are of that service */
    err_t e = iot ? load_facts(c, NULL, DOMAIN_HTTPS_CERT, &f) : facts_load(c->db, c->cert_id, NULL, &f);

    if (e)
        return e;
    if (!facts_admit(&f, c->cert_id, c->now_ms, why))
        return api_fail(c, API_FORBIDDEN, "%s", why);
    /* the form's service prefix is the action's own */
    if ((e = build_resource(c, strchr(c->op->resource, ':') + 1, &resource)))
        return e == ERR_NOMEM ? e : api_fail(c, API_FORBIDDEN, "the request names no resource");
    e = judge(c, &f, c->op->action, &resource);
    return !e && (c->op->flags & API_RETAIN) ? judge_retain(c, &f, &resource) : e;
}

err_t device_connection(struct api_call *c)
{
    const char *client = api_param(c, "clientId");
    autobuf resource = BUF_INIT(RESOURCE_MAX);
    auto_facts f = { 0 };
    char why[FACTS_WHY_MAX] = "";
    bool ok;
    err_t e;

    if (!client)
        return api_fail(c, API_INVALID_REQUEST, "clientId is required");
    if ((e = policy_vars_add(&c->vars, "iot:ClientId", slice_str(client))) ||
        (e = load_facts(c, client, DOMAIN_MQTT_CERT, &f)) || (e = buf_printf(&resource, "client/%s", client)))
        return e;
    ok = facts_admit(&f, c->cert_id, c->now_ms, why);
    if (ok && facts_judge(&f, c->env, &c->vars, "iot:Connect", buf_slice(&resource), NULL) != POLICY_ALLOW) {
        ok = false;
        (void)snprintf(why, sizeof(why),
                       "no policy of certificate %s (%zu attached) allows iot:Connect with this client id",
                       c->cert_id, f.n);
    }
    return api_reply(c, json_pack("{s:i,s:s,s:s,s:s,s:s}", "v", 1, "certificateId", c->cert_id, "status",
                                  f.status[0] ? f.status : "UNKNOWN", "connect", ok ? "allowed" : "refused",
                                  "message", why));
}

/* ---- on the loop ---- */

static err_t fill_vars(const struct http_request *req, const char *cert_id, const struct tls_identity *peer,
                       struct policy_vars *vars)
{
    struct slice sni = slice_str(peer->sni);
    err_t e = certvars_add(vars, cert_id, peer->cert);

    if (!e && sni.n)
        e = policy_vars_add(vars, "iot:DomainName", sni);
    return e ? e : certvars_add_source(vars, net_stream_peer(req->stream));
}

static void on_request(void *ctx, struct http_request *req)
{
    struct device *d = ctx;
    const struct api_op *op = req->route->arg;
    const struct tls_identity *peer = req->user;
    struct account *a = accounts_by_sni(d->accounts, peer->sni);
    auto_policy_vars vars = { 0 };
    char id[CRYPTO_SHA256_HEX];

    if (!a) {
        api_request_refuse(&accounts_at(d->accounts, 0)->parts, req, op, API_FORBIDDEN,
                           "the name in the TLS handshake is the endpoint of an account that is not here");
        return;
    }
    if (!peer->cert || crypto_cert_id(a->env.crypto, peer->cert, id) || fill_vars(req, id, peer, &vars)) {
        api_request_refuse(&a->parts, req, op, API_FORBIDDEN, "the client certificate cannot be read");
        return;
    }
    struct api_asker who = {
        .region = a->env.region, .cert_id = id, .vars = &vars, .authorize = op->action ? authorize : NULL
    };
    api_request_start(&a->parts, req, op, &who);
}

static void on_unknown(void *ctx, struct http_request *req)
{
    struct device *d = ctx;

    api_request_refuse(&accounts_at(d->accounts, 0)->parts, req, NULL, API_UNKNOWN_OPERATION,
                       "this server does not offer that operation to devices");
}

err_t device_new(struct accounts *accounts, struct net_loop *loop, struct device **ret)
{
    struct device *d = mem_calloc(1, sizeof(*d));
    struct http_server_opts so = { .ctx = d,
                                   .fallback = on_unknown,
                                   .max_body = BODY_MAX,
                                   .max_reply = API_REPLY_MAX + HEADERS_MAX,
                                   .max_replies = REPLIES_MAX,
                                   .max_conns = CONNS_MAX };
    err_t e;

    if (!d)
        return ERR_NOMEM;
    d->accounts = accounts;
    e = api_ops_routes(API_DEVICE, on_request, &d->routes, &so.route_count);
    if (!e) {
        so.routes = d->routes;
        e = http_server_new(loop, &so, &d->server);
    }
    if (e) {
        device_free(d);
        return e;
    }
    *ret = d;
    return ERR_OK;
}

void device_free(struct device *d)
{
    if (!d)
        return;
    http_server_free(d->server);
    free(d->routes);
    free(d);
}

static void identity_free(void *user)
{
    tls_identity_free(user);
}

void device_adopt(struct device *d, struct net_stream *s, struct tls_identity *id)
{
    http_server_adopt_for(d->server, s, id, identity_free);
}
