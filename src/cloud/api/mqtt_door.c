#include "cloud/api/mqtt_door.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/auth/caller.h"
#include "cloud/gateway/authorizer.h"
#include "cloud/gateway/authorizer_token.h"
#include "cloud/gateway/guest.h"
#include "http/websocket.h"

#include <stdio.h>

static const char *const protocols[] = { "mqtt", "mqttv3.1", NULL }; /* [MQTT-6.0.0-4]; older clients */

static struct account *first(const struct control_opts *o)
{
    return accounts_at(o->accounts, 0);
}

static void refuse(const struct control_opts *o, struct http_request *req, enum api_error error,
                   const char *why)
{
    log_info("websocket refused %s peer=%s: %s", api_error_info(error)->name, net_stream_peer(req->stream),
             why);
    api_request_refuse(&first(o)->parts, req, NULL, error, why);
}

static void refuse_handshake(const struct control_opts *o, struct http_request *req, err_t e, const char *why)
{
    const struct http_response upgrade = {
        .status = 426, .headers = &websocket_version_header, .header_count = 1, .close = true
    };

    if (e == ERR_UNSUPPORTED)
        (void)http_reply(req->server, req->token,
                         &upgrade); /* the connection's trouble if it cannot be sent */
    else
        refuse(o, req, e == ERR_INVALID ? API_INVALID_REQUEST : API_INTERNAL, why ? why : err_str(e));
}

/* A URL signed for something else is no ticket. */
static enum api_error identify(const struct control_opts *o, struct http_request *req, struct caller *who,
                               char why[CALLER_WHY_MAX])
{
    enum api_error error =
        caller_identify(first(o)->env.crypto, o->keys, o->any_key, req, clock_wall_ms(), who, why);

    if (error || strcmp(who->service, "iotdevicegateway") == 0 || strcmp(who->service, "iotdata") == 0)
        return error;
    (void)snprintf(why, CALLER_WHY_MAX,
                   "Credential should be scoped to correct service: 'iotdevicegateway'.");
    return API_INVALID_SIGNATURE;
}

static void let_in(struct account *a, struct http_request *req, const struct websocket_offer *offer,
                   const struct caller *who)
{
    struct guest_terms terms = { .id = who->access_key_id,
                                 .ttl_why = BROKER_WHY_WEBSOCKET_TTL,
                                 .by_key = !who->session };
    struct net_stream *s;
    err_t e = who->policy ? guest_policies(&who->policy, 1, &terms.facts) : guest_all(&terms.facts);

    if (!e)
        e = websocket_accept(req->server, req->token, offer, &s);
    else
        api_request_refuse(&a->parts, req, NULL, API_INTERNAL, "the key's policy cannot be read");
    if (e) {
        facts_done(&terms.facts);
        log_warn("websocket not opened: %s", err_str(e));
        return;
    }
    gateway_adopt_guest(a->gateway, s, &terms);
}

static bool is_there(void *ctx, const char *key_id)
{
    return access_keys_find(ctx, key_id) != NULL;
}

void mqtt_door_recheck(const struct control_opts *o)
{
    for (size_t i = 0; i < accounts_count(o->accounts) && !o->any_key; i++)
        gateway_recheck_keys(accounts_at(o->accounts, i)->gateway, is_there, o->keys);
}

/* ---- custom authorizers ---- */

/* Somebody who waits at the door until it is known that there is such an authorizer. */
struct knock {
    struct account *account;
    struct http_server *server;
    struct http_token token;
    struct websocket_offer offer;
    char *name; /* NULL: the default one */
    json_t *shown;
};

static void knock_free(struct knock *k)
{
    free(k->name);
    json_decref(k->shown);
    free(k);
}

static void open_door(struct knock *k)
{
    struct net_stream *s;
    err_t e = websocket_accept(k->server, k->token, &k->offer, &s);

    if (e)
        log_warn("websocket not opened: %s", err_str(e));
    else
        gateway_adopt_stranger(k->account->gateway, s, k->name, k->shown);
}

static void on_found(void *ctx, enum authorizer_outcome outcome, const struct authorizer_answer *answer,
                     const char *why)
{
    struct knock *k = ctx;

    (void)answer;
    if (outcome == AUTHORIZER_THERE) {
        open_door(k);
    } else if (outcome != AUTHORIZER_CANCELLED) {
        log_info("websocket refused: custom authorizer: %s", why);
        (void)http_reply_json(k->server, k->token, 403, SLICE_LIT("{\"message\":\"Forbidden\"}"));
    }
    knock_free(k);
}

static err_t show_request(const struct http_request *req, json_t *shown)
{
    json_t *http = json_object(), *headers = json_object();
    err_t e = ERR_OK;

    for (size_t i = 0; i < req->header_count && !e; i++) {
        autofree char *name = mem_str(req->headers[i].name);
        e = name && !json_object_set_new(
                        headers, name,
                        json_stringn((const char *)req->headers[i].value.p, req->headers[i].value.n))
                ? ERR_OK
                : ERR_NOMEM; /* or a value that is not UTF-8 */
    }
    if (!e &&
        (json_object_set(http, "headers", headers) ||
         json_object_set_new(http, "queryString",
                             json_stringn(req->query.n ? (const char *)req->query.p : "", req->query.n)) ||
         json_object_set(shown, "http", http)))
        e = ERR_NOMEM;
    json_decref(headers);
    json_decref(http);
    return e;
}

/* ID.NAME is that account, as on the device ports. */
static struct account *account_of_host(const struct control_opts *o, const struct http_request *req)
{
    autofree char *host = mem_str(http_request_header(req, "Host"));

    return host ? accounts_by_sni(o->accounts, host) : NULL;
}

static err_t ask_authorizer(const struct control_opts *o, const struct http_request *req, struct knock *k)
{
    struct authorizer_show show = { .shown = k->shown };
    err_t e;

    if (!(k->account = account_of_host(o, req)))
        return ERR_NOT_FOUND;
    if ((e = show_request(req, k->shown)))
        return e;
    show.name = k->name = authorizer_shown(k->shown, AUTHORIZER_NAME);
    return authorizer_find(gateway_authorizers(k->account->gateway), &show, on_found, k);
}

/* False: nobody was asked. */
static bool knock_without_key(const struct control_opts *o, struct http_request *req,
                              const struct websocket_offer *offer)
{
    struct knock *k = mem_calloc(1, sizeof(*k));

    if (!k)
        return false;
    *k =
        (struct knock){ .server = req->server, .token = req->token, .offer = *offer, .shown = json_object() };
    if (k->shown && !ask_authorizer(o, req, k))
        return true;
    knock_free(k);
    return false;
}

void mqtt_door_knock(const struct control_opts *o, struct http_request *req, bool page)
{
    struct websocket_offer offer;
    struct account *a;
    struct caller who;
    char why[CALLER_WHY_MAX];
    const char *wrong = NULL;
    enum api_error error;
    err_t e = websocket_offer(first(o)->env.crypto, req, protocols, &offer, &wrong);

    if (e) {
        refuse_handshake(o, req, e, wrong);
        return;
    }
    if (o->any_key && page) {
        refuse(o, req, API_ACCESS_DENIED, "--insecure-dev takes no connections of web pages");
        return;
    }
    error = identify(o, req, &who, why);
    if (error == API_MISSING_TOKEN && knock_without_key(o, req, &offer))
        return;
    if (error) {
        refuse(o, req, error, why);
        return;
    }
    if ((a = accounts_of_caller(o->accounts, who.account, who.access_key_id)))
        let_in(a, req, &offer, &who);
    else
        refuse(o, req, API_UNKNOWN_KEY, "The security token included in the request is invalid.");
}
