#include "pkcs11/digest.h"

#include "pkcs11/keyop.h"

CK_RV p11_digest_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *given)
{
    struct p11_op *op = &s->op[P11_OP_DIGEST];
    struct p11_params none = { 0 };
    struct p11_mech mech;

    if (op->active)
        return CKR_OPERATION_ACTIVE;
    if (!given)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = p11_mech_find(given->mechanism, CKF_DIGEST, &mech);
    if (rv == CKR_OK)
        rv = p11_mech_bare(given);
    if (rv == CKR_OK)
        rv = p11_op_start(op, m->ossl, &mech, NULL, &none);
    return rv;
}

static CK_RV finish(struct p11_op *op, struct slice last, CK_BYTE *out, CK_ULONG *out_len)
{
    uint8_t scratch[P11_HASH_MAX];
    struct slice digest;
    CK_RV rv = CKR_OK;

    if (p11_only_length(op->mech.hash->len, out, out_len, &rv))
        return rv;
    rv = p11_op_input(op, last, scratch, &digest);
    if (rv == CKR_OK)
        rv = p11_give(digest, out, out_len);
    p11_op_end(op);
    return rv;
}

CK_RV p11_digest(struct p11_session *s, struct slice data, CK_BYTE *out, CK_ULONG *out_len)
{
    struct p11_op *op = &s->op[P11_OP_DIGEST];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->updated)
        return CKR_OPERATION_ACTIVE;
    return finish(op, data, out, out_len);
}

CK_RV p11_digest_update(struct p11_session *s, struct slice data)
{
    struct p11_op *op = &s->op[P11_OP_DIGEST];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = p11_op_add(op, data);
    if (rv != CKR_OK)
        p11_op_end(op);
    return rv;
}

CK_RV p11_digest_final(struct p11_session *s, CK_BYTE *out, CK_ULONG *out_len)
{
    struct p11_op *op = &s->op[P11_OP_DIGEST];

    if (!op->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    return finish(op, (struct slice){ 0 }, out, out_len);
}
