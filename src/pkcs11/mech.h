/* src/pkcs11/mech.h - the mechanisms: one table, C_GetMechanismList and -Info. Parameters: param.h.
 *
 * Pure; any thread. PKCS#11 v2.40 mechanisms §2.1 (RSA), §2.3 (elliptic curves), §2.6 ff. (secret keys, AES,
 * hashes, HMAC); v3.0 §2.3 for the Edwards and Montgomery curves.
 */
#pragma once
#include "base/err.h"
#include "pkcs11/cryptoki.h"
#include "pkcs11/hash.h"

enum p11_scheme {
    P11_RSA_PKCS1,
    P11_RSA_PSS,
    P11_RSA_OAEP,
    P11_RSA_RAW,
    P11_ECDSA,
    P11_EDDSA,
    P11_ECDH,
    P11_AES_ECB,
    P11_AES_CBC,
    P11_AES_CBC_PAD,
    P11_AES_CTR,
    P11_AES_GCM,
    P11_AES_CMAC,
    P11_AES_WRAP,
    P11_HMAC,
    P11_DIGEST,
    P11_GENERATE_RSA,
    P11_GENERATE_EC,
    P11_GENERATE_EDWARDS,
    P11_GENERATE_MONTGOMERY,
    P11_GENERATE_AES,
    P11_GENERATE_SECRET,
    P11_SCHEMES,
};

struct p11_mech {
    CK_MECHANISM_TYPE type;
    enum p11_scheme scheme;
    /* Hashed in the module first; of an HMAC the hash inside. NULL: the caller gives what is to be signed. */
    const struct p11_hash *hash;
    CK_MECHANISM_INFO info;
};

/* C_GetMechanismList: count alone when list is NULL; CKR_BUFFER_TOO_SMALL. */
CK_RV p11_mech_list(CK_MECHANISM_TYPE *list, CK_ULONG *count);

/* The row for a mechanism that can do all of `flags` (CKF_SIGN ...). CKR_MECHANISM_INVALID. */
CK_RV p11_mech_find(CK_MECHANISM_TYPE type, CK_FLAGS flags, struct p11_mech *ret);

/* For mechanisms that take no parameter: CKR_MECHANISM_PARAM_INVALID when one is given. */
CK_RV p11_mech_bare(const CK_MECHANISM *given);
