/* src/vse/keys_private.h - between keys.c, keys_ec.c and keys_rsa.c: OpenSSL's objects and ours. */
#pragma once
#include "vse/keys.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

void vse_pkey_free_ptr(EVP_PKEY **k);
void vse_pkey_ctx_free_ptr(EVP_PKEY_CTX **c);
void vse_bn_free_ptr(BIGNUM **b);
#define auto_pkey __attribute__((cleanup(vse_pkey_free_ptr)))
#define auto_pkey_ctx __attribute__((cleanup(vse_pkey_ctx_free_ptr)))
#define auto_bn __attribute__((cleanup(vse_bn_free_ptr)))

/* ERR_CRYPTO, and OpenSSL's error queue emptied. */
err_t vse_crypto_failed(void);
/* The bytes of `from` the other way round: the wire's order of 25519 and 448 and the RFCs'. */
void vse_reverse(uint8_t *to, struct slice from);
/* A number that is wiped wherever it goes. NULL when out of memory. */
BIGNUM *vse_bn(struct slice s);

/* Collects the numbers of one key. */
struct vse_keymaker {
    OSSL_PARAM_BLD *bld;
    BIGNUM *bn[8];
    size_t n;
    uint8_t generator[SE_EC_PUBLIC_MAX]; /* of a curve without a name; `bld` points at it */
    bool failed;
};

err_t vse_keymaker_init(struct vse_keymaker *m);
void vse_keymaker_done(struct vse_keymaker *m);
#define auto_keymaker __attribute__((cleanup(vse_keymaker_done))) struct vse_keymaker
/* Both remember a failure; the first takes b over, NULL being a failure; the second skips the empty slice. */
void vse_keymaker_bn(struct vse_keymaker *m, const char *name, BIGNUM *b);
void vse_keymaker_number(struct vse_keymaker *m, const char *name, struct slice s);
enum vse_keymaker_what { VSE_KEYMAKER_PUBLIC, VSE_KEYMAKER_PRIVATE, VSE_KEYMAKER_PARAMETERS };
err_t vse_keymaker_make(struct vse_keymaker *m, const char *type, enum vse_keymaker_what what,
                        EVP_PKEY **ret);

/* Copy a number of the key into a part, n bytes long or (0) as long as it is. */
err_t vse_take_number(const EVP_PKEY *key, const char *name, struct vse_object *o, unsigned part, size_t n);

/* The private key as `make` makes it from the object's parts, kept for the next use: making it costs as much
 * as a signature, and more. Borrowed, until a part of the object is replaced. */
typedef err_t vse_key_maker(const struct vse_object *o, EVP_PKEY **ret);
err_t vse_prepared_key(const struct vse_object *o, vse_key_maker *make, EVP_PKEY **ret);
