/* src/pkcs11/mech.h - the mechanisms: one table, their parameters, C_GetMechanismList and -Info.
 *
 * Pure; any thread. PKCS#11 v2.40 mechanisms §2.1 (RSA), §2.3 (elliptic curves), §2.18 ff. (hashes).
 */
#pragma once
#include "base/err.h"
#include "pkcs11/cryptoki.h"
#include "pkcs11/hash.h"
#include "pkcs11/pad.h"

enum p11_scheme {
    P11_RSA_PKCS1,
    P11_RSA_PSS,
    P11_RSA_RAW,
    P11_ECDSA,
    P11_DIGEST,
    P11_GENERATE_RSA,
    P11_GENERATE_EC,
};

struct p11_mech {
    CK_MECHANISM_TYPE type;
    enum p11_scheme scheme;
    const struct p11_hash *hash; /* hashed in the module first; NULL: the caller gives what is to be signed */
    CK_MECHANISM_INFO info;
};

/* C_GetMechanismList: count alone when list is NULL; CKR_BUFFER_TOO_SMALL. */
CK_RV p11_mech_list(CK_MECHANISM_TYPE *list, CK_ULONG *count);

/* The row for a mechanism that can do all of `flags` (CKF_SIGN ...). CKR_MECHANISM_INVALID. */
CK_RV p11_mech_find(CK_MECHANISM_TYPE type, CK_FLAGS flags, struct p11_mech *ret);

/* Check the parameter. pss is set for P11_RSA_PSS. CKR_MECHANISM_PARAM_INVALID: missing, of a wrong size,
 * unknown or unfitting hashes, or given where none belongs. */
CK_RV p11_mech_params(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_pss *ret_pss);
