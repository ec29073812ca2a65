/* src/edge/function/context.h - the client context of an invocation: base64 of JSON, from and for functions.
 *
 * Pure; any thread. Spec: greengrass-v1 reference 4.4, 4.6; docs/spec/functions.md (router).
 */
#pragma once
#include "base/buf.h"

#define CLIENT_CONTEXT_MAX 8192 /* in base64 */

/* What the core's own functions look at; NULL: not there. */
struct client_context {
    char *subject;           /* custom.subject */
    char *queue_full_policy; /* custom.queueFullPolicy */
};

/* An empty text has no members. ERR_INVALID: not base64, not a JSON object, a member of another type.
 * ERR_TOO_BIG, ERR_NOMEM. */
err_t client_context_parse(struct slice base64, struct client_context *ret);
void client_context_done(struct client_context *c);
#define auto_client_context __attribute__((cleanup(client_context_done))) struct client_context

/* Append base64 of {"custom":{"subject":TOPIC}}. `topic` is UTF-8. ERR_NOMEM, ERR_TOO_BIG. */
err_t client_context_write(struct buf *out, const char *topic);
