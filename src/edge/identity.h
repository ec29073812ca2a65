/* src/edge/identity.h - who this core is: certificate, private key, the CAs it trusts, and whether they fit
 * together.
 *
 * Blocking I/O (files, the token): before the loop runs. One thread at a time.
 * Spec: greengrass-v1 reference 1.4.
 */
#pragma once
#include "crypto/cert.h"
#include "crypto/key.h"
#include "edge/config.h"

struct identity {
    STACK_OF(X509) *certs; /* ours first, then its chain */
    STACK_OF(X509) *roots; /* every certificate of the CA file */
    EVP_PKEY *key;         /* of IoTCertificate */
    EVP_PKEY *secret_key;  /* of SecretsManager; a second reference to `key` when none is configured */
    EVP_PKEY *mqtt_key;    /* of MQTTServerCertificate, or NULL */
    char fingerprint[CRYPTO_SHA256_HEX];
};

void identity_done(struct identity *id);

/* Load and check everything: certificates readable and in their validity, keys there, of kinds V1 takes, key
 * and certificate a pair. No private operation is made. ERR_UNAVAILABLE  the token does not answer, or the
 * clock is behind the certificate's start: try again later anything else    a mistake in the configuration, a
 * wrong PIN, an expired certificate: the core must not run *why is filled in every case. */
err_t identity_load(const struct crypto_ctx *ctx, const struct config *c, int64_t now_ms,
                    struct identity *ret, struct problem *why);

X509 *identity_cert(const struct identity *id);
/* A key in a token that may know PKCS#1 v1.5 only: TLS must not choose RSA-PSS, and so not TLS 1.3. NULL: no
 * restriction. */
const char *identity_sigalgs(const struct identity *id);
