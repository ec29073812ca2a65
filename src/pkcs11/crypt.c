#include "pkcs11/crypt.h"

#include "pkcs11/cipher.h"
#include "pkcs11/crypt_rsa.h"
#include "pkcs11/gcm.h"
#include "pkcs11/keyop.h"
#include "pkcs11/rv.h"

/* How a scheme ends: the longest its result can be for n bytes, and the work. `flows`: pieces can be worked
 * on before the end. */
static const struct {
    size_t (*most)(const struct p11_op *op, bool encrypt, size_t n);
    CK_RV(*end)
    (struct p11_module *m, const struct p11_op *op, bool encrypt, struct slice in, struct buf *out);
    bool flows;
} schemes[P11_SCHEMES] = {
    [P11_RSA_PKCS1] = { p11_rsa_most, p11_rsa_run },
    [P11_RSA_OAEP] = { p11_rsa_most, p11_rsa_run },
    [P11_RSA_RAW] = { p11_rsa_most, p11_rsa_run },
    [P11_AES_ECB] = { p11_cipher_most, p11_cipher_end, true },
    [P11_AES_CBC] = { p11_cipher_most, p11_cipher_end, true },
    [P11_AES_CBC_PAD] = { p11_cipher_most, p11_cipher_end, true },
    [P11_AES_CTR] = { p11_cipher_most, p11_cipher_end, true },
    [P11_AES_GCM] = { p11_gcm_most, p11_gcm_run },
};

/* Results are at most this much longer than what goes in (RSA: than nothing). */
#define GROWTH P11_RSA_MAX

CK_RV p11_crypt_init(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind,
                     const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return p11_keyop_init(m, &s->op[kind], kind == P11_OP_DECRYPT ? CKF_DECRYPT : CKF_ENCRYPT, mech, key);
}

static CK_RV finish(struct p11_module *m, struct p11_op *op, enum p11_op_kind kind, struct slice last,
                    CK_BYTE *out, CK_ULONG *out_len)
{
    bool encrypt = kind == P11_OP_ENCRYPT;
    struct slice in;

    if (!out) {
        *out_len = schemes[op->mech.scheme].most(op, encrypt, op->data.n + last.n);
        return CKR_OK;
    }
    autobuf result = BUF_SECRET(op->data.n + last.n + GROWTH);
    CK_RV rv = p11_op_input(op, last, NULL, &in);
    if (rv == CKR_OK)
        rv = schemes[op->mech.scheme].end(m, op, encrypt, in, &result);
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

/* Work on what is ready of the bytes kept and the new ones, keep the rest. */
static CK_RV flow(struct p11_module *m, struct p11_op *op, bool encrypt, struct slice in, CK_BYTE *out,
                  CK_ULONG *out_len)
{
    size_t ready = p11_cipher_ready(op, encrypt, op->data.n + in.n);
    autobuf all = BUF_SECRET(op->data.n + in.n), result = BUF_SECRET(ready + GROWTH);
    CK_RV rv = CKR_OK;

    if (p11_only_length(ready, out, out_len, &rv))
        return rv;
    err_t e = buf_add(&all, buf_slice(&op->data));
    if (!e)
        e = buf_add(&all, in);
    if (e)
        return p11_rv_from_err(e);
    rv = p11_cipher_next(m, op, encrypt, slice_head(buf_slice(&all), ready), &result);
    if (rv != CKR_OK)
        return rv;
    op->updated = true;
    buf_clear(&op->data);
    rv = p11_rv_from_err(buf_add(&op->data, slice_skip(buf_slice(&all), ready)));
    return rv ? rv : p11_give(buf_slice(&result), out, out_len);
}

CK_RV p11_crypt_update(struct p11_module *m, struct p11_session *s, enum p11_op_kind kind, struct slice in,
                       CK_BYTE *out, CK_ULONG *out_len)
{
    struct p11_op *op = &s->op[kind];
    CK_RV rv = CKR_OK;

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (schemes[op->mech.scheme].flows) {
        rv = flow(m, op, kind == P11_OP_ENCRYPT, in, out, out_len);
    } else {
        *out_len = 0;
        rv = out ? p11_op_add(op, in) : CKR_OK; /* NULL: a length query */
    }
    if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
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
