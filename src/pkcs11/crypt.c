#include "pkcs11/crypt.h"

#include "pkcs11/keyop.h"
#include "pkcs11/rv.h"

CK_RV p11_crypt_init(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind,
                     const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    bool decrypt = kind == P11_OP_DECRYPT;

    return p11_keyop_init(m, &s->op[kind], decrypt ? CKF_DECRYPT : CKF_ENCRYPT,
                          decrypt ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY, mech, key);
}

static CK_RV encrypt_block(struct p11_module *m, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                           uint8_t *block)
{
    size_t n = p11_key_modulus_len(op->key);
    uint8_t padded[P11_RSA_MAX];

    if (op->mech.scheme == P11_RSA_PKCS1) {
        if (in.n > n - 11)
            return CKR_DATA_LEN_RANGE;
        return p11_rv_from_err(p11_ossl_rsa_encrypt(m->ossl, key, in, block, n));
    }
    CK_RV rv = p11_left_pad(in, n, padded);
    if (rv)
        return rv;
    /* All that can be wrong is a number not below the modulus. */
    return p11_ossl_rsa_raw(m->ossl, key, slice_of(padded, n), block) ? CKR_DATA_INVALID : CKR_OK;
}

static CK_RV encrypt(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t block[P11_RSA_MAX];
    EVP_PKEY *key = NULL;
    CK_RV rv = p11_rv_from_err(p11_key_public(m->ossl, op->key, &key));

    if (rv == CKR_OK)
        rv = encrypt_block(m, op, key, in, block);
    p11_ossl_key_free(key);
    if (rv == CKR_OK)
        rv = p11_rv_from_err(buf_add_mem(out, block, p11_key_modulus_len(op->key)));
    return rv;
}

static CK_RV decrypt(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    autobuf block = BUF_SECRET(P11_RSA_MAX);
    uint8_t message[P11_RSA_MAX];
    size_t n = 0;

    if (in.n != p11_key_modulus_len(op->key))
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    CK_RV rv = p11_keyop_private(m, op->key, p11_keyop_rsa_raw, in, &block);
    if (rv != CKR_OK)
        return rv;
    if (op->mech.scheme == P11_RSA_RAW)
        return p11_rv_from_err(buf_add(out, buf_slice(&block)));
    if (p11_unpad_pkcs1(block.p, block.n, message, &n) != ERR_OK)
        rv = CKR_ENCRYPTED_DATA_INVALID;
    else
        rv = p11_rv_from_err(buf_add_mem(out, message, n));
    mem_wipe(message, sizeof(message));
    return rv;
}

static CK_RV finish(struct p11_module *m, struct p11_op *op, enum p11_op_kind kind, struct slice last,
                    CK_BYTE *out, CK_ULONG *out_len)
{
    autobuf result = BUF_SECRET(P11_RSA_MAX);
    uint8_t scratch[P11_HASH_MAX];
    struct slice in;
    CK_RV rv = CKR_OK;

    if (!out) {
        *out_len = p11_key_modulus_len(op->key);
        return CKR_OK;
    }
    rv = p11_op_input(op, last, scratch, &in);
    if (rv == CKR_OK)
        rv = kind == P11_OP_DECRYPT ? decrypt(m, op, in, &result) : encrypt(m, op, in, &result);
    if (rv == CKR_OK)
        rv = p11_give(buf_slice(&result), out, out_len);
    if (rv != CKR_BUFFER_TOO_SMALL) /* then it is asked again with more room */
        p11_op_end(op);
    return rv;
}

CK_RV p11_crypt(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind, struct slice in,
                CK_BYTE *out, CK_ULONG *out_len)
{
    struct p11_op *op = &s->op[kind];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->updated)
        return CKR_OPERATION_ACTIVE;
    return finish(m, op, kind, in, out, out_len);
}

CK_RV p11_crypt_update(struct p11_session *s, enum p11_op_kind kind, struct slice in, CK_BYTE *out,
                       CK_ULONG *out_len)
{
    struct p11_op *op = &s->op[kind];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    *out_len = 0;
    if (!out)
        return CKR_OK; /* a length query */
    CK_RV rv = p11_op_add(op, in);
    if (rv != CKR_OK)
        p11_op_end(op);
    return rv;
}

CK_RV p11_crypt_final(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind, CK_BYTE *out,
                      CK_ULONG *out_len)
{
    struct p11_op *op = &s->op[kind];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish(m, op, kind, (struct slice){ 0 }, out, out_len);
}
