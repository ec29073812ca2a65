#include "pkcs11/op.h"

#include "pkcs11/rv.h"

CK_RV p11_op_start(struct p11_op *op, struct p11_ossl *o, const struct p11_mech *mech, struct p11_key *key,
                   const struct p11_pss *pss)
{
    EVP_MD_CTX *md = NULL;

    if (op->active)
        return CKR_OPERATION_ACTIVE;
    err_t e = mech->hash ? p11_ossl_digest_start(o, mech->hash, &md) : ERR_OK;
    if (e)
        return p11_rv_from_err(e);
    *op = (struct p11_op){
        .active = true,
        .mech = *mech,
        .key = key ? p11_key_ref(key) : NULL,
        .pss = *pss,
        .md = md,
        .data = BUF_SECRET(P11_OP_DATA_MAX),
    };
    return CKR_OK;
}

void p11_op_end(struct p11_op *op)
{
    if (!op->active)
        return;
    p11_ossl_digest_free(op->md);
    p11_key_unref(op->key);
    buf_done(&op->data);
    *op = (struct p11_op){ 0 };
}

CK_RV p11_op_add(struct p11_op *op, struct slice data)
{
    op->updated = true;
    err_t e = op->md ? p11_ossl_digest_add(op->md, data) : buf_add(&op->data, data);
    return p11_rv_from_err(e);
}

CK_RV p11_op_input(struct p11_op *op, struct slice last, uint8_t *scratch, struct slice *ret)
{
    if (op->mech.hash) {
        err_t e = p11_ossl_digest_add(op->md, last);
        if (!e)
            e = p11_ossl_digest_end(op->md, scratch);
        if (!e)
            *ret = slice_of(scratch, op->mech.hash->len);
        return p11_rv_from_err(e);
    }
    if (!op->updated) {
        *ret = last;
        return CKR_OK;
    }
    err_t e = buf_add(&op->data, last);
    if (!e)
        *ret = buf_slice(&op->data);
    return p11_rv_from_err(e);
}
