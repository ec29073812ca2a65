/* src/pkcs11/pad.h - encodings made here because the chip is asked for the bare operation.
 *
 * Any thread, no I/O. RFC 8017 (PKCS#1 v2.2); PKCS#7 padding of CBC (RFC 5652 §6.3). Unpadding takes the same
 * time wherever a block is wrong, and says no more than that it is.
 */
#pragma once
#include "pkcs11/ossl.h"

#define P11_RSA_MAX 512 /* bytes of a 4096-bit modulus */

struct p11_pss {
    const struct p11_hash *hash;
    const struct p11_hash *mgf;
    size_t salt_len;
};

struct p11_oaep {
    const struct p11_hash *hash;
    const struct p11_hash *mgf;
};

/* EMSA-PKCS1-v1_5 (§9.2 steps 3 to 5) of n bytes around `info`, a DigestInfo or what CKM_RSA_PKCS was given.
 * ERR_TOO_BIG. */
err_t p11_pad_pkcs1(struct slice info, size_t n, uint8_t *em);

/* EMSA-PSS-ENCODE (§9.1.1) of `digest` for a modulus of mod_bits bits. em gets (mod_bits + 7) / 8
 * bytes, ready for the private operation. ERR_TOO_BIG when the modulus is too short for hash and salt. */
err_t p11_pad_pss(struct p11_ossl *o, const struct p11_pss *pss, size_t mod_bits, struct slice digest,
                  uint8_t *em);

/* EME-PKCS1-v1_5 decoding (§7.2.2 step 3) of a deciphered block of n bytes, in constant time. out has
 * room for n bytes; *ret_n gets the message's length. ERR_INVALID for whatever is wrong with it. */
err_t p11_unpad_pkcs1(const uint8_t *em, size_t n, uint8_t *out, size_t *ret_n);
/* EME-OAEP decoding (§7.1.2 step 3), the same way. */
err_t p11_unpad_oaep(struct p11_ossl *o, const struct p11_oaep *oaep, struct slice label, const uint8_t *em,
                     size_t n, uint8_t *out, size_t *ret_n);

/* The last block of CBC with PKCS#7 padding: how many of its n bytes are the message's. ERR_INVALID. */
err_t p11_unpad_block(const uint8_t *block, size_t n, size_t *ret_n);
