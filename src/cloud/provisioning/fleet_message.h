/* src/cloud/provisioning/fleet_message.h - the payloads of fleet provisioning, in JSON or CBOR. Pure; any
 * thread.
 *
 * Spec: iot-core reference 2.6.
 */
#pragma once
#include "base/json.h"

#define FLEET_MESSAGE_MAX (128u << 10)

/* A request's payload: an object of text keys; nothing at all is {}. ERR_INVALID: it is none, `why` (a
 * sentence, FLEET_WHY_MAX bytes) tells; ERR_NOMEM. */
#define FLEET_WHY_MAX 256u
err_t fleet_request_read(struct slice payload, bool cbor, json_t **ret, char why[FLEET_WHY_MAX]);

/* An answer: `members` and, unless it is empty, "privateKey". The key is written straight into `out` (which
 * should be secret) and passes through no other memory. ERR_TOO_BIG, ERR_NOMEM. */
err_t fleet_answer_write(struct buf *out, bool cbor, const json_t *members, struct slice private_pem);
