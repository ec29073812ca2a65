#include "pkcs11/crypt_rsa.h"

#include "pkcs11/keyop.h"
#include "pkcs11/rv.h"

size_t p11_rsa_most(const struct p11_op *op, bool encrypt, size_t n)
{
    (void)encrypt;
    (void)n;
    return p11_key_modulus_len(op->key);
}

/* ---- encrypt: each makes a block of the modulus's n bytes ------------------------------------------- */

static CK_RV encrypt_pkcs1(struct p11_ossl *o, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                           uint8_t *block)
{
    size_t n = p11_key_modulus_len(op->key);

    if (in.n > n - 11)
        return CKR_DATA_LEN_RANGE;
    return p11_rv_from_err(p11_ossl_rsa_encrypt(o, key, in, block, n));
}

static CK_RV encrypt_oaep(struct p11_ossl *o, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                          uint8_t *block)
{
    const struct p11_oaep *oaep = &op->params.oaep;
    size_t n = p11_key_modulus_len(op->key);

    if (in.n > n - 2 * oaep->hash->len - 2) /* there is as much: params_fit */
        return CKR_DATA_LEN_RANGE;
    return p11_rv_from_err(
        p11_ossl_rsa_encrypt_oaep(o, key, oaep->hash, oaep->mgf, buf_slice(&op->params.extra), in, block, n));
}

static CK_RV encrypt_raw(struct p11_ossl *o, const struct p11_op *op, EVP_PKEY *key, struct slice in,
                         uint8_t *block)
{
    size_t n = p11_key_modulus_len(op->key);
    uint8_t padded[P11_RSA_MAX];
    CK_RV rv = p11_left_pad(in, n, padded);

    if (rv)
        return rv;
    /* All that can be wrong is a number not below the modulus. */
    err_t e = p11_ossl_rsa_raw(o, key, slice_of(padded, n), block);
    mem_wipe(padded, sizeof(padded));
    return e ? CKR_DATA_INVALID : CKR_OK;
}

static CK_RV (*const encrypters[P11_SCHEMES])(struct p11_ossl *, const struct p11_op *, EVP_PKEY *,
                                              struct slice, uint8_t *) = {
    [P11_RSA_PKCS1] = encrypt_pkcs1,
    [P11_RSA_OAEP] = encrypt_oaep,
    [P11_RSA_RAW] = encrypt_raw,
};

static CK_RV encrypt(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    uint8_t block[P11_RSA_MAX];
    EVP_PKEY *key = NULL;
    CK_RV rv = p11_rv_from_err(p11_key_public(m->ossl, op->key, &key));

    if (rv == CKR_OK)
        rv = encrypters[op->mech.scheme](m->ossl, op, key, in, block);
    p11_ossl_key_free(key);
    if (rv == CKR_OK)
        rv = p11_rv_from_err(buf_add_mem(out, block, p11_key_modulus_len(op->key)));
    return rv;
}

/* ---- decrypt ------------------------------------------------------------------------------------------ */

/* Take the padding off. Whatever is wrong with it is ERR_INVALID, and took as long. */
static err_t unpad(struct p11_module *m, const struct p11_op *op, const struct buf *em, uint8_t *message,
                   size_t *ret_n)
{
    if (op->mech.scheme == P11_RSA_PKCS1)
        return p11_unpad_pkcs1(em->p, em->n, message, ret_n);
    return p11_unpad_oaep(m->ossl, &op->params.oaep, buf_slice(&op->params.extra), em->p, em->n, message,
                          ret_n);
}

static CK_RV decrypt(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    autobuf block = BUF_SECRET(P11_RSA_MAX);
    uint8_t message[P11_RSA_MAX];
    size_t n = 0;

    if (in.n != p11_key_modulus_len(op->key))
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    struct p11_work w = p11_work_of(op, in, &block);
    CK_RV rv = p11_work_do(m, op, &p11_rsa_worker, &w);
    if (rv != CKR_OK)
        return rv;
    if (op->mech.scheme == P11_RSA_RAW)
        return p11_rv_from_err(buf_add(out, buf_slice(&block)));
    err_t e = unpad(m, op, &block, message, &n);
    rv = e == ERR_INVALID ? CKR_ENCRYPTED_DATA_INVALID : p11_rv_from_err(e);
    if (rv == CKR_OK)
        rv = p11_rv_from_err(buf_add_mem(out, message, n));
    mem_wipe(message, sizeof(message));
    return rv;
}

CK_RV p11_rsa_run(struct p11_module *m, const struct p11_op *op, bool encrypts, struct slice in,
                  struct buf *out)
{
    return (encrypts ? encrypt : decrypt)(m, op, in, out);
}
