/* src/cloud/gateway/dataplane.h - the REST side of MQTT: publish, retained messages, connections.
 *
 * Each operation has two halves: the first runs on the database thread as every handler does (api/call.h), so
 * that the caller is judged by the registry as it stands; the second (api_op.after) runs on the loop, where
 * the broker is. Spec: iot-core reference 1.7, 4.4; docs/spec/cloud.md CL-94..98.
 */
#pragma once
#include "cloud/api/call.h"

err_t data_check(struct api_call *c); /* the first half of all of them but publish */
err_t data_publish_check(struct api_call *c);

err_t data_publish(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
err_t data_retained_get(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
err_t data_retained_list(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
err_t data_connection_get(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
err_t data_connection_subscriptions(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
err_t data_connection_delete(struct api_call *c, struct gateway *gw, api_late_fn late, void *ctx);
