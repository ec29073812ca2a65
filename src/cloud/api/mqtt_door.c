#include "cloud/api/mqtt_door.h"

#include "base/clock.h"
#include "base/log.h"
#include "cloud/auth/caller.h"
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
                                 .ttl_ms = GUEST_WEBSOCKET_MS,
                                 .ttl_why = BROKER_WHY_WEBSOCKET_TTL };
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
    if ((error = identify(o, req, &who, why))) {
        refuse(o, req, error, why);
        return;
    }
    if ((a = accounts_of_caller(o->accounts, who.account, who.access_key_id)))
        let_in(a, req, &offer, &who);
    else
        refuse(o, req, API_UNKNOWN_KEY, "The security token included in the request is invalid.");
}
