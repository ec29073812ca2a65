/* src/vse/aead.h - AES-GCM and AES-CCM, done by OpenSSL. Pure apart from allocation; any thread. Modes
 * are SE_AEAD_GCM and SE_AEAD_CCM; who makes the IV is not this unit's affair.
 *
 * GCM answers each piece of data at once. CCM (RFC 3610) begins with the length of the data, which the
 * wire does not tell in advance: everything is gathered and comes out at the end, and what was not found
 * authentic does not come out at all.
 *
 * Errors: ERR_UNSUPPORTED: no such mode; ERR_INVALID: key, IV or tag length do not fit it;
 * ERR_WRONG_STATE: AAD after data; ERR_TOO_BIG: more than a CCM run can gather, no room in out;
 * ERR_CRYPTO, ERR_NOMEM.
 */
#pragma once
#include "base/buf.h"

enum {
    VSE_AEAD_TAG_MAX = 16,
    VSE_AEAD_IV_MAX = 64,      /* ours; NIST SP 800-38D sets none that a command could reach */
    VSE_AEAD_GATHER_MAX = 896, /* what one answer can give back */
};

bool vse_aead_mode_valid(uint8_t mode);
/* GCM: 1 to VSE_AEAD_IV_MAX; CCM: 7 to 13. */
bool vse_aead_iv_valid(uint8_t mode, size_t n);
/* GCM: 4, 8, 12 to 16 (SP 800-38D); CCM: even, 4 to 16 (RFC 3610). */
bool vse_aead_tag_valid(uint8_t mode, size_t n);

struct vse_aead; /* opaque */

/* Free with vse_aead_free. */
err_t vse_aead_new(uint8_t mode, bool encrypt, struct slice key, struct slice iv, struct vse_aead **ret);
void vse_aead_free(struct vse_aead *a); /* NULL is fine */
uint8_t vse_aead_mode(const struct vse_aead *a);
bool vse_aead_encrypts(const struct vse_aead *a);
err_t vse_aead_aad(struct vse_aead *a, struct slice in);
err_t vse_aead_update(struct vse_aead *a, struct slice in, struct buf *out);
/* Encrypting: append what is left, and the tag of n bytes. a is of no more use but to be freed. */
err_t vse_aead_seal(struct vse_aead *a, size_t n, struct buf *out, struct buf *tag);
/* Decrypting: is the tag right? What is left is appended only if so. The same holds for a. */
err_t vse_aead_open(struct vse_aead *a, struct slice tag, struct buf *out, bool *ret_good);
