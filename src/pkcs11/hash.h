/* src/pkcs11/hash.h - the hashes, under each of the names they have. A constant table; any thread. */
#pragma once
#include "base/slice.h"
#include "pkcs11/cryptoki.h"

#define P11_HASH_MAX 64
#define P11_HASHES 5

struct p11_hash {
    size_t index; /* in the table, 0..P11_HASHES-1 */
    CK_MECHANISM_TYPE ckm;
    CK_RSA_PKCS_MGF_TYPE mgf;
    const char *name; /* OpenSSL's */
    size_t len;
    const char *prefix; /* DER of the DigestInfo before the digest, RFC 8017 §9.2 note 1 */
    size_t prefix_len;
};

/* NULL when there is none (also for i out of range). Static storage. */
const struct p11_hash *p11_hash_at(size_t i);
const struct p11_hash *p11_hash_by_ckm(CK_MECHANISM_TYPE ckm);
const struct p11_hash *p11_hash_by_mgf(CK_RSA_PKCS_MGF_TYPE mgf);
