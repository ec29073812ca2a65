/* src/pkcs11/pad.h - RSA encodings made here because the chip is asked for the bare operation.
 *
 * Any thread, no I/O. RFC 8017 (PKCS#1 v2.2). PKCS#1 v1.5 signature padding is se/key.h's.
 */
#pragma once
#include "pkcs11/ossl.h"

#define P11_RSA_MAX 512 /* bytes of a 4096-bit modulus */

struct p11_pss {
    const struct p11_hash *hash;
    const struct p11_hash *mgf;
    size_t salt_len;
};

/* EMSA-PSS-ENCODE (§9.1.1) of `digest` for a modulus of mod_bits bits. em gets (mod_bits + 7) / 8
 * bytes, ready for the private operation. ERR_TOO_BIG when the modulus is too short for hash and salt. */
err_t p11_pad_pss(struct p11_ossl *o, const struct p11_pss *pss, size_t mod_bits, struct slice digest,
                  uint8_t *em);

/* EME-PKCS1-v1_5 decoding (§7.2.2 step 3) of a deciphered block of n bytes, in constant time. out has
 * room for n bytes; *ret_n gets the message's length. ERR_INVALID for whatever is wrong with it. */
err_t p11_unpad_pkcs1(const uint8_t *em, size_t n, uint8_t *out, size_t *ret_n);
