#include "pkcs11/template.h"

#include "pkcs11/rv.h"

typedef CK_RV (*taker)(struct p11_object *o, const CK_ATTRIBUTE *a);

static struct slice value_of(const CK_ATTRIBUTE *a)
{
    return slice_of(a->pValue, a->ulValueLen);
}

static bool is_flag(const CK_ATTRIBUTE *a, CK_BBOOL want)
{
    return a->ulValueLen == sizeof(want) && *(const CK_BBOOL *)a->pValue == want;
}

static CK_RV set_text(struct buf *b, const CK_ATTRIBUTE *a)
{
    if (a->ulValueLen > P11_TEXT_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    buf_clear(b);
    return p11_rv_from_err(buf_add(b, value_of(a)));
}

static CK_RV take_label(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return set_text(&o->label, a);
}

/* Never an empty one (consumers §5): the default stays. */
static CK_RV take_id(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return a->ulValueLen ? set_text(&o->cka_id, a) : CKR_OK;
}

static CK_RV take_application(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return set_text(&o->application, a);
}

static CK_RV take_object_id(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return set_text(&o->object_id, a);
}

static CK_RV take_private(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    if (a->ulValueLen != sizeof(CK_BBOOL))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    bool private = *(const CK_BBOOL *)a->pValue;
    /* A certificate is what everybody shall read; a private key is what nobody shall use without login. */
    if (o->class == CKO_PUBLIC_KEY || o->class == CKO_CERTIFICATE)
        return CKR_OK;
    o->private = o->class == CKO_PRIVATE_KEY || private;
    return CKR_OK;
}

/* What a key cannot do it will not learn from a template: `true` is heard only where it can be. */
static CK_RV take_usage(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    if (a->ulValueLen != sizeof(CK_BBOOL))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (!*(const CK_BBOOL *)a->pValue)
        o->may &= ~p11_may_of(a->type);
    return CKR_OK;
}

static CK_RV take_sensitive(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    o->sensitive = !is_flag(a, CK_FALSE);
    return CKR_OK;
}

static CK_RV take_extractable(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    o->extractable = is_flag(a, CK_TRUE);
    return CKR_OK;
}

static CK_RV take_nothing(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return CKR_OK;
}

static CK_RV only_false(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return is_flag(a, CK_FALSE) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV read_only(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    return CKR_ATTRIBUTE_READ_ONLY;
}

/* What is not here is CKR_ATTRIBUTE_TYPE_INVALID. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    taker take;
} takers[] = {
    { CKA_LABEL, take_label },
    { CKA_ID, take_id },
    { CKA_APPLICATION, take_application },
    { CKA_OBJECT_ID, take_object_id },
    { CKA_PRIVATE, take_private },
    { CKA_SIGN, take_usage },
    { CKA_VERIFY, take_usage },
    { CKA_ENCRYPT, take_usage },
    { CKA_DECRYPT, take_usage },
    { CKA_DERIVE, take_usage },
    { CKA_WRAP, take_usage },
    { CKA_UNWRAP, take_usage },
    /* in the chip they are always stricter than any template: sensitive, not extractable */
    { CKA_SENSITIVE, take_sensitive },
    { CKA_EXTRACTABLE, take_extractable },
    /* judged by those who make the object */
    { CKA_CLASS, take_nothing },
    { CKA_KEY_TYPE, take_nothing },
    { CKA_TOKEN, take_nothing },
    { CKA_CERTIFICATE_TYPE, take_nothing },
    { CKA_VALUE, take_nothing },
    { CKA_VALUE_LEN, take_nothing },
    { CKA_MODULUS, take_nothing },
    { CKA_MODULUS_BITS, take_nothing },
    { CKA_PUBLIC_EXPONENT, take_nothing },
    { CKA_PRIVATE_EXPONENT, take_nothing },
    { CKA_PRIME_1, take_nothing },
    { CKA_PRIME_2, take_nothing },
    { CKA_EXPONENT_1, take_nothing },
    { CKA_EXPONENT_2, take_nothing },
    { CKA_COEFFICIENT, take_nothing },
    { CKA_EC_PARAMS, take_nothing },
    { CKA_EC_POINT, take_nothing },
    /* told from the value, or of no consequence */
    { CKA_SUBJECT, take_nothing },
    { CKA_ISSUER, take_nothing },
    { CKA_SERIAL_NUMBER, take_nothing },
    { CKA_START_DATE, take_nothing },
    { CKA_END_DATE, take_nothing },
    { CKA_CERTIFICATE_CATEGORY, take_nothing },
    { CKA_JAVA_MIDP_SECURITY_DOMAIN, take_nothing },
    { CKA_CHECK_VALUE, take_nothing },
    { CKA_URL, take_nothing },
    { CKA_HASH_OF_SUBJECT_PUBLIC_KEY, take_nothing },
    { CKA_HASH_OF_ISSUER_PUBLIC_KEY, take_nothing },
    { CKA_MODIFIABLE, take_nothing },
    { CKA_COPYABLE, take_nothing },
    { CKA_DESTROYABLE, take_nothing },
    { CKA_SIGN_RECOVER, take_nothing },
    { CKA_VERIFY_RECOVER, take_nothing },
    { CKA_ALLOWED_MECHANISMS, take_nothing },
    { CKA_TRUSTED, only_false },
    { CKA_ALWAYS_AUTHENTICATE, only_false },
    { CKA_WRAP_WITH_TRUSTED, only_false },
    { CKA_LOCAL, read_only },
    { CKA_KEY_GEN_MECHANISM, read_only },
    { CKA_ALWAYS_SENSITIVE, read_only },
    { CKA_NEVER_EXTRACTABLE, read_only },
    { CKA_UNIQUE_ID, read_only },
};

CK_RV p11_template_take(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
        if (takers[i].type == a->type)
            return takers[i].take(o, a);
    }
    return CKR_ATTRIBUTE_TYPE_INVALID;
}
