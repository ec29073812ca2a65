#include "pkcs11/sign.h"

#include "pkcs11/keyop.h"
#include "pkcs11/rv.h"
#include "se/key.h"
#include "se/sig.h"

CK_RV p11_sign_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                    CK_OBJECT_HANDLE key)
{
    return p11_keyop_init(m, &s->op[P11_OP_SIGN], CKF_SIGN, CKO_PRIVATE_KEY, mech, key);
}

CK_RV p11_verify_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                      CK_OBJECT_HANDLE key)
{
    return p11_keyop_init(m, &s->op[P11_OP_VERIFY], CKF_VERIFY, CKO_PUBLIC_KEY, mech, key);
}

static size_t signature_len(const struct p11_key *key)
{
    return key->type == CKK_EC ? p11_key_ecdsa_len(key) : p11_key_modulus_len(key);
}

/* PKCS#11 mechanisms §2.3.6: of a digest longer than the group order only the leftmost bytes count. */
static struct slice cut_digest(const struct p11_key *key, struct slice digest)
{
    return slice_head(digest, key->curve->private_len);
}

/* What PKCS#1 v1.5 pads: DigestInfo of the digest made here, or what the caller gave. */
static CK_RV pkcs1_info(const struct p11_op *op, struct slice in, uint8_t *scratch, struct slice *ret)
{
    const struct p11_hash *hash = op->mech.hash;

    if (in.n > p11_key_modulus_len(op->key) - 11)
        return CKR_DATA_LEN_RANGE;
    if (!hash) {
        *ret = in;
        return CKR_OK;
    }
    memcpy(scratch, hash->prefix, hash->prefix_len);
    memcpy(scratch + hash->prefix_len, in.p, in.n);
    *ret = slice_of(scratch, hash->prefix_len + in.n);
    return CKR_OK;
}

static err_t chip_pkcs1(struct se_chip *chip, const struct p11_key *key, struct slice in, struct buf *out)
{
    return se_rsa_sign_pkcs1(chip, key->id, p11_key_modulus_len(key), in, out);
}

static err_t chip_ecdsa(struct se_chip *chip, const struct p11_key *key, struct slice in, struct buf *out)
{
    autobuf der = BUF_INIT(256);
    err_t e = se_ec_sign(chip, key->id, in, &der);

    return e ? e : se_sig_der_to_raw(buf_slice(&der), key->curve->private_len, out);
}

static CK_RV sign_pkcs1(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t scratch[32 + P11_HASH_MAX];
    struct slice info;
    CK_RV rv = pkcs1_info(op, in, scratch, &info);

    return rv ? rv : p11_keyop_private(m, op->key, chip_pkcs1, info, out);
}

static CK_RV sign_pss(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t em[P11_RSA_MAX];

    if (in.n != op->pss.hash->len)
        return CKR_DATA_LEN_RANGE;
    err_t e = p11_pad_pss(m->ossl, &op->pss, op->key->bits, in, em);
    if (e)
        return p11_rv_from_err(e);
    return p11_keyop_private(m, op->key, p11_keyop_rsa_raw, slice_of(em, p11_key_modulus_len(op->key)), out);
}

static CK_RV sign_raw(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t block[P11_RSA_MAX];
    size_t n = p11_key_modulus_len(op->key);
    CK_RV rv = p11_left_pad(in, n, block);

    return rv ? rv : p11_keyop_private(m, op->key, p11_keyop_rsa_raw, slice_of(block, n), out);
}

static CK_RV sign_ecdsa(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    if (in.n == 0)
        return CKR_DATA_LEN_RANGE;
    return p11_keyop_private(m, op->key, chip_ecdsa, cut_digest(op->key, in), out);
}

static CK_RV (*const signers[])(struct p11_module *, const struct p11_op *, struct slice, struct buf *) = {
    [P11_RSA_PKCS1] = sign_pkcs1,
    [P11_RSA_PSS] = sign_pss,
    [P11_RSA_RAW] = sign_raw,
    [P11_ECDSA] = sign_ecdsa,
};

static CK_RV finish_sign(struct p11_module *m, struct p11_op *op, struct slice data, CK_BYTE *sig,
                         CK_ULONG *sig_len)
{
    autobuf out = BUF_INIT(P11_RSA_MAX);
    uint8_t scratch[P11_HASH_MAX];
    struct slice in;
    CK_RV rv = CKR_OK;

    if (p11_only_length(signature_len(op->key), sig, sig_len, &rv))
        return rv; /* the operation goes on */
    rv = p11_op_input(op, data, scratch, &in);
    if (rv == CKR_OK)
        rv = signers[op->mech.scheme](m, op, in, &out);
    if (rv == CKR_OK)
        rv = p11_give(buf_slice(&out), sig, sig_len);
    p11_op_end(op);
    return rv;
}

CK_RV p11_sign(struct p11_module *m, struct p11_session *s, struct slice data, CK_BYTE *sig,
               CK_ULONG *sig_len)
{
    struct p11_op *op = &s->op[P11_OP_SIGN];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->updated)
        return CKR_OPERATION_ACTIVE;
    return finish_sign(m, op, data, sig, sig_len);
}

static CK_RV update(struct p11_op *op, struct slice data)
{
    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = p11_op_add(op, data);
    if (rv != CKR_OK)
        p11_op_end(op);
    return rv;
}

CK_RV p11_sign_update(struct p11_session *s, struct slice data)
{
    return update(&s->op[P11_OP_SIGN], data);
}

CK_RV p11_sign_final(struct p11_module *m, struct p11_session *s, CK_BYTE *sig, CK_ULONG *sig_len)
{
    struct p11_op *op = &s->op[P11_OP_SIGN];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish_sign(m, op, (struct slice){ 0 }, sig, sig_len);
}

/* ---- verify -------------------------------------------------------------------------------------- */

static CK_RV rv_of_verify(err_t e)
{
    return e == ERR_AUTH ? CKR_SIGNATURE_INVALID : p11_rv_from_err(e);
}

static CK_RV verify_pkcs1(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                          struct slice sig)
{
    uint8_t scratch[32 + P11_HASH_MAX];
    struct slice info;
    CK_RV rv = pkcs1_info(op, in, scratch, &info);

    return rv ? rv : rv_of_verify(p11_ossl_rsa_verify_pkcs1(m->ossl, key, info, sig));
}

static CK_RV verify_pss(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                        struct slice sig)
{
    if (in.n != op->pss.hash->len)
        return CKR_DATA_LEN_RANGE;
    return rv_of_verify(
        p11_ossl_rsa_verify_pss(m->ossl, key, op->pss.hash, op->pss.mgf, op->pss.salt_len, in, sig));
}

static CK_RV verify_raw(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                        struct slice sig)
{
    uint8_t want[P11_RSA_MAX], got[P11_RSA_MAX];
    CK_RV rv = p11_left_pad(in, sig.n, want);

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
    return rv_of_verify(p11_ossl_ec_verify(m->ossl, key, cut_digest(op->key, in), buf_slice(&der)));
}

static CK_RV (*const verifiers[])(struct p11_module *, const struct p11_op *, EVP_PKEY *, struct slice,
                                  struct slice) = {
    [P11_RSA_PKCS1] = verify_pkcs1,
    [P11_RSA_PSS] = verify_pss,
    [P11_RSA_RAW] = verify_raw,
    [P11_ECDSA] = verify_ecdsa,
};

static CK_RV finish_verify(struct p11_module *m, struct p11_op *op, struct slice data, struct slice sig)
{
    uint8_t scratch[P11_HASH_MAX];
    EVP_PKEY *key = NULL;
    struct slice in;
    CK_RV rv = sig.n == signature_len(op->key) ? CKR_OK : CKR_SIGNATURE_LEN_RANGE;

    if (rv == CKR_OK)
        rv = p11_op_input(op, data, scratch, &in);
    if (rv == CKR_OK)
        rv = p11_rv_from_err(p11_key_public(m->ossl, op->key, &key));
    if (rv == CKR_OK)
        rv = verifiers[op->mech.scheme](m, op, key, in, sig);
    p11_ossl_key_free(key);
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
    return finish_verify(m, op, data, sig);
}

CK_RV p11_verify_update(struct p11_session *s, struct slice data)
{
    return update(&s->op[P11_OP_VERIFY], data);
}

CK_RV p11_verify_final(struct p11_module *m, struct p11_session *s, struct slice sig)
{
    struct p11_op *op = &s->op[P11_OP_VERIFY];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish_verify(m, op, (struct slice){ 0 }, sig);
}
