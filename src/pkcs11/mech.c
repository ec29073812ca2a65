#include "pkcs11/mech.h"

#include "base/mem.h"

#include <string.h>

/* Key sizes in bits, as C_GetMechanismInfo gives them for RSA and EC. */
enum { RSA_MIN = 1024, RSA_MAX = 4096, EC_MIN = 160, EC_MAX = 521 };

#define SIGNS (CKF_HW | CKF_SIGN | CKF_VERIFY)
#define EC_FLAGS (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct row {
    CK_MECHANISM_TYPE type;
    enum p11_scheme scheme;
    CK_MECHANISM_TYPE hash; /* P11_NO_HASH: none */
    CK_FLAGS flags;
} rows[] = {
#define P11_NO_HASH CK_UNAVAILABLE_INFORMATION
    { CKM_RSA_PKCS_KEY_PAIR_GEN, P11_GENERATE_RSA, P11_NO_HASH, CKF_HW | CKF_GENERATE_KEY_PAIR },
    { CKM_RSA_PKCS, P11_RSA_PKCS1, P11_NO_HASH, SIGNS | CKF_ENCRYPT | CKF_DECRYPT },
    { CKM_RSA_X_509, P11_RSA_RAW, P11_NO_HASH, SIGNS | CKF_ENCRYPT | CKF_DECRYPT },
    { CKM_SHA1_RSA_PKCS, P11_RSA_PKCS1, CKM_SHA_1, SIGNS },
    { CKM_SHA224_RSA_PKCS, P11_RSA_PKCS1, CKM_SHA224, SIGNS },
    { CKM_SHA256_RSA_PKCS, P11_RSA_PKCS1, CKM_SHA256, SIGNS },
    { CKM_SHA384_RSA_PKCS, P11_RSA_PKCS1, CKM_SHA384, SIGNS },
    { CKM_SHA512_RSA_PKCS, P11_RSA_PKCS1, CKM_SHA512, SIGNS },
    { CKM_RSA_PKCS_PSS, P11_RSA_PSS, P11_NO_HASH, SIGNS },
    { CKM_SHA1_RSA_PKCS_PSS, P11_RSA_PSS, CKM_SHA_1, SIGNS },
    { CKM_SHA224_RSA_PKCS_PSS, P11_RSA_PSS, CKM_SHA224, SIGNS },
    { CKM_SHA256_RSA_PKCS_PSS, P11_RSA_PSS, CKM_SHA256, SIGNS },
    { CKM_SHA384_RSA_PKCS_PSS, P11_RSA_PSS, CKM_SHA384, SIGNS },
    { CKM_SHA512_RSA_PKCS_PSS, P11_RSA_PSS, CKM_SHA512, SIGNS },
    { CKM_EC_KEY_PAIR_GEN, P11_GENERATE_EC, P11_NO_HASH, CKF_HW | CKF_GENERATE_KEY_PAIR | EC_FLAGS },
    { CKM_ECDSA, P11_ECDSA, P11_NO_HASH, SIGNS | EC_FLAGS },
    { CKM_ECDSA_SHA1, P11_ECDSA, CKM_SHA_1, SIGNS | EC_FLAGS },
    { CKM_ECDSA_SHA224, P11_ECDSA, CKM_SHA224, SIGNS | EC_FLAGS },
    { CKM_ECDSA_SHA256, P11_ECDSA, CKM_SHA256, SIGNS | EC_FLAGS },
    { CKM_ECDSA_SHA384, P11_ECDSA, CKM_SHA384, SIGNS | EC_FLAGS },
    { CKM_ECDSA_SHA512, P11_ECDSA, CKM_SHA512, SIGNS | EC_FLAGS },
    { CKM_SHA_1, P11_DIGEST, CKM_SHA_1, CKF_DIGEST },
    { CKM_SHA224, P11_DIGEST, CKM_SHA224, CKF_DIGEST },
    { CKM_SHA256, P11_DIGEST, CKM_SHA256, CKF_DIGEST },
    { CKM_SHA384, P11_DIGEST, CKM_SHA384, CKF_DIGEST },
    { CKM_SHA512, P11_DIGEST, CKM_SHA512, CKF_DIGEST },
};

CK_RV p11_mech_list(CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_ULONG room = *count;

    *count = ARRAY_LEN(rows);
    if (!list)
        return CKR_OK;
    if (room < ARRAY_LEN(rows))
        return CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        list[i] = rows[i].type;
    return CKR_OK;
}

static CK_MECHANISM_INFO info_of(const struct row *row)
{
    CK_MECHANISM_INFO info = { .flags = row->flags };

    if (row->flags & CKF_EC_F_P) {
        info.ulMinKeySize = EC_MIN;
        info.ulMaxKeySize = EC_MAX;
    } else if (row->scheme != P11_DIGEST) {
        info.ulMinKeySize = RSA_MIN;
        info.ulMaxKeySize = RSA_MAX;
    }
    return info;
}

CK_RV p11_mech_find(CK_MECHANISM_TYPE type, CK_FLAGS flags, struct p11_mech *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type != type || (rows[i].flags & flags) != flags)
            continue;
        *ret = (struct p11_mech){ type, rows[i].scheme, p11_hash_by_ckm(rows[i].hash), info_of(&rows[i]) };
        return CKR_OK;
    }
    return CKR_MECHANISM_INVALID;
}

/* Mechanisms §2.1.10. The hash named there is the one of the digest that is signed, so it must be the
 * mechanism's own where the mechanism hashes. */
static CK_RV pss_params(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_pss *ret)
{
    CK_RSA_PKCS_PSS_PARAMS p;

    if (!given->pParameter || given->ulParameterLen != sizeof(p))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&p, given->pParameter, sizeof(p));
    struct p11_pss pss = { p11_hash_by_ckm(p.hashAlg), p11_hash_by_mgf(p.mgf), p.sLen };
    if (!pss.hash || !pss.mgf || pss.salt_len > P11_RSA_MAX || (m->hash && m->hash != pss.hash))
        return CKR_MECHANISM_PARAM_INVALID;
    *ret = pss;
    return CKR_OK;
}

CK_RV p11_mech_params(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_pss *ret_pss)
{
    if (m->scheme == P11_RSA_PSS)
        return pss_params(m, given, ret_pss);
    return given->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}
