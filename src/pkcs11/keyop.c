#include "pkcs11/keyop.h"

#include "pkcs11/mac.h"
#include "pkcs11/rv.h"
#include "se/key.h"

/* The type of key that a scheme works with. */
static const struct {
    CK_KEY_TYPE type, other;
    bool secret;
} needs[P11_SCHEMES] = {
    [P11_RSA_PKCS1] = { CKK_RSA, CKK_RSA },
    [P11_RSA_PSS] = { CKK_RSA, CKK_RSA },
    [P11_RSA_OAEP] = { CKK_RSA, CKK_RSA },
    [P11_RSA_RAW] = { CKK_RSA, CKK_RSA },
    [P11_ECDSA] = { CKK_EC, CKK_EC },
    [P11_EDDSA] = { CKK_EC_EDWARDS, CKK_EC_EDWARDS },
    [P11_ECDH] = { CKK_EC, CKK_EC_MONTGOMERY },
    [P11_AES_ECB] = { CKK_AES, CKK_AES, true },
    [P11_AES_CBC] = { CKK_AES, CKK_AES, true },
    [P11_AES_CBC_PAD] = { CKK_AES, CKK_AES, true },
    [P11_AES_CTR] = { CKK_AES, CKK_AES, true },
    [P11_AES_GCM] = { CKK_AES, CKK_AES, true },
    [P11_AES_CMAC] = { CKK_AES, CKK_AES, true },
    [P11_AES_WRAP] = { CKK_AES, CKK_AES, true },
    [P11_HMAC] = { CKK_GENERIC_SECRET, CKK_GENERIC_SECRET, true },
};

static const struct {
    CK_FLAGS flag;
    CK_ATTRIBUTE_TYPE usage;
    CK_OBJECT_CLASS half; /* of a pair */
} uses[] = {
    { CKF_SIGN, CKA_SIGN, CKO_PRIVATE_KEY },      { CKF_VERIFY, CKA_VERIFY, CKO_PUBLIC_KEY },
    { CKF_ENCRYPT, CKA_ENCRYPT, CKO_PUBLIC_KEY }, { CKF_DECRYPT, CKA_DECRYPT, CKO_PRIVATE_KEY },
    { CKF_DERIVE, CKA_DERIVE, CKO_PRIVATE_KEY },  { CKF_UNWRAP, CKA_UNWRAP, CKO_PRIVATE_KEY },
};

/* The object may be used for this, and is there to be used now. */
static CK_RV may_be_used(struct p11_module *m, const struct p11_object *o, CK_FLAGS flag, bool secret)
{
    size_t i = 0;

    while (i < ARRAY_LEN(uses) && uses[i].flag != flag)
        i++;
    if (i == ARRAY_LEN(uses) || o->class != (secret ? CKO_SECRET_KEY : uses[i].half) ||
        !p11_object_may(o, uses[i].usage))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    /* A hidden key is told apart from none: a program that forgot to log in shall learn it. */
    return o->private && !p11_logged_in(m->sessions) ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
}

CK_RV p11_keyop_find(struct p11_module *m, CK_FLAGS flag, const struct p11_mech *mech,
                     CK_OBJECT_HANDLE handle, struct p11_object **ret)
{
    auto_p11_object struct p11_object *o = NULL;

    if (p11_objects_get(m->objects, handle, true, &o) != ERR_OK || !o->key)
        return CKR_KEY_HANDLE_INVALID;
    if (o->key->type != needs[mech->scheme].type && o->key->type != needs[mech->scheme].other)
        return CKR_KEY_TYPE_INCONSISTENT;
    CK_RV rv = may_be_used(m, o, flag, needs[mech->scheme].secret);
    if (rv == CKR_OK && o->key->type == CKK_RSA && (o->key->bits < 512 || o->key->bits > P11_RSA_MAX * 8))
        rv = CKR_KEY_SIZE_RANGE;
    if (rv == CKR_OK)
        *ret = steal(&o);
    return rv;
}

/* RFC 8017 §9.1.1 step 3 and §7.1.1 step 1: the modulus has room for hash and salt. */
static CK_RV params_fit(const struct p11_key *key, const struct p11_mech *mech, const struct p11_params *p)
{
    size_t least = 0;

    if (mech->scheme == P11_HMAC && key->in_chip && !p11_mac_in_chip(mech))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (mech->scheme == P11_RSA_PSS)
        least = p->pss.hash->len + p->pss.salt_len + 2;
    if (mech->scheme == P11_RSA_OAEP)
        least = 2 * p->oaep.hash->len + 2;
    return least > (key->bits - 1 + 7) / 8 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

CK_RV p11_keyop_init(struct p11_module *m, struct p11_op *op, CK_FLAGS flag, const CK_MECHANISM *given,
                     CK_OBJECT_HANDLE handle)
{
    auto_p11_object struct p11_object *o = NULL;
    struct p11_params params = { 0 };
    struct p11_mech mech;

    if (op->active)
        return CKR_OPERATION_ACTIVE;
    if (!given)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = p11_mech_find(given->mechanism, flag, &mech);
    if (rv == CKR_OK)
        rv = p11_params_read(&mech, given, &params);
    if (rv == CKR_OK)
        rv = p11_keyop_find(m, flag, &mech, handle, &o);
    if (rv == CKR_OK)
        rv = params_fit(o->key, &mech, &params);
    if (rv == CKR_OK)
        rv = p11_op_start(op, m->ossl, &mech, o->key, &params);
    if (rv == CKR_OK)
        op->private = o->private;
    p11_params_done(&params);
    return rv;
}

struct p11_work p11_work_of(const struct p11_op *op, struct slice in, struct buf *out)
{
    return (
        struct p11_work){ .key = op->key, .mech = &op->mech, .params = &op->params, .in = in, .out = out };
}

struct errand {
    const struct p11_worker *who;
    const struct p11_work *work;
    size_t before; /* of what is in out already */
};

static err_t run_in_chip(struct se_chip *chip, void *arg)
{
    const struct errand *e = arg;

    buf_cut(e->work->out, e->before); /* a second try starts over */
    return e->who->chip(chip, e->work);
}

CK_RV p11_work_do(struct p11_module *m, const struct p11_op *op, const struct p11_worker *who,
                  const struct p11_work *w)
{
    struct errand errand = { who, w, w->out->n };
    err_t e = ERR_OK;

    if (op->private && !p11_logged_in(m->sessions))
        return CKR_USER_NOT_LOGGED_IN;
    if (w->key->in_chip)
        e = p11_device_do(m->device, run_in_chip, &errand);
    else
        e = who->soft(m->ossl, w);
    if (e)
        buf_cut(w->out, errand.before);
    return p11_rv_from_err_key(e);
}

static err_t rsa_in_chip(struct se_chip *chip, const struct p11_work *w)
{
    return se_rsa_private_raw(chip, w->key->id, w->in, w->out);
}

static err_t rsa_here(struct p11_ossl *o, const struct p11_work *w)
{
    EVP_PKEY *key = NULL;
    err_t e = p11_ossl_private(o, buf_slice(&w->key->value), &key);

    if (!e)
        e = buf_reserve(w->out, w->in.n);
    if (!e)
        e = p11_ossl_rsa_private_raw(o, key, w->in, w->out->p + w->out->n);
    if (!e)
        w->out->n += w->in.n;
    p11_ossl_key_free(key);
    return e;
}

const struct p11_worker p11_rsa_worker = { rsa_in_chip, rsa_here };

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
