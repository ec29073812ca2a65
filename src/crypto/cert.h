/* src/crypto/cert.h - read, name and check X.509 certificates. Any thread. Spec: RFC 5280.
 *
 * A certificate is OpenSSL's X509 (auto_x509), a list STACK_OF(X509) (auto_x509_stack).
 */
#pragma once
#include "base/buf.h"
#include "crypto/digest.h"
#include "crypto/error.h"
#include "crypto/own.h"
#include "crypto/process.h"

#define CRYPTO_CERT_MAX 65536 /* PEM bytes of one certificate or chain file we are willing to read */

/* The first certificate in PEM text; anything before or after it is skipped as OpenSSL does. ERR_INVALID. */
err_t crypto_cert_parse_pem(const struct crypto_ctx *ctx, struct slice pem, X509 **ret,
                            struct crypto_error *why);
/* All certificates in PEM text, in order, at least one, at most `max` (ERR_TOO_BIG). ERR_INVALID. */
err_t crypto_chain_parse_pem(const struct crypto_ctx *ctx, struct slice pem, int max, STACK_OF(X509) **ret,
                             struct crypto_error *why);
/* The same from a file named by a path or a file:// URI. ERR_NOT_FOUND, ERR_DENIED, ERR_IO, ERR_INVALID. */
err_t crypto_cert_load(const struct crypto_ctx *ctx, const char *path, X509 **ret, struct crypto_error *why);
err_t crypto_chain_load(const struct crypto_ctx *ctx, const char *path, int max, STACK_OF(X509) **ret,
                        struct crypto_error *why);
/* From DER, all bytes used. ERR_INVALID. */
err_t crypto_cert_parse_der(const struct crypto_ctx *ctx, struct slice der, X509 **ret);

err_t crypto_cert_pem(const X509 *cert, struct buf *out);
err_t crypto_cert_der(const X509 *cert, struct buf *out);

/* The path in a file:// URI or the text itself when it has no scheme: borrowed from `uri`.
 * file:///p, file://localhost/p and file:/p; percent escapes are not undone (V1 does not write any). NULL:
 * not a file. */
const char *crypto_file_path(const char *uri);

/* certificateId: lower-case hex SHA-256 of the DER. */
err_t crypto_cert_id(const struct crypto_ctx *ctx, const X509 *cert, char ret[CRYPTO_SHA256_HEX]);
/* A name for looking up the issuer among registered CAs: lower-case hex SHA-256 of the
 * DER of the subject or issuer name. Only a name: check the signature with crypto_cert_issued_by. */
err_t crypto_cert_subject_hash(const struct crypto_ctx *ctx, const X509 *cert, char ret[CRYPTO_SHA256_HEX]);
err_t crypto_cert_issuer_hash(const struct crypto_ctx *ctx, const X509 *cert, char ret[CRYPTO_SHA256_HEX]);
/* Text of the names (RFC 2253) and lower-case hex of the serial number, appended. */
err_t crypto_cert_subject_text(const X509 *cert, struct buf *out);
err_t crypto_cert_issuer_text(const X509 *cert, struct buf *out);
err_t crypto_cert_serial_hex(const X509 *cert, struct buf *out);
/* The subject's last common name, UTF-8. ERR_NOT_FOUND; ERR_TOO_BIG; ERR_INVALID when it holds a NUL. */
err_t crypto_cert_common_name(const X509 *cert, char *out, size_t room);
/* Milliseconds since 1970. ERR_INVALID: the certificate holds no readable time. */
err_t crypto_cert_validity(const X509 *cert, int64_t *ret_not_before_ms, int64_t *ret_not_after_ms);
bool crypto_cert_is_ca(const X509 *cert); /* basicConstraints CA:TRUE and, if present, keyUsage keyCertSign */
/* The public key, a new reference. ERR_CRYPTO. */
err_t crypto_cert_public_key(const X509 *cert, EVP_PKEY **ret);

enum crypto_time_check { CRYPTO_TIME_OK, CRYPTO_TIME_NOT_YET, CRYPTO_TIME_EXPIRED };
enum crypto_time_check crypto_cert_time_check(const X509 *cert, int64_t now_ms);

/* Does this private key belong to this certificate? Compares public parts: no private operation.
 * ERR_CONFLICT when not, with a text that names both sides' kinds. */
err_t crypto_cert_matches_key(const X509 *cert, const EVP_PKEY *key, struct crypto_error *why);

/* Did `issuer` sign `cert`? By name and signature only (dates and chain are not looked at).
 * ERR_CONFLICT: other name; ERR_AUTH: same name, other key. */
err_t crypto_cert_issued_by(const X509 *cert, const X509 *issuer);

#define CRYPTO_EKU_SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define CRYPTO_EKU_CLIENT_AUTH "1.3.6.1.5.5.7.3.2"
#define CRYPTO_EKU_CODE_SIGNING "1.3.6.1.5.5.7.3.3"

/* Is `leaf` good at `now_ms` for the purpose `eku` (dotted OID; the extension must be there and name it;
 * NULL: no demand), with a chain through `untrusted` (may be NULL) to one of `roots`?
 * ERR_AUTH with the reason in *why; ERR_NOMEM. */
err_t crypto_cert_verify(const struct crypto_ctx *ctx, const X509 *leaf, STACK_OF(X509) *untrusted,
                         STACK_OF(X509) *roots, const char *eku, int64_t now_ms, struct crypto_error *why);
