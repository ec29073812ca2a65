/* src/cloud/gateway/reserved.h - the topics below $aws/: what they are, whose they are, who may do what
 * there.
 *
 * One table (reserved.c), pure but for the registration. A client publishes only where a service of this
 * server has registered itself for the table's rows, and subscribes only where the table has something to
 * hear. Spec: iot-core reference 1.4, 1.6; docs/spec/cloud.md CL-105.
 */
#pragma once
#include "broker/broker.h"

enum reserved_owner {
    RESERVED_NOBODY, /* a topic of the reference whose service is not there: nobody publishes, who likes may
                        wait */
    RESERVED_EVENTS, /* the server's own messages */
    RESERVED_SHADOWS,
    RESERVED_PROVISIONING,
};

/* A service takes what clients publish on its rows. Before the first connection; errors of broker_intercept.
 */
err_t reserved_register(struct broker *b, enum reserved_owner owner, broker_intercept_fn fn, void *ctx);

/* Is there a topic with something to hear that `filter` matches? Filters that do not begin with $aws/ are
 * nobody's business here: true. $share/GROUP/ is looked through. */
bool reserved_may_subscribe(struct slice filter);
