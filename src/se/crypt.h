/* src/se/crypt.h - this room's own corner of OpenSSL: AES, CMAC, SHA-256, P-256, for the secure channels.
 *
 * One thread at a time: a handle's mutex. The room is linked into other people's processes through the
 * PKCS#11 module, and their OpenSSL may be configured to route everything into that module. So all of it
 * works in a library context of its own that reads no configuration, algorithms are fetched once, key types
 * are named by OID, and the caller's error queue is left as it was (docs/decisions/pkcs11-openssl.md).
 * ERR_CRYPTO when OpenSSL refuses.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { SE_AES_KEY = 16, SE_AES_BLOCK = 16, SE_SHA256 = 32, SE_P256_SCALAR = 32, SE_P256_POINT = 65 };

struct se_crypt;

/* Cheap: OpenSSL is met by the first call that needs it. NULL when out of memory. */
struct se_crypt *se_crypt_new(void);
/* NULL is fine. Gives the context up when OpenSSL was shut down already (an exit handler). */
void se_crypt_free(struct se_crypt *c);

err_t se_crypt_random(struct se_crypt *c, uint8_t *out, size_t n);
/* AES-128-CBC without padding: n is a multiple of 16; `out` may be `in`. */
err_t se_crypt_cbc(struct se_crypt *c, bool encrypt, const uint8_t key[SE_AES_KEY],
                   const uint8_t iv[SE_AES_BLOCK], const uint8_t *in, size_t n, uint8_t *out);
/* AES-CMAC and SHA-256 of the pieces one after the other. */
err_t se_crypt_cmac(struct se_crypt *c, const uint8_t key[SE_AES_KEY], const struct slice *pieces, size_t n,
                    uint8_t ret[SE_AES_BLOCK]);
err_t se_crypt_sha256(struct se_crypt *c, const struct slice *pieces, size_t n, uint8_t ret[SE_SHA256]);

/* A private key on P-256. */
struct se_crypt_key;
void se_crypt_key_free(struct se_crypt_key *k); /* wipes; NULL is fine */
void se_crypt_key_free_ptr(struct se_crypt_key **k);
#define auto_crypt_key __attribute__((cleanup(se_crypt_key_free_ptr))) struct se_crypt_key
/* A fresh one, and its point 04 x y. */
err_t se_crypt_p256_generate(struct se_crypt *c, struct se_crypt_key **ret, uint8_t ret_point[SE_P256_POINT]);
/* From its scalar, 32 bytes big endian. ERR_INVALID: not one. */
err_t se_crypt_p256_private(struct se_crypt *c, struct slice scalar, struct se_crypt_key **ret);
/* Append the DER ECDSA signature of a SHA-256 digest. */
err_t se_crypt_p256_sign(struct se_crypt *c, struct se_crypt_key *k, const uint8_t digest[SE_SHA256],
                         struct buf *out);
/* The x coordinate of the product. ERR_CRYPTO: `peer` is not a point of the curve. */
err_t se_crypt_p256_shared(struct se_crypt *c, struct se_crypt_key *k, struct slice peer,
                           uint8_t ret[SE_P256_SCALAR]);
/* ERR_AUTH: the signature is not that point's. */
err_t se_crypt_p256_verify(struct se_crypt *c, struct slice point, const uint8_t digest[SE_SHA256],
                           struct slice der);
