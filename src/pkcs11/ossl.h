/* src/pkcs11/ossl.h - the module's own corner of OpenSSL: digests, public-key operations, random.
 *
 * Any thread. The program that loaded us may be an OpenSSL program whose configuration routes every
 * algorithm into a PKCS#11 engine, that is, back into this module. So everything here works in a
 * library context of its own that reads no configuration, key types are named by OID (a name like "RSA"
 * is still looked up in the global engine tables by OpenSSL 3.0), digests are fetched once, random is
 * RAND_bytes_ex. And it leaves the caller's error queue as it was.
 */
#pragma once
#include "base/buf.h"
#include "pkcs11/hash.h"

#include <openssl/evp.h>

struct p11_ossl;

/* Cheap: OpenSSL is met by the first call that needs it. NULL when out of memory. */
struct p11_ossl *p11_ossl_new(void);
/* NULL is fine. Gives the context up instead of freeing it when OpenSSL has been shut down already
 * (a C_Finalize that comes from an exit handler). */
void p11_ossl_free(struct p11_ossl *o);

/* The fetched digest; lives as long as o. ERR_CRYPTO, ERR_NOMEM. */
err_t p11_ossl_md(struct p11_ossl *o, const struct p11_hash *hash, const EVP_MD **ret);
/* Start hashing; the caller frees with p11_ossl_digest_free. */
err_t p11_ossl_digest_start(struct p11_ossl *o, const struct p11_hash *hash, EVP_MD_CTX **ret);
err_t p11_ossl_digest_add(EVP_MD_CTX *ctx, struct slice data);
/* out has room for P11_HASH_MAX bytes. */
err_t p11_ossl_digest_end(EVP_MD_CTX *ctx, uint8_t *out);
void p11_ossl_digest_free(EVP_MD_CTX *ctx);

err_t p11_ossl_random(struct p11_ossl *o, uint8_t *out, size_t n);

/* ---- keys (ossl_key.c); free with p11_ossl_key_free ------------------------------------------------
 * ERR_CRYPTO when OpenSSL does not take the numbers, ERR_UNSUPPORTED unknown curve. */

/* n and e big endian. */
err_t p11_ossl_rsa_public(struct p11_ossl *o, struct slice n, struct slice e, EVP_PKEY **ret);
/* The point uncompressed; the curve by its dotted OID. */
err_t p11_ossl_ec_public(struct p11_ossl *o, const char *oid, struct slice point, EVP_PKEY **ret);
/* Edwards and Montgomery curves by their dotted OID; the bytes of RFC 8032 and RFC 7748. */
err_t p11_ossl_raw_public(struct p11_ossl *o, const char *oid, struct slice point, EVP_PKEY **ret);
/* The private key of a session object, from PKCS#8 in DER. */
err_t p11_ossl_private(struct p11_ossl *o, struct slice pkcs8, EVP_PKEY **ret);
void p11_ossl_key_free(EVP_PKEY *key);

/* ---- operations with them (ossl_asym.c) -------------------------------------------------------------- */

/* RSA with the public or private key, no padding: out has the modulus's length, and so has `in`. ERR_CRYPTO.
 */
err_t p11_ossl_rsa_raw(struct p11_ossl *o, EVP_PKEY *key, struct slice in, uint8_t *out);
err_t p11_ossl_rsa_private_raw(struct p11_ossl *o, EVP_PKEY *key, struct slice in, uint8_t *out);
/* PKCS#1 v1.5 type 2 padding and encryption; OAEP with a label. */
err_t p11_ossl_rsa_encrypt(struct p11_ossl *o, EVP_PKEY *key, struct slice in, uint8_t *out, size_t out_len);
err_t p11_ossl_rsa_encrypt_oaep(struct p11_ossl *o, EVP_PKEY *key, const struct p11_hash *hash,
                                const struct p11_hash *mgf, struct slice label, struct slice in, uint8_t *out,
                                size_t out_len);
/* ERR_AUTH when the signature is not right. `info` is a DigestInfo or whatever was signed. */
err_t p11_ossl_rsa_verify_pkcs1(struct p11_ossl *o, EVP_PKEY *key, struct slice info, struct slice sig);
err_t p11_ossl_rsa_verify_pss(struct p11_ossl *o, EVP_PKEY *key, const struct p11_hash *hash,
                              const struct p11_hash *mgf, size_t salt_len, struct slice digest,
                              struct slice sig);
/* sig is DER. */
err_t p11_ossl_ec_verify(struct p11_ossl *o, EVP_PKEY *key, struct slice digest, struct slice sig);
err_t p11_ossl_ec_sign(struct p11_ossl *o, EVP_PKEY *key, struct slice digest, struct buf *out_der);
err_t p11_ossl_eddsa_verify(struct p11_ossl *o, EVP_PKEY *key, struct slice message, struct slice sig);
err_t p11_ossl_eddsa_sign(struct p11_ossl *o, EVP_PKEY *key, struct slice message, struct buf *out);
/* The x coordinate, or what RFC 7748 gives. ERR_CRYPTO: the peer's value is none for this key. */
err_t p11_ossl_agree(struct p11_ossl *o, EVP_PKEY *key, EVP_PKEY *peer, struct buf *out);

/* ---- secret keys (ossl_secret.c): for session objects, whose bytes the module holds -------------------- */

enum p11_block_mode { P11_MODE_ECB, P11_MODE_CBC, P11_MODE_CTR };
/* Whole blocks without padding (CTR: any length). iv is one block; ECB has none. ERR_INVALID key size. */
err_t p11_ossl_aes(struct p11_ossl *o, enum p11_block_mode mode, bool encrypt, struct slice key,
                   const uint8_t *iv, struct slice in, struct buf *out);
/* Appends ciphertext and tag. */
err_t p11_ossl_gcm_seal(struct p11_ossl *o, struct slice key, struct slice iv, struct slice aad,
                        size_t tag_len, struct slice in, struct buf *out);
/* ERR_AUTH: not authentic, and nothing is appended. */
err_t p11_ossl_gcm_open(struct p11_ossl *o, struct slice key, struct slice iv, struct slice aad,
                        struct slice tag, struct slice in, struct buf *out);
err_t p11_ossl_cmac(struct p11_ossl *o, struct slice key, struct slice in, struct buf *out);
err_t p11_ossl_hmac(struct p11_ossl *o, const struct p11_hash *hash, struct slice key, struct slice in,
                    struct buf *out);
/* ANSI X9.63 (SEC 1 §3.6.1): n bytes. */
err_t p11_ossl_x963(struct p11_ossl *o, const struct p11_hash *hash, struct slice secret, struct slice shared,
                    size_t n, struct buf *out);
/* RFC 3394. ERR_AUTH: not wrapped with this key. */
err_t p11_ossl_unwrap(struct p11_ossl *o, struct slice kek, struct slice wrapped, struct buf *out);
