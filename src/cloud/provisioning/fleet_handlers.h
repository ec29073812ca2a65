/* src/cloud/provisioning/fleet_handlers.h - what the requests of fleet provisioning do in the database, as
 * handlers (api/call.h). c->cert_id is the principal that asks; c->body what it sent.
 *
 * Errors and what they are on the wire: fleet.c. Spec: iot-core reference 2.6, docs/spec/fleet.md FP-1..9.
 */
#pragma once
#include "cloud/api/call.h"

/* A certificate for c->key_public, PENDING_ACTIVATION: {certificateId, certificatePem,
 * certificateOwnershipToken}. */
err_t fleet_create_keys(struct api_call *c);
/* The same for a CSR. */
err_t fleet_create_csr(struct api_call *c);

/* Parameter templateName, and clientId for the hook. {thingName, deviceConfiguration}; or, where the template
 * has a hook and FLEET_HOOK_DONE does not say that this one was asked: {hookTarget, hookEvent}, and nothing
 * was done yet. FLEET_OVERRIDES of the body holds parameters that the hook gave. */
#define FLEET_HOOK_DONE "hookDone"
#define FLEET_OVERRIDES "parameterOverrides"
err_t fleet_register(struct api_call *c);
