/* src/cloud/shadows/mqtt.h - the shadow service on its reserved topics. The loop's thread.
 *
 * A request is acknowledged, and its answers are published, after the commit (docs/spec/cloud.md CL-40).
 */
#pragma once
#include "broker/broker.h"
#include "cloud/store.h"
#include "shadow/shadow.h"

struct shadows_service {
    struct broker *broker;
    struct store *store;
    struct net_loop *loop;
};

/* Before the first connection. ERR_NOMEM. `svc` must outlive the broker. */
err_t shadows_mqtt_register(struct shadows_service *svc);

/* Publish what a request led to, in its order. `name` "" is the classic shadow. */
void shadows_publish(struct broker *b, const char *thing, const char *name, enum shadow_op op,
                     const struct shadow_result *result);
