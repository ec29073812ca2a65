/* src/crypto/key.h - private and public keys: load from a URI, generate, write, take apart, sign.
 *
 * Any thread for the calls; one EVP_PKEY may be used by several threads for signing as OpenSSL allows,
 * but a key in a token signs slowly: never on a loop thread (the design's signing thread).
 * A key is OpenSSL's EVP_PKEY; free with EVP_PKEY_free (auto_pkey of crypto/own.h).
 */
#pragma once
#include "base/buf.h"
#include "crypto/error.h"
#include "crypto/own.h"
#include "crypto/process.h"

/* Where keys named by pkcs11: URIs live: the members of config.json's crypto.PKCS11. Borrowed for the call.
 */
struct crypto_token {
    const char *module_path; /* P11Provider: absolute path of the Cryptoki module */
    const char *slot_label;  /* slotLabel: CK_TOKEN_INFO.label without its blanks */
    const char *pin;         /* slotUserPin; never logged, never put into a URI */
};

/* Load the private key that `uri` names:
 *   file:///path      a PEM private key (PKCS#8, PKCS#1 or SEC1, not encrypted) in a regular file that
 *                     belongs to root or the caller and is closed to others;
 *   pkcs11:object=L;type=private
 *                     the key with that label in `token`, through libp11's engine. The private part
 *                     stays in the token; this result only knows how to ask for signatures.
 * token may be NULL when uri is a file: URI, or one that says itself where its token is (RFC 7512 §2.4):
 *   pkcs11:token=T;object=L;type=private?module-path=/M.so&pin-source=/FILE
 *                     FILE is private as a key's and holds the PIN in its first line.
 * Otherwise module-path and pin-source are ignored. The result lives as long as the caller likes; a token's
 * module stays loaded until the process ends, and is the only one this process can have keys in. A warning
 * (unknown URI attributes) is left in why->warning also on success.
 *
 * Errors, each with a text in *why that names the module, slot label, key label and CKR_ code:
 * ERR_INVALID      the URI, the token's members or the file's contents are wrong; token= in the URI is
 * another label ERR_NOT_FOUND    no such file; module file missing; no slot with that label; no such object
 * ERR_DENIED       the file is open to others or not readable
 * ERR_AUTH         wrong PIN, or the PIN is locked. Fatal: never try again with this PIN (it would lock the
 *                  token). A second call with a PIN that was refused in this process fails at once.
 * ERR_UNAVAILABLE  the token or its bus does not answer now: retry later
 * ERR_UNSUPPORTED  the engine package is not installed, the module cannot be loaded or is a second one,
 *                  the scheme is unknown
 * ERR_CRYPTO, ERR_NOMEM, ERR_IO */
err_t crypto_key_load(const struct crypto_ctx *ctx, const char *uri, const struct crypto_token *token,
                      EVP_PKEY **ret, struct crypto_error *why);

/* NULL for a key in this process's memory, otherwise an identity that all keys of one token share (the
 * signing thread to hand it to). Not to be dereferenced. */
const void *crypto_key_token(const EVP_PKEY *key);

/* A PEM private key held in memory. The bytes are the caller's to wipe. ERR_INVALID. */
err_t crypto_key_parse_pem(const struct crypto_ctx *ctx, struct slice pem, EVP_PKEY **ret,
                           struct crypto_error *why);
/* A PEM "PUBLIC KEY" (SubjectPublicKeyInfo). ERR_INVALID. */
err_t crypto_pubkey_parse_pem(const struct crypto_ctx *ctx, struct slice pem, EVP_PKEY **ret,
                              struct crypto_error *why);

enum crypto_key_type {
    CRYPTO_KEY_OTHER,
    CRYPTO_KEY_RSA_2048, /* e = 65537 */
    CRYPTO_KEY_EC_P256,
};

/* ERR_INVALID: not a type that can be generated; ERR_CRYPTO. */
err_t crypto_key_generate(const struct crypto_ctx *ctx, enum crypto_key_type type, EVP_PKEY **ret);

bool crypto_key_is_rsa(const EVP_PKEY *key);
bool crypto_key_is_ec(const EVP_PKEY *key);
int crypto_key_bits(const EVP_PKEY *key);
/* Do both have the same public part? Needs no private operation, so it is cheap for token keys too. */
bool crypto_key_same_public(const EVP_PKEY *a, const EVP_PKEY *b);
/* What AWS IoT takes in a certificate: RSA of 2048 bits or more, P-256, P-384, P-521. */
bool crypto_key_acceptable(const EVP_PKEY *key);

/* Append PEM. Private: "RSA PRIVATE KEY" (PKCS#1) or "EC PRIVATE KEY" (SEC1), as CreateKeysAndCertificate
 * and openssl 1.1 give; `out` should be BUF_SECRET. Public: "PUBLIC KEY". ERR_CRYPTO (a token's key has no
 * private PEM). */
err_t crypto_key_private_pem(const EVP_PKEY *key, struct buf *out);
err_t crypto_key_public_pem(const EVP_PKEY *key, struct buf *out);

/* The numbers of an RSA key, big endian: n without leading zeros, the private ones padded to their natural
 * length (d as long as n; p, q, dp, dq, qinv half of it). Empty private parts for a public key. */
struct crypto_rsa_parts {
    struct buf n, e, d, p, q, dp, dq, qinv; /* the private ones are wiped by _done */
};
/* ERR_INVALID when not RSA. Release with crypto_rsa_parts_done, in both cases harmless. */
err_t crypto_rsa_parts_get(const EVP_PKEY *key, struct crypto_rsa_parts *ret);
void crypto_rsa_parts_done(struct crypto_rsa_parts *p);

/* An EC key: curve by OpenSSL's group name ("prime256v1", "secp384r1"), point as 04||X||Y, scalar padded
 * to the length of the order (empty for a public key). */
struct crypto_ec_parts {
    char curve[40];
    struct buf point, scalar;
};
err_t crypto_ec_parts_get(const EVP_PKEY *key, struct crypto_ec_parts *ret); /* ERR_INVALID when not EC */
void crypto_ec_parts_done(struct crypto_ec_parts *p);

/* Public keys from their numbers. ERR_INVALID: not on the curve, unknown curve, not a modulus. */
err_t crypto_pubkey_from_ec(const struct crypto_ctx *ctx, const char *curve, struct slice point,
                            EVP_PKEY **ret);
err_t crypto_pubkey_from_rsa(const struct crypto_ctx *ctx, struct slice n, struct slice e, EVP_PKEY **ret);

/* Sign bytes with SHA-256: ECDSA (DER, RFC 3279) or RSASSA-PKCS1-v1_5, appended to `out`.
 * ERR_UNAVAILABLE when a token's key does not answer, ERR_CRYPTO. */
err_t crypto_sign(const struct crypto_ctx *ctx, EVP_PKEY *key, struct slice bytes, struct buf *out,
                  struct crypto_error *why);
/* ERR_AUTH: it is not this key's signature over these bytes. ERR_CRYPTO: no opinion. */
err_t crypto_verify(const struct crypto_ctx *ctx, EVP_PKEY *key, struct slice bytes, struct slice signature);
