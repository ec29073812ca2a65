/* src/cloud/api/mqtt_door.h - GET /mqtt on the control port: MQTT over WebSocket for callers with access keys
 * and for whom custom authorizers let in. The loop's thread.
 *
 * A signed URL counts for the connect only; the connection ends when its key is deleted (mqtt_door_recheck).
 * A page of any origin may connect: nothing that a browser adds by itself lets anybody in, only a signature
 * or a token that the page has. Under --insecure-dev, which believes everybody, pages are refused. Spec:
 * iot-core reference 9.5, docs/spec/cloud.md CL-100..104.
 */
#pragma once
#include "cloud/api/control.h"

#define MQTT_DOOR_PATH "/mqtt"

/* Answers the request in every case. `page`: a browser's page asks. */
void mqtt_door_knock(const struct control_opts *opts, struct http_request *req, bool page);
/* End what was let in with access keys that have been deleted since. */
void mqtt_door_recheck(const struct control_opts *opts);
