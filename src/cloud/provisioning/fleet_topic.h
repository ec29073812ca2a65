/* src/cloud/provisioning/fleet_topic.h - the topics of fleet provisioning. Pure; any thread.
 *
 * Spec: iot-core reference 1.6, 2.6.
 */
#pragma once
#include "base/buf.h"

/* All topics of the service: what is no request below them is a misuse. */
#define FLEET_FILTER_CERTIFICATES "$aws/certificates/#"
#define FLEET_FILTER_TEMPLATES "$aws/provisioning-templates/#"

enum fleet_op { FLEET_CREATE_KEYS, FLEET_CREATE_CSR, FLEET_REGISTER };

struct fleet_topic {
    enum fleet_op op;
    bool cbor;
    struct slice template; /* FLEET_REGISTER: its name, not checked; points into the topic */
};

/* A request's topic. ERR_INVALID: it is none. */
err_t fleet_topic_parse(struct slice topic, struct fleet_topic *ret);
