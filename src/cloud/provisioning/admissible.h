/* src/cloud/provisioning/admissible.h - may a certificate that is not registered register itself by
 * connecting? On the database thread. Spec: iot-core reference 2.2, 2.4, docs/spec/provisioning.md PV-30..36.
 */
#pragma once
#include "base/json.h"
#include "cloud/env.h"
#include "cloud/registry/issuer.h"

#define ADMISSIBLE_WHY_MAX 512u
#define ADMISSIBLE_DER_MAX 16384u /* bytes of a certificate */

struct admissible {
    struct issuer issuer; /* the registered CA that signed it */
    bool registered;      /* already, as PENDING_ACTIVATION */
    int64_t registered_ms;
    json_t *config; /* the CA's registrationConfig, NULL without: owned */
};
void admissible_done(struct admissible *a);
#define auto_admissible __attribute__((cleanup(admissible_done))) struct admissible

/* A leaf of a registered CA that is ACTIVE and registers automatically, its signature verified, within its
 * dates, with a key and a signature that are strong enough. ERR_DENIED: not this one, `why` says why not and
 * what to do. Anything else: the database or memory. Writes nothing. */
err_t admissible_find(const struct cloud_env *env, struct db *db, const X509 *cert, const char *id,
                      int64_t now_ms, struct admissible *ret, char why[ADMISSIBLE_WHY_MAX]);

/* What the certificate alone has against it: size, dates, key, signature, being a CA's. Pure. ERR_OK,
 * ERR_DENIED with `why`. */
err_t admissible_certificate(const X509 *cert, int64_t now_ms, char why[ADMISSIBLE_WHY_MAX]);
