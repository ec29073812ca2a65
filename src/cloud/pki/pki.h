/* src/cloud/pki/pki.h - the installation's own certificates, and the only place that mints any.
 *
 * Files in DIR/pki, keys 0600: ca (the device CA, self-signed), server (TLS, names from --host, made anew
 * when these change or it comes near its end), signing (code signing, for deployment documents:
 * docs/spec/edge-cloud.md EC-7). The keys of ca and signing may be elsewhere, in a token too; then signing
 * takes as long as the token does, so it belongs to the database's thread and never to a loop. pki_open does
 * I/O; afterwards the object is constant and safe from any thread, but for the server's pair: that is the
 * home loop's.
 */
#pragma once
#include "base/buf.h"
#include "crypto/digest.h"
#include "crypto/error.h"
#include "crypto/own.h"
#include "crypto/process.h"

struct pki;

struct pki_opts {
    const char *dir;
    const char *hosts; /* the value of --host */
    const char *ca_key,
        *signing_key; /* URIs as crypto_key_load takes without settings; NULL: files in `dir` */
};

/* Load what is there, make what is missing: certificates, and keys in `dir`. Other keys must be there. The
 * signing key is a P-256 one (EC-6).
 * ERR_INVALID, ERR_CONFLICT, ERR_DENIED, ERR_AUTH, ERR_IO ...: *why names the file or the key and what to do.
 */
err_t pki_open(const struct crypto_ctx *crypto, const struct pki_opts *opts, int64_t now_ms, struct pki **ret,
               struct crypto_error *why);
void pki_free(struct pki *p); /* NULL is fine */

struct slice pki_root_pem(const struct pki *p);   /* lives as long as p */
const char *pki_root_sha256(const struct pki *p); /* lower-case hex of the DER */
X509 *pki_server_cert(const struct pki *p);       /* borrowed */
EVP_PKEY *pki_server_key(const struct pki *p);
/* The server's pair as it is in its files now, made anew where pki_open would. I/O of some milliseconds. On
 * failure the old pair stays, and *why says what to do; errors of pki_open. */
err_t pki_renew_server(struct pki *p, int64_t now_ms, struct crypto_error *why);

/* A client certificate for `subject_key`, ending 2049-12-31 as the service's do. csr: take its subject; NULL:
 * the service's own subject. ERR_INVALID: a subject we cannot copy; ERR_UNAVAILABLE: the CA's key is in a
 * token that does not answer; ERR_CRYPTO. */
err_t pki_issue_device(const struct pki *p, EVP_PKEY *subject_key, X509_REQ *csr, int64_t now_ms, X509 **ret,
                       struct crypto_error *why);

/* A provisioning claim: the same until `end_ms`. */
err_t pki_issue_claim(const struct pki *p, EVP_PKEY *subject_key, int64_t now_ms, int64_t end_ms, X509 **ret,
                      struct crypto_error *why);

/* EC-6: sign `payload` with the deployment key. Appends the DER signature. ERR_UNAVAILABLE,
 * ERR_CRYPTO. */
err_t pki_sign_deployment(const struct pki *p, struct slice payload, struct buf *signature);
struct slice pki_signing_pem(const struct pki *p);
