/* src/cloud/provisioning/claims.h - provisioning claims: certificates of five minutes that a trusted user
 * hands to a device (CreateProvisioningClaim). They are not certificates of the registry: no policy, no
 * thing, no list has them. On the database thread.
 *
 * Spec: iot-core reference 2.6, docs/spec/fleet.md FP-30..32.
 */
#pragma once
#include "cloud/gateway/facts.h"

#define CLAIM_LIFE_MS 300000

/* What a connection with this certificate may do: fleet provisioning with its one template. ERR_NOT_FOUND: it
 * is no claim. */
err_t claim_facts(struct db *db, const char *cert_id, struct facts *f);
