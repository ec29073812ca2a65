/* src/crypto/issue.h - make certificates and signing requests. Any thread. Spec: RFC 5280, RFC 2986.
 *
 * Mechanism only: who may have which certificate is the business of cloud/pki, the one caller that mints.
 */
#pragma once
#include "crypto/cert.h"
#include "crypto/key.h"

enum crypto_cert_kind {
    CRYPTO_CERT_CA,           /* basicConstraints CA:TRUE, keyCertSign and cRLSign */
    CRYPTO_CERT_SERVER,       /* serverAuth, subjectAltName */
    CRYPTO_CERT_CLIENT,       /* clientAuth */
    CRYPTO_CERT_CODE_SIGNING, /* codeSigning */
};

struct crypto_cert_spec {
    enum crypto_cert_kind kind;
    const char *common_name;         /* UTF-8; may be NULL when subject_from is given */
    const char *organization;        /* NULL: none */
    const char *organizational_unit; /* NULL: none */
    X509_REQ *subject_from;          /* take the whole subject from this request instead; NULL: not */
    const char *const *san;          /* host names and literal IP addresses */
    size_t san_count;
    int64_t not_before_ms;
    int64_t not_after_ms;
    struct slice serial; /* big endian, at most 20 bytes, positive; empty: 127 random bits */
};

/* A v3 certificate for `subject_key` (its public part is enough), signed with SHA-256 by `issuer_key` in
 * the name of `issuer`; issuer NULL: self-signed, issuer_key being the subject's private key.
 * Leaf certificates carry basicConstraints CA:FALSE, key identifiers and critical key usage.
 * ERR_INVALID: a text is not UTF-8 or too long (64 for names), a SAN is neither, dates are reversed or
 * outlive the year 9999; ERR_CONFLICT: issuer_key is not issuer's; ERR_CRYPTO. */
err_t crypto_cert_issue(const struct crypto_ctx *ctx, const struct crypto_cert_spec *spec,
                        EVP_PKEY *subject_key, const X509 *issuer, EVP_PKEY *issuer_key, X509 **ret,
                        struct crypto_error *why);

/* A signing request for `key`, signed with it (SHA-256), appended as PEM. The key may live in a token: it
 * signs once. ERR_INVALID: the name is not UTF-8 or longer than 64; ERR_UNAVAILABLE: a token's key did not
 * sign. */
err_t crypto_csr_make(const struct crypto_ctx *ctx, EVP_PKEY *key, const char *common_name, struct buf *out,
                      struct crypto_error *why);
/* A signing request in PEM whose own signature verifies. ERR_INVALID; ERR_AUTH: signature wrong. */
err_t crypto_csr_parse_pem(const struct crypto_ctx *ctx, struct slice pem, X509_REQ **ret,
                           struct crypto_error *why);
err_t crypto_csr_public_key(X509_REQ *csr, EVP_PKEY **ret); /* new reference */
