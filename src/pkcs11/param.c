#include "pkcs11/param.h"

#include "base/mem.h"

#include <string.h>

/* v3.0 §2.3.15: the plain form may be given none at all. */
struct eddsa_params {
    CK_BBOOL ph_flag;
    CK_ULONG context_len;
    CK_BYTE *context;
};

/* The caller's structure, which may be misaligned. */
static bool copy_param(const CK_MECHANISM *given, void *to, size_t n)
{
    if (!given->pParameter || given->ulParameterLen != n)
        return false;
    memcpy(to, given->pParameter, n);
    return true;
}

static CK_RV keep_extra(struct p11_params *p, const void *bytes, CK_ULONG n)
{
    if ((n && !bytes) || n > P11_EXTRA_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    return buf_add_mem(&p->extra, bytes, n) == ERR_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV read_none(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    (void)m;
    (void)ret;
    return p11_mech_bare(given);
}

/* §2.1.10. The hash named there is the one of the digest that is signed, so it must be the mechanism's own
 * where the mechanism hashes. */
static CK_RV read_pss(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    CK_RSA_PKCS_PSS_PARAMS p;

    if (!copy_param(given, &p, sizeof(p)))
        return CKR_MECHANISM_PARAM_INVALID;
    struct p11_pss pss = { p11_hash_by_ckm(p.hashAlg), p11_hash_by_mgf(p.mgf), p.sLen };
    if (!pss.hash || !pss.mgf || pss.salt_len > P11_RSA_MAX || (m->hash && m->hash != pss.hash))
        return CKR_MECHANISM_PARAM_INVALID;
    ret->pss = pss;
    return CKR_OK;
}

/* §2.1.7. Callers that have no label give CKZ_DATA_SPECIFIED with nothing, or no source at all. */
static CK_RV read_oaep(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    CK_RSA_PKCS_OAEP_PARAMS p;

    (void)m;
    if (!copy_param(given, &p, sizeof(p)))
        return CKR_MECHANISM_PARAM_INVALID;
    struct p11_oaep oaep = { p11_hash_by_ckm(p.hashAlg), p11_hash_by_mgf(p.mgf) };
    if (!oaep.hash || !oaep.mgf || (p.source != CKZ_DATA_SPECIFIED && (p.source != 0 || p.ulSourceDataLen)))
        return CKR_MECHANISM_PARAM_INVALID;
    ret->oaep = oaep;
    return keep_extra(ret, p.pSourceData, p.ulSourceDataLen);
}

/* Only the pure form: the chip has neither the prehashed one nor contexts. */
static CK_RV read_eddsa(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    struct eddsa_params p;

    (void)m;
    (void)ret;
    if (given->ulParameterLen == 0)
        return CKR_OK;
    if (!copy_param(given, &p, sizeof(p)) || p.ph_flag != CK_FALSE || p.context_len != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    return CKR_OK;
}

static CK_RV read_iv(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    (void)m;
    ret->iv_len = P11_BLOCK;
    return copy_param(given, ret->iv, P11_BLOCK) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_ctr(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    CK_AES_CTR_PARAMS p;

    (void)m;
    if (!copy_param(given, &p, sizeof(p)) || p.ulCounterBits < 1 || p.ulCounterBits > 8 * P11_BLOCK)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(ret->iv, p.cb, P11_BLOCK);
    ret->iv_len = P11_BLOCK;
    ret->counter_bits = p.ulCounterBits;
    return CKR_OK;
}

/* NIST SP 800-38D §5.2.1.2: 4, 8, 12 to 16 bytes. */
static bool tag_bits_ok(CK_ULONG bits)
{
    return bits % 8 == 0 && (bits == 32 || bits == 64 || (bits >= 96 && bits <= 128));
}

static CK_RV read_gcm(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    CK_GCM_PARAMS p;

    (void)m;
    if (!copy_param(given, &p, sizeof(p)) || !p.pIv || p.ulIvLen < 1 || p.ulIvLen > P11_GCM_IV_MAX ||
        !tag_bits_ok(p.ulTagBits))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(ret->iv, p.pIv, p.ulIvLen);
    ret->iv_len = p.ulIvLen;
    ret->tag_len = p.ulTagBits / 8;
    return keep_extra(ret, p.pAAD, p.ulAADLen);
}

static CK_RV (*const readers[P11_SCHEMES])(const struct p11_mech *, const CK_MECHANISM *,
                                           struct p11_params *) = {
    [P11_RSA_PSS] = read_pss, [P11_RSA_OAEP] = read_oaep,  [P11_EDDSA] = read_eddsa,
    [P11_AES_CBC] = read_iv,  [P11_AES_CBC_PAD] = read_iv, [P11_AES_CTR] = read_ctr,
    [P11_AES_GCM] = read_gcm,
};

CK_RV p11_params_read(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret)
{
    struct p11_params p = { .extra = BUF_INIT(P11_EXTRA_MAX) };
    CK_RV rv = (readers[m->scheme] ? readers[m->scheme] : read_none)(m, given, &p);

    if (rv == CKR_OK)
        *ret = p;
    else
        p11_params_done(&p);
    return rv;
}

void p11_params_done(struct p11_params *p)
{
    buf_done(&p->extra);
}

static const struct {
    CK_ULONG ckd;
    CK_MECHANISM_TYPE hash;
} kdfs[] = {
    { CKD_SHA1_KDF, CKM_SHA_1 },    { CKD_SHA224_KDF, CKM_SHA224 }, { CKD_SHA256_KDF, CKM_SHA256 },
    { CKD_SHA384_KDF, CKM_SHA384 }, { CKD_SHA512_KDF, CKM_SHA512 },
};

CK_RV p11_params_ecdh(const CK_MECHANISM *given, struct p11_ecdh *ret)
{
    CK_ECDH1_DERIVE_PARAMS p;
    const struct p11_hash *kdf = NULL;

    if (!copy_param(given, &p, sizeof(p)) || !p.pPublicData || !p.ulPublicDataLen ||
        (p.ulSharedDataLen && !p.pSharedData) || p.ulSharedDataLen > P11_EXTRA_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(kdfs) && !kdf; i++)
        kdf = kdfs[i].ckd == p.kdf ? p11_hash_by_ckm(kdfs[i].hash) : NULL;
    if (!kdf && (p.kdf != CKD_NULL || p.ulSharedDataLen)) /* §2.3.7: CKD_NULL has no shared data */
        return CKR_MECHANISM_PARAM_INVALID;
    *ret = (struct p11_ecdh){
        .kdf = kdf,
        .shared = slice_of(p.pSharedData, p.ulSharedDataLen),
        .public = slice_of(p.pPublicData, p.ulPublicDataLen),
    };
    return CKR_OK;
}
