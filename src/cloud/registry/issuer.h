/* src/cloud/registry/issuer.h - which registered CA signed a certificate. On the database thread. */
#pragma once
#include "cloud/env.h"
#include "crypto/cert.h"
#include "db/db.h"

struct issuer {
    char ca_id[CRYPTO_SHA256_HEX];
    char status[32];            /* ACTIVE, INACTIVE */
    char mode[16];              /* DEFAULT, SNI_ONLY */
    char auto_registration[16]; /* ENABLE, DISABLE */
    int64_t not_before_ms, not_after_ms;
};

/* By its name, then by its signature: several CAs may share a name (iot-core reference 2.3). ERR_NOT_FOUND:
 * none of them. */
err_t issuer_find(const struct cloud_env *env, struct db *db, const X509 *cert, struct issuer *ret);
