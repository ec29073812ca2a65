/* src/cloud/registry/certrow.h - certificates and CAs as the database keeps them. On the database thread. */
#pragma once
#include "cloud/api/call.h"
#include "crypto/cert.h"

struct cert_row {
    char id[CRYPTO_SHA256_HEX];
    char ca_id[CRYPTO_SHA256_HEX]; /* "" when there is none */
    char status[32];
    char mode[16];              /* DEFAULT, SNI_ONLY */
    char auto_registration[16]; /* CAs: ENABLE, DISABLE */
    char generation[64];
    char *pem;
    int64_t revision, created_ms, modified_ms, not_before_ms, not_after_ms;
};

void cert_row_done(struct cert_row *r);
#define auto_cert_row __attribute__((cleanup(cert_row_done))) struct cert_row

/* ERR_NOT_FOUND. *ret is to be freed in every case. */
err_t cert_row_load(struct db *db, const char *id, struct cert_row *ret);
err_t ca_row_load(struct db *db, const char *id, struct cert_row *ret);

/* Fill id, pem, dates and generation from a certificate; the rest is the caller's. */
err_t cert_row_from(const struct api_call *c, X509 *cert, struct cert_row *ret);

/* Insert into certificates; CERTIFICATE events tell it. Errors of db_run. */
err_t cert_row_store(struct api_call *c, const struct cert_row *r);
/* ACTIVE or INACTIVE, as the query's setAsActive says. InvalidRequestException. */
err_t cert_row_set_status(struct api_call *c, struct cert_row *r);
/* The answer to whoever made or registered it. */
err_t cert_row_reply(struct api_call *c, const struct cert_row *r, bool with_pem);

/* The answer of Describe...: a new object, or NULL. */
json_t *cert_row_describe(const struct api_call *c, const struct cert_row *r);

/* Read a PEM member of the body: CertificateValidationException when it is not a certificate. */
err_t cert_from_body(struct api_call *c, const char *member, X509 **ret);
/* Dates and key of a certificate that is to be registered (2.2): CertificateValidationException. */
err_t cert_check_usable(struct api_call *c, const X509 *cert);
