#include "pkcs11/unwrap.h"

#include "pkcs11/attr.h"
#include "pkcs11/create.h"
#include "pkcs11/keyop.h"
#include "pkcs11/rv.h"

#define WRAP_MORE 8 /* RFC 3394 §2.2.1: one semiblock */

static CK_RV judge(struct slice wrapped, struct p11_template t, bool in_chip, CK_KEY_TYPE *ret_type)
{
    CK_ULONG class = CKO_SECRET_KEY, type = CKK_GENERIC_SECRET;
    struct slice token = { 0 };

    (void)p11_attr_ulong(t.v, t.n, CKA_CLASS, &class);
    (void)p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &type);
    (void)p11_attr_bytes(t.v, t.n, CKA_TOKEN, &token);
    bool on_token = token.n == 1 && token.p[0] != CK_FALSE;
    if (class != CKO_SECRET_KEY || (type != CKK_AES && type != CKK_GENERIC_SECRET) || (in_chip && !on_token))
        return CKR_TEMPLATE_INCONSISTENT;
    /* RFC 3394 §2: at least two semiblocks; §3.3 of the chip: keys up to 256 bytes. */
    if (wrapped.n % WRAP_MORE || wrapped.n < 3 * WRAP_MORE || wrapped.n > 256 + WRAP_MORE)
        return CKR_WRAPPED_KEY_LEN_RANGE;
    *ret_type = type;
    return CKR_OK;
}

static CK_RV unwrap_here(struct p11_module *m, struct p11_session *s, const struct p11_key *kek,
                         struct slice wrapped, struct p11_template t, CK_OBJECT_HANDLE *ret)
{
    autobuf value = BUF_SECRET(P11_KEY_VALUE_MAX);
    err_t e = p11_ossl_unwrap(m->ossl, buf_slice(&kek->value), wrapped, &value);

    if (e)
        return e == ERR_AUTH ? CKR_WRAPPED_KEY_INVALID : p11_rv_from_err(e);
    return p11_create_secret(m, s, t, buf_slice(&value), ret);
}

/* C_UnwrapKey's own names for what is wrong with the key. */
static CK_RV rv_of_kek(CK_RV rv)
{
    if (rv == CKR_KEY_HANDLE_INVALID)
        return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
    return rv == CKR_KEY_TYPE_INCONSISTENT ? CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT : rv;
}

CK_RV p11_unwrap(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *given,
                 CK_OBJECT_HANDLE with, struct slice wrapped, struct p11_template template,
                 CK_OBJECT_HANDLE *ret)
{
    auto_p11_object struct p11_object *kek = NULL;
    CK_KEY_TYPE type = 0;
    struct p11_mech mech;
    CK_RV rv = p11_attr_check_template(template.v, template.n);

    if (rv == CKR_OK)
        rv = p11_mech_find(given->mechanism, CKF_UNWRAP, &mech);
    if (rv == CKR_OK)
        rv = p11_mech_bare(given);
    if (rv == CKR_OK)
        rv = rv_of_kek(p11_keyop_find(m, CKF_UNWRAP, &mech, with, &kek));
    if (rv == CKR_OK)
        rv = judge(wrapped, template, kek->key->in_chip, &type);
    if (rv != CKR_OK)
        return rv;
    if (kek->key->in_chip) {
        rv = p11_create_secret_wrapped(m, s, template, type, wrapped, kek->key->id, ret);
        return rv == CKR_ENCRYPTED_DATA_INVALID ? CKR_WRAPPED_KEY_INVALID : rv;
    }
    return unwrap_here(m, s, kek->key, wrapped, template, ret);
}
