#include "pkcs11/sign.h"

#include "pkcs11/keyop.h"
#include "pkcs11/mac.h"
#include "pkcs11/rv.h"
#include "pkcs11/sigin.h"
#include "se/key.h"
#include "se/sig.h"

CK_RV p11_sign_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                    CK_OBJECT_HANDLE key)
{
    return p11_keyop_init(m, &s->op[P11_OP_SIGN], CKF_SIGN, mech, key);
}

/* ---- who signs --------------------------------------------------------------------------------------- */

static err_t put_ecdsa(const struct p11_work *w, err_t made, const struct buf *der)
{
    return made ? made : se_sig_der_to_raw(buf_slice(der), w->key->curve->private_len, w->out);
}

static err_t ecdsa_in_chip(struct se_chip *chip, const struct p11_work *w)
{
    autobuf der = BUF_INIT(256);
    return put_ecdsa(w, se_ec_sign(chip, w->key->id, w->in, &der), &der);
}

static err_t ecdsa_here(struct p11_ossl *o, const struct p11_work *w)
{
    autobuf der = BUF_INIT(256);
    EVP_PKEY *key = NULL;
    err_t e = p11_ossl_private(o, buf_slice(&w->key->value), &key);

    if (!e)
        e = p11_ossl_ec_sign(o, key, w->in, &der);
    p11_ossl_key_free(key);
    return put_ecdsa(w, e, &der);
}

static err_t eddsa_in_chip(struct se_chip *chip, const struct p11_work *w)
{
    uint8_t sig[SE_ED_SIGNATURE_LEN];
    err_t e = se_ed_sign(chip, w->key->id, w->in, sig);

    return e ? e : buf_add_mem(w->out, sig, sizeof(sig));
}

static err_t eddsa_here(struct p11_ossl *o, const struct p11_work *w)
{
    EVP_PKEY *key = NULL;
    err_t e = p11_ossl_private(o, buf_slice(&w->key->value), &key);

    if (!e)
        e = p11_ossl_eddsa_sign(o, key, w->in, w->out);
    p11_ossl_key_free(key);
    return e;
}

static const struct p11_worker ecdsa_worker = { ecdsa_in_chip, ecdsa_here };
static const struct p11_worker eddsa_worker = { eddsa_in_chip, eddsa_here };

/* ---- what is signed ---------------------------------------------------------------------------------- */

/* An encoded message of the modulus's length. */
static CK_RV sign_block(struct p11_module *m, const struct p11_op *op, const uint8_t *em, struct buf *out)
{
    struct p11_work w = p11_work_of(op, slice_of(em, p11_key_modulus_len(op->key)), out);
    return p11_work_do(m, op, &p11_rsa_worker, &w);
}

static CK_RV sign_pkcs1(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t scratch[P11_INFO_MAX], em[P11_RSA_MAX];
    struct slice info;
    CK_RV rv = p11_sig_info(op, in, scratch, &info);

    if (rv == CKR_OK)
        rv = p11_rv_from_err(p11_pad_pkcs1(info, p11_key_modulus_len(op->key), em));
    return rv ? rv : sign_block(m, op, em, out);
}

static CK_RV sign_pss(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t em[P11_RSA_MAX];

    if (in.n != op->params.pss.hash->len)
        return CKR_DATA_LEN_RANGE;
    CK_RV rv = p11_rv_from_err(p11_pad_pss(m->ossl, &op->params.pss, op->key->bits, in, em));
    return rv ? rv : sign_block(m, op, em, out);
}

static CK_RV sign_raw(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t block[P11_RSA_MAX];
    CK_RV rv = p11_left_pad(in, p11_key_modulus_len(op->key), block);

    return rv ? rv : sign_block(m, op, block, out);
}

static CK_RV sign_ecdsa(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    struct p11_work w = p11_work_of(op, p11_sig_cut(op->key, in), out);
    return in.n ? p11_work_do(m, op, &ecdsa_worker, &w) : CKR_DATA_LEN_RANGE;
}

static CK_RV sign_eddsa(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    struct p11_work w = p11_work_of(op, in, out);
    return p11_work_do(m, op, &eddsa_worker, &w);
}

static CK_RV (*const signers[P11_SCHEMES])(struct p11_module *, const struct p11_op *, struct slice,
                                           struct buf *) = {
    [P11_RSA_PKCS1] = sign_pkcs1, [P11_RSA_PSS] = sign_pss, [P11_RSA_RAW] = sign_raw,
    [P11_ECDSA] = sign_ecdsa,     [P11_EDDSA] = sign_eddsa, [P11_AES_CMAC] = p11_mac_make,
    [P11_HMAC] = p11_mac_make,
};

static CK_RV finish(struct p11_module *m, struct p11_op *op, struct slice data, CK_BYTE *sig,
                    CK_ULONG *sig_len)
{
    autobuf out = BUF_INIT(P11_RSA_MAX);
    uint8_t scratch[P11_HASH_MAX];
    struct slice in;
    CK_RV rv = CKR_OK;

    if (p11_only_length(p11_sig_len(op), sig, sig_len, &rv))
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
    return finish(m, op, data, sig, sig_len);
}

CK_RV p11_sign_update(struct p11_session *s, struct slice data)
{
    return p11_op_update(&s->op[P11_OP_SIGN], data);
}

CK_RV p11_sign_final(struct p11_module *m, struct p11_session *s, CK_BYTE *sig, CK_ULONG *sig_len)
{
    struct p11_op *op = &s->op[P11_OP_SIGN];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish(m, op, (struct slice){ 0 }, sig, sig_len);
}
