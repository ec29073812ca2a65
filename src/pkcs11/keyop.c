#include "pkcs11/keyop.h"

#include "pkcs11/rv.h"
#include "se/key.h"

/* A hidden private key is told apart from none: a program that forgot to log in shall learn it. */
static CK_RV find_key(struct p11_module *m, CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS class,
                      struct p11_key **ret)
{
    auto_p11_object struct p11_object *o = NULL;

    if (p11_objects_get(m->objects, handle, true, &o) != ERR_OK || !o->key)
        return CKR_KEY_HANDLE_INVALID;
    if (o->class != class)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (o->private && !p11_logged_in(m->sessions))
        return CKR_USER_NOT_LOGGED_IN;
    *ret = p11_key_ref(o->key);
    return CKR_OK;
}

static CK_RV key_fits(const struct p11_key *key, const struct p11_mech *mech, const struct p11_pss *pss)
{
    CK_KEY_TYPE wanted = mech->scheme == P11_ECDSA ? CKK_EC : CKK_RSA;

    if (key->type != wanted)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (key->type == CKK_RSA && (key->bits < 512 || key->bits > P11_RSA_MAX * 8))
        return CKR_KEY_SIZE_RANGE;
    if (mech->scheme == P11_RSA_PSS && (key->bits - 1 + 7) / 8 < pss->hash->len + pss->salt_len + 2)
        return CKR_MECHANISM_PARAM_INVALID; /* RFC 8017 §9.1.1 step 3 */
    return CKR_OK;
}

CK_RV p11_keyop_init(struct p11_module *m, struct p11_op *op, CK_FLAGS flag, CK_OBJECT_CLASS class,
                     const CK_MECHANISM *given, CK_OBJECT_HANDLE handle)
{
    auto_p11_key struct p11_key *key = NULL;
    struct p11_pss pss = { 0 };
    struct p11_mech mech;

    if (op->active)
        return CKR_OPERATION_ACTIVE;
    if (!given)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = p11_mech_find(given->mechanism, flag, &mech);
    if (rv == CKR_OK)
        rv = p11_mech_params(&mech, given, &pss);
    if (rv == CKR_OK)
        rv = find_key(m, handle, class, &key);
    if (rv == CKR_OK)
        rv = key_fits(key, &mech, &pss);
    if (rv == CKR_OK)
        rv = p11_op_start(op, m->ossl, &mech, key, &pss);
    return rv;
}

struct private_op {
    const struct p11_key *key;
    p11_keyop_fn fn;
    struct slice in;
    struct buf *out;
};

static err_t run_private(struct se_chip *chip, void *arg)
{
    const struct private_op *p = arg;

    buf_clear(p->out);
    return p->fn(chip, p->key, p->in, p->out);
}

CK_RV p11_keyop_private(struct p11_module *m, const struct p11_key *key, p11_keyop_fn fn, struct slice in,
                        struct buf *out)
{
    struct private_op p = { key, fn, in, out };

    if (!p11_logged_in(m->sessions))
        return CKR_USER_NOT_LOGGED_IN;
    return p11_rv_from_err_key(p11_device_do(m->device, run_private, &p));
}

err_t p11_keyop_rsa_raw(struct se_chip *chip, const struct p11_key *key, struct slice in, struct buf *out)
{
    return se_rsa_private_raw(chip, key->id, in, out);
}

bool p11_only_length(CK_ULONG len, const CK_BYTE *out, CK_ULONG *out_len, CK_RV *ret_rv)
{
    CK_ULONG room = *out_len;

    if (out && room >= len)
        return false;
    *out_len = len;
    *ret_rv = out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    return true;
}

CK_RV p11_give(struct slice bytes, CK_BYTE *out, CK_ULONG *out_len)
{
    CK_RV rv = CKR_OK;

    if (p11_only_length(bytes.n, out, out_len, &rv))
        return rv;
    if (bytes.n)
        memcpy(out, bytes.p, bytes.n);
    *out_len = bytes.n;
    return CKR_OK;
}

CK_RV p11_left_pad(struct slice in, size_t n, uint8_t *out)
{
    if (in.n > n)
        return CKR_DATA_LEN_RANGE;
    memset(out, 0, n - in.n);
    if (in.n)
        memcpy(out + n - in.n, in.p, in.n);
    return CKR_OK;
}
