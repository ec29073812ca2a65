#include "pkcs11/ossl_impl.h"

#include <openssl/objects.h>
#include <openssl/x509.h>

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_EC "1.2.840.10045.2.1"

static err_t key_from_params(struct p11_ossl *o, const char *type_oid, OSSL_PARAM *params, EVP_PKEY **ret)
{
    OSSL_LIB_CTX *ctx = p11_ossl_ctx(o);
    auto_ossl(pkey_ctx) EVP_PKEY_CTX *pctx = ctx ? EVP_PKEY_CTX_new_from_name(ctx, type_oid, NULL) : NULL;
    EVP_PKEY *key = NULL;

    if (!pctx || EVP_PKEY_fromdata_init(pctx) != 1 ||
        EVP_PKEY_fromdata(pctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ERR_CRYPTO;
    *ret = key;
    return ERR_OK;
}

err_t p11_ossl_rsa_public(struct p11_ossl *o, struct slice n, struct slice e, EVP_PKEY **ret)
{
    QUIET_ERRORS;
    auto_ossl(bn) BIGNUM *bn_n = BN_bin2bn(n.p, (int)n.n, NULL);
    auto_ossl(bn) BIGNUM *bn_e = BN_bin2bn(e.p, (int)e.n, NULL);
    auto_ossl(param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

    if (!bn_n || !bn_e || !bld || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) != 1)
        return ERR_NOMEM;
    auto_ossl(params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    return params ? key_from_params(o, OID_RSA, params, ret) : ERR_NOMEM;
}

err_t p11_ossl_ec_public(struct p11_ossl *o, const char *oid, struct slice point, EVP_PKEY **ret)
{
    QUIET_ERRORS;
    int nid = OBJ_txt2nid(oid);
    const char *group = nid == NID_undef ? NULL : OBJ_nid2sn(nid);

    if (!group)
        return ERR_UNSUPPORTED;
    auto_ossl(param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (!bld || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1)
        return ERR_NOMEM;
    auto_ossl(params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    return params ? key_from_params(o, OID_EC, params, ret) : ERR_NOMEM;
}

err_t p11_ossl_raw_public(struct p11_ossl *o, const char *oid, struct slice point, EVP_PKEY **ret)
{
    QUIET_ERRORS;
    auto_ossl(param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

    if (!bld || OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1)
        return ERR_NOMEM;
    auto_ossl(params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    return params ? key_from_params(o, oid, params, ret) : ERR_NOMEM;
}

err_t p11_ossl_private(struct p11_ossl *o, struct slice pkcs8, EVP_PKEY **ret)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *ctx = p11_ossl_ctx(o);
    const uint8_t *at = pkcs8.p;
    PKCS8_PRIV_KEY_INFO *info = ctx ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)pkcs8.n) : NULL;
    EVP_PKEY *key = info ? EVP_PKCS82PKEY_ex(info, ctx, NULL) : NULL;

    PKCS8_PRIV_KEY_INFO_free(info);
    if (!key)
        return ERR_CRYPTO;
    *ret = key;
    return ERR_OK;
}

void p11_ossl_key_free(EVP_PKEY *key)
{
    EVP_PKEY_free(key);
}
