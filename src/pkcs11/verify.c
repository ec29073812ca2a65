#include "pkcs11/verify.h"

#include "pkcs11/keyop.h"
#include "pkcs11/mac.h"
#include "pkcs11/rv.h"
#include "pkcs11/sigin.h"
#include "se/sig.h"

CK_RV p11_verify_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                      CK_OBJECT_HANDLE key)
{
    return p11_keyop_init(m, &s->op[P11_OP_VERIFY], CKF_VERIFY, mech, key);
}

static CK_RV rv_of_verify(err_t e)
{
    return e == ERR_AUTH ? CKR_SIGNATURE_INVALID : p11_rv_from_err(e);
}

static CK_RV verify_pkcs1(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                          struct slice sig)
{
    uint8_t scratch[P11_INFO_MAX];
    struct slice info;
    CK_RV rv = p11_sig_info(op, in, scratch, &info);

    return rv ? rv : rv_of_verify(p11_ossl_rsa_verify_pkcs1(m->ossl, key, info, sig));
}

static CK_RV verify_pss(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                        struct slice sig)
{
    const struct p11_pss *pss = &op->params.pss;

    if (in.n != pss->hash->len)
        return CKR_DATA_LEN_RANGE;
    return rv_of_verify(p11_ossl_rsa_verify_pss(m->ossl, key, pss->hash, pss->mgf, pss->salt_len, in, sig));
}

static CK_RV verify_raw(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                        struct slice sig)
{
    uint8_t want[P11_RSA_MAX], got[P11_RSA_MAX];
    CK_RV rv = p11_left_pad(in, sig.n, want);

    (void)op;
    if (rv)
        return rv;
    if (p11_ossl_rsa_raw(m->ossl, key, sig, got) != ERR_OK)
        return CKR_SIGNATURE_INVALID; /* not below the modulus */
    return memcmp(want, got, sig.n) == 0 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV verify_ecdsa(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                          struct slice sig)
{
    autobuf der = BUF_INIT(256);
    err_t e = se_sig_raw_to_der(sig, &der);

    if (in.n == 0)
        return CKR_DATA_LEN_RANGE;
    if (e)
        return p11_rv_from_err(e);
    return rv_of_verify(p11_ossl_ec_verify(m->ossl, key, p11_sig_cut(op->key, in), buf_slice(&der)));
}

static CK_RV verify_eddsa(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                          struct slice sig)
{
    (void)op;
    return rv_of_verify(p11_ossl_eddsa_verify(m->ossl, key, in, sig));
}

static CK_RV (*const verifiers[P11_SCHEMES])(struct p11_module *, const struct p11_op *, EVP_PKEY *,
                                             struct slice, struct slice) = {
    [P11_RSA_PKCS1] = verify_pkcs1, [P11_RSA_PSS] = verify_pss, [P11_RSA_RAW] = verify_raw,
    [P11_ECDSA] = verify_ecdsa,     [P11_EDDSA] = verify_eddsa,
};

static CK_RV verify_public(struct p11_module *m, const struct p11_op *op, struct slice in, struct slice sig)
{
    EVP_PKEY *key = NULL;
    CK_RV rv = p11_rv_from_err(p11_key_public(m->ossl, op->key, &key));

    if (rv == CKR_OK)
        rv = verifiers[op->mech.scheme](m, op, key, in, sig);
    p11_ossl_key_free(key);
    return rv;
}

static CK_RV finish(struct p11_module *m, struct p11_op *op, struct slice data, struct slice sig)
{
    uint8_t scratch[P11_HASH_MAX];
    struct slice in;
    CK_RV rv = sig.n == p11_sig_len(op) ? CKR_OK : CKR_SIGNATURE_LEN_RANGE;

    if (rv == CKR_OK)
        rv = p11_op_input(op, data, scratch, &in);
    if (rv == CKR_OK)
        rv = p11_sig_is_mac(op) ? p11_mac_check(m, op, in, sig) : verify_public(m, op, in, sig);
    p11_op_end(op);
    return rv;
}

CK_RV p11_verify(struct p11_module *m, struct p11_session *s, struct slice data, struct slice sig)
{
    struct p11_op *op = &s->op[P11_OP_VERIFY];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->updated)
        return CKR_OPERATION_ACTIVE;
    return finish(m, op, data, sig);
}

CK_RV p11_verify_update(struct p11_session *s, struct slice data)
{
    return p11_op_update(&s->op[P11_OP_VERIFY], data);
}

CK_RV p11_verify_final(struct p11_module *m, struct p11_session *s, struct slice sig)
{
    struct p11_op *op = &s->op[P11_OP_VERIFY];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish(m, op, (struct slice){ 0 }, sig);
}
