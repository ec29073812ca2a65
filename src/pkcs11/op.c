#include "pkcs11/op.h"

#include "pkcs11/rv.h"

/* An HMAC's hash is inside the operation on the key. */
static bool hashes_first(const struct p11_mech *mech)
{
    return mech->hash && mech->scheme != P11_HMAC;
}

/* What is worked on as a whole is collected; of streams only the bytes of an unfinished block are. */
static size_t data_max(enum p11_scheme scheme)
{
    bool whole = scheme == P11_EDDSA || scheme == P11_AES_GCM || scheme == P11_AES_CMAC || scheme == P11_HMAC;
    return whole ? P11_OP_WHOLE_MAX : P11_OP_DATA_MAX;
}

CK_RV p11_op_start(struct p11_op *op, struct p11_ossl *o, const struct p11_mech *mech, struct p11_key *key,
                   struct p11_params *params)
{
    EVP_MD_CTX *md = NULL;
    err_t e = hashes_first(mech) ? p11_ossl_digest_start(o, mech->hash, &md) : ERR_OK;

    if (e) {
        p11_params_done(params);
        return p11_rv_from_err(e);
    }
    *op = (struct p11_op){
        .active = true,
        .mech = *mech,
        .key = key ? p11_key_ref(key) : NULL,
        .params = *params,
        .md = md,
        .data = BUF_SECRET(data_max(mech->scheme)),
    };
    *params = (struct p11_params){ 0 };
    return CKR_OK;
}

void p11_op_end(struct p11_op *op)
{
    if (!op->active)
        return;
    p11_ossl_digest_free(op->md);
    p11_key_unref(op->key);
    buf_done(&op->data);
    p11_params_done(&op->params);
    *op = (struct p11_op){ 0 };
}

CK_RV p11_op_add(struct p11_op *op, struct slice data)
{
    op->updated = true;
    err_t e = op->md ? p11_ossl_digest_add(op->md, data) : buf_add(&op->data, data);
    return p11_rv_from_err(e);
}

CK_RV p11_op_update(struct p11_op *op, struct slice data)
{
    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = p11_op_add(op, data);
    if (rv != CKR_OK)
        p11_op_end(op);
    return rv;
}

CK_RV p11_op_input(struct p11_op *op, struct slice last, uint8_t *scratch, struct slice *ret)
{
    if (op->md) {
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
