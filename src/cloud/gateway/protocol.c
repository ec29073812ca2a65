#include "cloud/gateway/protocol.h"

#include "base/log.h"
#include "cloud/gateway/guest.h"
#include "cloud/gateway/mqtt.h"

#include <string.h>

#define ALPN_MQTT "x-amzn-mqtt-ca"
#define ALPN_STRANGERS "mqtt"
#define ALPN_HTTPS "x-amzn-http-ca"

const struct tls_alpn protocol_alpn[PROTOCOL_COUNT] = {
    { ALPN_MQTT, TLS_CLIENT_CERT_REQUIRE },
    { ALPN_STRANGERS, TLS_CLIENT_CERT_REQUEST },
    { ALPN_HTTPS, TLS_CLIENT_CERT_REQUIRE },
};

static void let_go(struct net_stream *s, struct tls_identity *id)
{
    tls_identity_free(id);
    net_stream_free(s);
}

/* Without a certificate: what CONNECT shows is for the account's authorizers. Takes both. */
static void adopt_stranger(struct account *a, struct net_stream *s, struct tls_identity *id)
{
    json_t *shown = json_pack("{s:{s:s}}", "tls", "serverName", id->sni);

    if (shown) {
        gateway_adopt_stranger(a->gateway, s, NULL, shown);
        tls_identity_free(id);
    } else {
        log_warn("mqtt peer=%s: the name in its TLS handshake is not UTF-8", net_stream_peer(s));
        let_go(s, id);
    }
    json_decref(shown);
}

static void to_mqtt(const struct protocols *p, struct net_stream *s, struct tls_identity *id)
{
    struct account *a = accounts_by_sni(p->accounts, id->sni);

    if (!a) {
        log_warn("mqtt peer=%s: it asked for the endpoint of an account that is not here",
                 net_stream_peer(s));
        let_go(s, id);
    } else if (!id->cert && strcmp(id->alpn, ALPN_STRANGERS) == 0) {
        adopt_stranger(a, s, id);
    } else {
        gateway_adopt(a->gateway, s, id);
    }
}

static void to_https(const struct protocols *p, struct net_stream *s, struct tls_identity *id)
{
    device_adopt(p->device, s, id);
}

static const struct {
    const char *alpn;
    void (*to)(const struct protocols *p, struct net_stream *s, struct tls_identity *id);
} chosen[] = { { ALPN_MQTT, to_mqtt }, { ALPN_STRANGERS, to_mqtt }, { ALPN_HTTPS, to_https } };

/* True: taken. */
static bool by_alpn(const struct protocols *p, struct net_stream *s, struct tls_identity *id)
{
    for (size_t i = 0; i < ARRAY_LEN(chosen); i++) {
        if (strcmp(chosen[i].alpn, id->alpn) == 0) {
            chosen[i].to(p, s, id);
            return true;
        }
    }
    return false;
}

void protocol_on_mqtt_port(void *ctx, struct net_stream *s, struct tls_identity *id)
{
    if (!by_alpn(ctx, s, id))
        to_mqtt(ctx, s, id);
}

void protocol_on_https_port(void *ctx, struct net_stream *s, struct tls_identity *id)
{
    if (!by_alpn(ctx, s, id))
        to_https(ctx, s, id);
}
