/* src/cloud/gateway/gateway_impl.h - the gateway's inside, for gateway/mqtt.c and gateway/principal.c. */
#pragma once
#include "cloud/gateway/authorizer.h"
#include "cloud/gateway/mqtt.h"
#include "cloud/gateway/principal.h"
#include "cloud/provisioning/admission.h"
#include "cloud/shadows/mqtt.h"

struct gateway {
    const struct cloud_env *env;
    struct net_loop *loop;
    struct store *store;
    struct journal *journal;
    struct broker *broker;
    struct lifecycle *lifecycle;
    struct shadows_service shadows;
    struct principal *principals;
    struct admission *admission;     /* NULL: none */
    struct authorizers *authorizers; /* NULL: none */
    struct loglimit refused_log;     /* CONNECTs */
    struct loglimit throttled_log;   /* rates */
    int64_t websocket_ms;            /* the longest life of a guest's connection */
    bool closing;
};
