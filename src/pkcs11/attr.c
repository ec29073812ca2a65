#include "pkcs11/attr.h"

#include "pkcs11/label.h"

#include <stdatomic.h>
#include <stdio.h>

/* Which objects have an attribute: one bit for each class, and for keys one for each kind. */
enum {
    PRV = 0x01,
    PUB = 0x02,
    SEC = 0x04,
    CERT = 0x08,
    DATA = 0x10,
    PROF = 0x20,
    PAIR = PRV | PUB,
    KEYS = PRV | PUB | SEC,
    STORED = KEYS | CERT | DATA,
    ALL = STORED | PROF,
};
enum {
    KIND_RSA = 0x1,
    KIND_CURVE = 0x2, /* EC, Edwards, Montgomery */
    KIND_SECRET = 0x4,
    KIND_ANY = KIND_RSA | KIND_CURVE | KIND_SECRET,
};

/* A value under construction: bytes of the object, or of the scratch space here. */
struct value {
    struct slice s;
    union {
        CK_BBOOL flag;
        CK_ULONG number;
        CK_BYTE bytes[32];
    } own;
};

typedef bool (*getter)(const struct p11_object *o, struct value *v);

static void put_bytes(struct value *v, const void *p, size_t n)
{
    memcpy(v->own.bytes, p, n);
    v->s = slice_of(v->own.bytes, n);
}

static bool put_ulong(struct value *v, CK_ULONG n)
{
    v->own.number = n;
    v->s = slice_of(&v->own.number, sizeof(v->own.number));
    return true;
}

static bool put_flag(struct value *v, bool on)
{
    v->own.flag = on ? CK_TRUE : CK_FALSE;
    v->s = slice_of(&v->own.flag, sizeof(v->own.flag));
    return true;
}

static bool get_class(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, o->class);
}

static bool get_key_type(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, o->key->type);
}

static bool get_yes(const struct p11_object *o, struct value *v)
{
    return put_flag(v, true);
}

static bool get_no(const struct p11_object *o, struct value *v)
{
    return put_flag(v, false);
}

static bool get_token(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->owner == 0);
}

/* The public half of a pair is a view of it: deleting that would delete the private key. */
static bool get_destroyable(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->class != CKO_PROFILE && !p11_object_is_view(o));
}

static bool get_is_private(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->private);
}

static bool get_buf(const struct buf *b, struct value *v)
{
    v->s = b->n ? buf_slice(b) : slice_of(v->own.bytes, 0);
    return true;
}

static bool get_label(const struct p11_object *o, struct value *v)
{
    return get_buf(&o->label, v);
}

static bool get_id(const struct p11_object *o, struct value *v)
{
    return get_buf(&o->cka_id, v);
}

static const char *class_name(CK_OBJECT_CLASS class)
{
    static const char *const names[] = { "data", "certificate", "public", "private", "secret" };
    return class < ARRAY_LEN(names) ? names[class] : "profile";
}

/* v3.0 §4.4: the same for the life of the object, unique in the token. */
static bool get_unique_id(const struct p11_object *o, struct value *v)
{
    char text[sizeof(v->own.bytes)];
    unsigned long number = o->id ? o->id : o->class == CKO_PROFILE ? o->profile : o->handle;
    int n =
        snprintf(text, sizeof(text), o->owner ? "session-%lx-%s" : "%08lx-%s", number, class_name(o->class));

    put_bytes(v, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
    return true;
}

static bool get_empty(const struct p11_object *o, struct value *v)
{
    v->s = slice_of(v->own.bytes, 0);
    return true;
}

/* origin.h has asked the chip by now. */
static bool made_inside(const struct p11_object *o)
{
    return atomic_load(&o->key->origin) == P11_ORIGIN_INSIDE;
}

static bool get_made_inside(const struct p11_object *o, struct value *v)
{
    return put_flag(v, made_inside(o));
}

static bool get_mechanism(const struct p11_object *o, struct value *v)
{
    static const struct {
        CK_KEY_TYPE type;
        CK_MECHANISM_TYPE mechanism;
    } made_by[] = {
        { CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN },
        { CKK_EC, CKM_EC_KEY_PAIR_GEN },
        { CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN },
        { CKK_EC_MONTGOMERY, CKM_EC_MONTGOMERY_KEY_PAIR_GEN },
    };
    for (size_t i = 0; made_inside(o) && i < ARRAY_LEN(made_by); i++) {
        if (made_by[i].type == o->key->type)
            return put_ulong(v, made_by[i].mechanism);
    }
    return put_ulong(v, CK_UNAVAILABLE_INFORMATION);
}

static bool get_modulus(const struct p11_object *o, struct value *v)
{
    v->s = buf_slice(&o->key->n);
    return o->key->has_public;
}

static bool get_modulus_bits(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, o->key->bits);
}

static bool get_exponent(const struct p11_object *o, struct value *v)
{
    v->s = buf_slice(&o->key->e);
    return o->key->has_public;
}

static bool get_ec_params(const struct p11_object *o, struct value *v)
{
    v->s = o->key->curve->oid_der;
    return true;
}

static bool get_ec_point(const struct p11_object *o, struct value *v)
{
    v->s = buf_slice(&o->key->point);
    return o->key->has_public;
}

static bool get_secret_len(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, o->key->bits / 8);
}

/* Only of one that is open: get_one looks. */
static bool get_secret(const struct p11_object *o, struct value *v)
{
    return get_buf(&o->key->value, v);
}

static bool get_sensitive(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->sensitive);
}

static bool get_extractable(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->extractable);
}

static bool get_value(const struct p11_object *o, struct value *v)
{
    return get_buf(&o->value, v);
}

static bool get_slice(struct slice s, struct value *v)
{
    v->s = s.n ? s : slice_of(v->own.bytes, 0);
    return true;
}

static bool get_subject(const struct p11_object *o, struct value *v)
{
    return get_slice(o->subject, v);
}

static bool get_issuer(const struct p11_object *o, struct value *v)
{
    return get_slice(o->issuer, v);
}

static bool get_serial(const struct p11_object *o, struct value *v)
{
    return get_slice(o->serial, v);
}

static bool get_x509(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, CKC_X_509);
}

static bool get_zero(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, 0); /* certificate category: unspecified */
}

static bool get_application(const struct p11_object *o, struct value *v)
{
    return get_buf(&o->application, v);
}

static bool get_object_id(const struct p11_object *o, struct value *v)
{
    return get_buf(&o->object_id, v);
}

static bool get_profile(const struct p11_object *o, struct value *v)
{
    return put_ulong(v, o->profile);
}

#define USAGE(name, attribute)                                    \
    static bool name(const struct p11_object *o, struct value *v) \
    {                                                             \
        return put_flag(v, p11_object_may(o, attribute));         \
    }
USAGE(get_sign, CKA_SIGN)
USAGE(get_verify, CKA_VERIFY)
USAGE(get_encrypt, CKA_ENCRYPT)
USAGE(get_decrypt, CKA_DECRYPT)
USAGE(get_derive, CKA_DERIVE)
USAGE(get_wrap, CKA_WRAP)
USAGE(get_unwrap, CKA_UNWRAP)

/* What is said of origin is the careful half: unless the chip attests it, a key is not LOCAL,
 * ALWAYS_SENSITIVE or NEVER_EXTRACTABLE. */
static const struct row {
    CK_ATTRIBUTE_TYPE type;
    unsigned classes, kinds;
    getter get; /* NULL: it exists and is not told, CKR_ATTRIBUTE_SENSITIVE */
} rows[] = {
    { CKA_CLASS, ALL, KIND_ANY, get_class },
    { CKA_TOKEN, ALL, KIND_ANY, get_token },
    { CKA_PRIVATE, ALL, KIND_ANY, get_is_private },
    { CKA_LABEL, ALL, KIND_ANY, get_label },
    { CKA_UNIQUE_ID, ALL, KIND_ANY, get_unique_id },
    { CKA_MODIFIABLE, STORED, KIND_ANY, get_yes },
    { CKA_MODIFIABLE, PROF, KIND_ANY, get_no },
    { CKA_COPYABLE, ALL, KIND_ANY, get_no },
    { CKA_DESTROYABLE, ALL, KIND_ANY, get_destroyable },
    { CKA_PROFILE_ID, PROF, KIND_ANY, get_profile },
    /* keys */
    { CKA_ID, KEYS | CERT, KIND_ANY, get_id },
    { CKA_KEY_TYPE, KEYS, KIND_ANY, get_key_type },
    { CKA_LOCAL, KEYS, KIND_ANY, get_made_inside },
    { CKA_KEY_GEN_MECHANISM, KEYS, KIND_ANY, get_mechanism },
    { CKA_SUBJECT, PAIR, KIND_ANY, get_empty },
    { CKA_START_DATE, KEYS | CERT, KIND_ANY, get_empty },
    { CKA_END_DATE, KEYS | CERT, KIND_ANY, get_empty },
    { CKA_DERIVE, KEYS, KIND_ANY, get_derive },
    { CKA_SIGN, PRV | SEC, KIND_ANY, get_sign },
    { CKA_SIGN_RECOVER, PRV, KIND_ANY, get_no },
    { CKA_DECRYPT, PRV | SEC, KIND_ANY, get_decrypt },
    { CKA_UNWRAP, PRV | SEC, KIND_ANY, get_unwrap },
    { CKA_VERIFY, PUB | SEC, KIND_ANY, get_verify },
    { CKA_VERIFY_RECOVER, PUB, KIND_ANY, get_no },
    { CKA_ENCRYPT, PUB | SEC, KIND_ANY, get_encrypt },
    { CKA_WRAP, PUB | SEC, KIND_ANY, get_wrap },
    { CKA_TRUSTED, PUB | SEC | CERT, KIND_ANY, get_no },
    { CKA_SENSITIVE, PRV | SEC, KIND_ANY, get_sensitive },
    { CKA_EXTRACTABLE, PRV | SEC, KIND_ANY, get_extractable },
    { CKA_ALWAYS_SENSITIVE, PRV | SEC, KIND_ANY, get_made_inside },
    { CKA_NEVER_EXTRACTABLE, PRV | SEC, KIND_ANY, get_made_inside },
    { CKA_ALWAYS_AUTHENTICATE, PRV, KIND_ANY, get_no },
    { CKA_WRAP_WITH_TRUSTED, PRV | SEC, KIND_ANY, get_no },
    { CKA_VALUE_LEN, SEC, KIND_ANY, get_secret_len },
    /* the numbers; the private object tells the public ones too, libp11 reads them there */
    { CKA_MODULUS, PAIR, KIND_RSA, get_modulus },
    { CKA_MODULUS_BITS, PAIR, KIND_RSA, get_modulus_bits },
    { CKA_PUBLIC_EXPONENT, PAIR, KIND_RSA, get_exponent },
    { CKA_EC_PARAMS, PAIR, KIND_CURVE, get_ec_params },
    { CKA_EC_POINT, PAIR, KIND_CURVE, get_ec_point },
    { CKA_PRIVATE_EXPONENT, PRV, KIND_RSA, NULL },
    { CKA_PRIME_1, PRV, KIND_RSA, NULL },
    { CKA_PRIME_2, PRV, KIND_RSA, NULL },
    { CKA_EXPONENT_1, PRV, KIND_RSA, NULL },
    { CKA_EXPONENT_2, PRV, KIND_RSA, NULL },
    { CKA_COEFFICIENT, PRV, KIND_RSA, NULL },
    { CKA_VALUE, PRV, KIND_CURVE, NULL },
    { CKA_VALUE, SEC, KIND_ANY, get_secret },
    /* certificates and data */
    { CKA_VALUE, CERT | DATA, KIND_ANY, get_value },
    { CKA_CERTIFICATE_TYPE, CERT, KIND_ANY, get_x509 },
    { CKA_CERTIFICATE_CATEGORY, CERT, KIND_ANY, get_zero },
    { CKA_SUBJECT, CERT, KIND_ANY, get_subject },
    { CKA_ISSUER, CERT, KIND_ANY, get_issuer },
    { CKA_SERIAL_NUMBER, CERT, KIND_ANY, get_serial },
    { CKA_CHECK_VALUE, CERT, KIND_ANY, get_empty },
    { CKA_URL, CERT, KIND_ANY, get_empty },
    { CKA_APPLICATION, DATA, KIND_ANY, get_application },
    { CKA_OBJECT_ID, DATA, KIND_ANY, get_object_id },
};

static unsigned class_bit(CK_OBJECT_CLASS class)
{
    switch (class) {
    case CKO_PRIVATE_KEY:
        return PRV;
    case CKO_PUBLIC_KEY:
        return PUB;
    case CKO_SECRET_KEY:
        return SEC;
    case CKO_CERTIFICATE:
        return CERT;
    case CKO_DATA:
        return DATA;
    default:
        return PROF;
    }
}

static unsigned kind_bit(const struct p11_object *o)
{
    if (!o->key)
        return KIND_ANY;
    if (o->key->type == CKK_RSA)
        return KIND_RSA;
    return o->key->curve ? KIND_CURVE : KIND_SECRET;
}

static const struct row *find_row(const struct p11_object *o, CK_ATTRIBUTE_TYPE type)
{
    unsigned class = class_bit(o->class), kind = kind_bit(o);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type == type && (rows[i].classes & class) && (rows[i].kinds & kind))
            return &rows[i];
    }
    return NULL;
}

static bool is_told(const struct p11_object *o, const struct row *row)
{
    return row->get && (row->get != get_secret || p11_object_is_open(o));
}

static CK_RV get_one(const struct p11_object *o, CK_ATTRIBUTE *a)
{
    const struct row *row = find_row(o, a->type);
    CK_ULONG room = a->ulValueLen;
    struct value v;

    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (!row)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (!is_told(o, row))
        return CKR_ATTRIBUTE_SENSITIVE;
    if (!row->get(o, &v))
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (!a->pValue) {
        a->ulValueLen = v.s.n;
        return CKR_OK;
    }
    if (room < v.s.n)
        return CKR_BUFFER_TOO_SMALL;
    if (v.s.n)
        memcpy(a->pValue, v.s.p, v.s.n);
    a->ulValueLen = v.s.n;
    return CKR_OK;
}

CK_RV p11_attr_get_all(const struct p11_object *o, CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    CK_RV first = CKR_OK;

    for (CK_ULONG i = 0; i < n; i++) {
        CK_RV rv = get_one(o, &attrs[i]);
        if (first == CKR_OK)
            first = rv;
    }
    return first;
}

static bool match_one(const struct p11_object *o, const CK_ATTRIBUTE *a)
{
    const struct row *row = find_row(o, a->type);
    struct slice want = slice_of(a->pValue, a->ulValueLen);
    struct value v;
    uint32_t id = 0;

    if (!row || !is_told(o, row) || !row->get(o, &v))
        return false;
    /* "sss:0x20181001" and "SSS:20181001" name the object that we label "sss:20181001". */
    if (a->type == CKA_LABEL && p11_label_is_id(want, &id))
        return o->id ? id == o->id : slice_eq(v.s, want);
    return slice_eq(v.s, want);
}

bool p11_attr_match(const struct p11_object *o, const CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    for (CK_ULONG i = 0; i < n; i++) {
        if (!match_one(o, &attrs[i]))
            return false;
    }
    return true;
}

CK_RV p11_attr_check_template(const CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    if (n && !attrs)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < n; i++) {
        if (attrs[i].ulValueLen && !attrs[i].pValue)
            return CKR_ARGUMENTS_BAD;
        if (attrs[i].ulValueLen == CK_UNAVAILABLE_INFORMATION)
            return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_OK;
}

const CK_ATTRIBUTE *p11_attr_find(const CK_ATTRIBUTE *attrs, CK_ULONG n, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < n; i++) {
        if (attrs[i].type == type)
            return &attrs[i];
    }
    return NULL;
}

bool p11_attr_ulong(const CK_ATTRIBUTE *attrs, CK_ULONG n, CK_ATTRIBUTE_TYPE type, CK_ULONG *ret)
{
    const CK_ATTRIBUTE *a = p11_attr_find(attrs, n, type);

    if (!a || a->ulValueLen != sizeof(*ret))
        return false;
    memcpy(ret, a->pValue, sizeof(*ret)); /* the caller's pointer need not be aligned */
    return true;
}

bool p11_attr_bytes(const CK_ATTRIBUTE *attrs, CK_ULONG n, CK_ATTRIBUTE_TYPE type, struct slice *ret)
{
    const CK_ATTRIBUTE *a = p11_attr_find(attrs, n, type);

    if (!a)
        return false;
    *ret = slice_of(a->pValue, a->ulValueLen);
    return true;
}
