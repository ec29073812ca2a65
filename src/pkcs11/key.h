/* src/pkcs11/key.h - one key of the chip as the module knows it: id, kind and public part.
 *
 * Immutable once loaded, shared by reference count; any thread. p11_key_load is blocking I/O
 * inside the caller's chip sequence.
 */
#pragma once
#include "base/buf.h"
#include "pkcs11/cryptoki.h"
#include "pkcs11/ossl.h"
#include "se/curve.h"

enum { P11_ORIGIN_UNKNOWN, P11_ORIGIN_INSIDE, P11_ORIGIN_OTHER };

struct p11_key {
    _Atomic unsigned refs;
    _Atomic int origin; /* P11_ORIGIN_*: as the chip attested it, once somebody asked (origin.h) */
    bool in_chip;       /* id names it there; otherwise it lives in `value`, as long as its session */
    uint32_t id;        /* 0 when it is not in the chip */
    CK_KEY_TYPE type;   /* CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY, CKK_AES, CKK_GENERIC_SECRET */
    bool has_private;   /* or, of AES and generic secrets, the secret */
    bool has_public;    /* the public part could be read */
    size_t bits;        /* of modulus, field or secret */
    const struct se_curve_info *curve; /* the three kinds of curves */
    struct buf n, e;                   /* RSA, without leading zeros */
    struct buf
        point; /* curves: DER OCTET STRING around 04 x y (Edwards, Montgomery: the value in RFC order) */
    struct buf value; /* not in the chip: a secret's bytes, or a private key as PKCS#8 DER */
};

/* Longest secret or PKCS#8 (RSA-4096) in `value`. */
#define P11_KEY_VALUE_MAX 4096

/* Read what the chip tells about the object of this SE_TYPE_* (folded; 0: ask). `known` (or NULL) is what it
 * held under this id before: when it still is that key, *ret is `known` itself. The caller gets one
 * reference. ERR_UNSUPPORTED: it is not a key for us (files, counters, ...). ERR_NOT_FOUND: it went
 * meanwhile. */
err_t p11_key_load(struct se_chip *chip, uint32_t id, uint8_t type, struct p11_key *known,
                   struct p11_key **ret);

/* A key that never met a chip: for the unit tests. */
err_t p11_key_make_rsa(uint32_t id, struct slice n, struct slice e, struct p11_key **ret);
err_t p11_key_make_ec(uint32_t id, const struct se_curve_info *curve, struct slice point,
                      struct p11_key **ret);

/* A secret that is not in the chip; the bytes are copied and wiped at the last unref. */
err_t p11_key_make_secret(CK_KEY_TYPE type, struct slice value, struct p11_key **ret);

struct p11_key *p11_key_ref(struct p11_key *key);
void p11_key_unref(struct p11_key *key); /* NULL is fine */
void p11_key_unref_ptr(struct p11_key **key);
#define auto_p11_key __attribute__((cleanup(p11_key_unref_ptr)))

/* CKK_EC, CKK_EC_EDWARDS or CKK_EC_MONTGOMERY. */
CK_KEY_TYPE p11_key_type_of_curve(const struct se_curve_info *curve);
/* Bytes of a modulus, and of an ECDSA signature (r and s, each as long as the group order). */
size_t p11_key_modulus_len(const struct p11_key *key);
size_t p11_key_ecdsa_len(const struct p11_key *key);
/* The public key for OpenSSL. ERR_DENIED when the chip did not show it. Free with p11_ossl_key_free. */
err_t p11_key_public(struct p11_ossl *o, const struct p11_key *key, EVP_PKEY **ret);
