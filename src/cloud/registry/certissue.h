/* src/cloud/registry/certissue.h - signing a certificate for a key and keeping it: what the API and fleet
 * provisioning share. On the database thread.
 */
#pragma once
#include "cloud/registry/certrow.h"
#include "crypto/issue.h"

/* Sign for this key and store. csr: its subject is taken; NULL: the service's own. status NULL: as the
 * query's setAsActive says. InvalidRequestException, ServiceUnavailableException. *ret is to be freed in
 * every case. */
err_t certificate_issue(struct api_call *c, EVP_PKEY *key, X509_REQ *csr, const char *status,
                        struct cert_row *ret);
/* The same for the certificateSigningRequest of the body, which is checked. */
err_t certificate_issue_csr(struct api_call *c, const char *status, struct cert_row *ret);

/* What to tell of a certificate that the CA's key did not sign: ServiceUnavailableException, and a line in
 * the log, for a token that does not answer; else `e`. */
err_t certificate_not_signed(struct api_call *c, err_t e, const struct crypto_error *why);

/* The answer with c's new key pair, written by hand into wiped memory: jansson would leave copies of the
 * private key behind. expires_ms: an "expiration" besides, unless 0. */
err_t certificate_reply_with_key(struct api_call *c, const struct cert_row *r, int64_t expires_ms);
