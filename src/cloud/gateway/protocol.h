/* src/cloud/gateway/protocol.h - which protocol a device's connection gets: what it chose by ALPN, on either
 * port, else the port's own. The home loop's thread.
 *
 * `x-amzn-mqtt-ca` and `mqtt` are MQTT, `x-amzn-http-ca` is HTTPS. With `mqtt` a certificate may be missing:
 * then a custom authorizer decides at CONNECT. Spec: iot-core reference 1.2, docs/spec/cloud.md CL-31,
 * CL-170.
 */
#pragma once
#include "cloud/accounts.h"
#include "cloud/gateway/device.h"
#include "tls/context.h"

/* For tls_server_opts, on both ports. */
#define PROTOCOL_COUNT 3u
extern const struct tls_alpn protocol_alpn[PROTOCOL_COUNT];

/* Who serves; borrowed. */
struct protocols {
    struct accounts *accounts;
    struct device *device;
};

/* front_fn of the two ports, ctx: struct protocols. They take both. */
void protocol_on_mqtt_port(void *ctx, struct net_stream *s, struct tls_identity *id);
void protocol_on_https_port(void *ctx, struct net_stream *s, struct tls_identity *id);
