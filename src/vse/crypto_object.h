/* src/vse/crypto_object.h - crypto objects: named containers for work of several steps.
 *
 * The entry (id, context, subtype) is kept in non-volatile memory; the work that runs in it is not, and only
 * the session that began it can go on with it. One thread at a time. Reference 3.9.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <openssl/types.h>

#include <stdint.h>

enum { VSE_CRYPTO_OBJECTS_MAX = 48 }; /* ours; hosts use 31 */

/* What runs in a crypto object. */
enum vse_task {
    VSE_WORK_NONE,
    VSE_WORK_DIGEST,
    VSE_WORK_CIPHER,
    VSE_WORK_MAC_GENERATE,
    VSE_WORK_MAC_VALIDATE,
    VSE_WORK_AEAD,
    VSE_WORK_PAKE,
};

struct vse_crypto_object {
    uint16_t id;
    uint8_t context; /* SE_CONTEXT_* */
    uint8_t subtype; /* SE_DIGEST_*, SE_CIPHER_*, SE_MAC_*, SE_AEAD_*, SE_PAKE_* */
    enum vse_task work;
    uint64_t session; /* that began the work */
    uint16_t least;   /* MAC: shortest one to validate; AEAD: shortest tag; 0: no rule */
    union {
        EVP_MD_CTX *digest;
        struct vse_cipher *cipher;
        EVP_MAC_CTX *mac;
        struct vse_aead *aead;
        struct vse_spake2 *pake;
    } run;
};

struct vse_crypto_objects {
    struct vse_crypto_object v[VSE_CRYPTO_OBJECTS_MAX]; /* in order of creation */
    size_t n;
};

/* Borrowed until the next add or remove; NULL when absent. */
struct vse_crypto_object *vse_crypto_object_find(struct vse_crypto_objects *t, uint16_t id);
/* ERR_EXISTS, ERR_TOO_BIG. */
err_t vse_crypto_object_add(struct vse_crypto_objects *t, uint16_t id, uint8_t context, uint8_t subtype);
/* Its work ends with it. */
void vse_crypto_object_remove(struct vse_crypto_objects *t, uint16_t id);
/* Forget the work in one, or in all (reset). The entries stay. */
void vse_crypto_object_stop(struct vse_crypto_object *o);
void vse_crypto_objects_stop(struct vse_crypto_objects *t);

/* Is there such a thing on this generation (VSE_ON_*)? */
bool vse_crypto_object_kind_valid(uint8_t generation, uint8_t context, uint8_t subtype);

/* The stored form, and back. ERR_CORRUPT. */
enum { VSE_CRYPTO_OBJECT_STORED = 2 };
err_t vse_crypto_object_load(struct vse_crypto_objects *t, uint32_t id, struct slice value);
