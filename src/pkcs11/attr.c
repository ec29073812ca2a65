#include "pkcs11/attr.h"

#include "pkcs11/label.h"

#include <stdio.h>

#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 4UL /* PKCS#11 v3.0 */
#endif

/* Which objects have an attribute: one bit for each class and each key type. */
enum {
    IS_PRV = 1,
    IS_PUB = 2,
    IS_RSA = 4,
    IS_EC = 8,
    KEYS = IS_PRV | IS_PUB | IS_RSA | IS_EC,
};

/* A value under construction: bytes of the key, or of the scratch space here. */
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

/* The public half of a pair is a view of it: deleting that would delete the private key. */
static bool get_destroyable(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->class == CKO_PRIVATE_KEY || !o->key->has_private);
}

static bool get_is_private(const struct p11_object *o, struct value *v)
{
    return put_flag(v, o->class == CKO_PRIVATE_KEY);
}

static bool get_label(const struct p11_object *o, struct value *v)
{
    char label[P11_LABEL_LEN + 1];

    p11_label_of(o->key->id, label);
    put_bytes(v, label, P11_LABEL_LEN);
    return true;
}

static bool get_id(const struct p11_object *o, struct value *v)
{
    uint32_t id = o->key->id;
    const uint8_t be[4] = { (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };

    put_bytes(v, be, sizeof(be));
    return true;
}

static bool get_unique_id(const struct p11_object *o, struct value *v)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%08x-%s", o->key->id,
                     o->class == CKO_PRIVATE_KEY ? "private" : "public");

    put_bytes(v, text, (size_t)n);
    return true;
}

static bool get_empty(const struct p11_object *o, struct value *v)
{
    v->s = slice_of(v->own.bytes, 0);
    return true;
}

static bool get_unavailable_mechanism(const struct p11_object *o, struct value *v)
{
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

/* What is said of origin is the careful half: the module does not know whether a key was made in the
 * chip or brought there, and an imported key is not LOCAL, ALWAYS_SENSITIVE or NEVER_EXTRACTABLE. */
static const struct row {
    CK_ATTRIBUTE_TYPE type;
    unsigned on;
    getter get; /* NULL: it exists and is not told, CKR_ATTRIBUTE_SENSITIVE */
} rows[] = {
    { CKA_CLASS, KEYS, get_class },
    { CKA_TOKEN, KEYS, get_yes },
    { CKA_PRIVATE, KEYS, get_is_private },
    { CKA_LABEL, KEYS, get_label },
    { CKA_UNIQUE_ID, KEYS, get_unique_id },
    { CKA_ID, KEYS, get_id },
    { CKA_KEY_TYPE, KEYS, get_key_type },
    { CKA_MODIFIABLE, KEYS, get_no },
    { CKA_COPYABLE, KEYS, get_no },
    { CKA_DESTROYABLE, KEYS, get_destroyable },
    { CKA_LOCAL, KEYS, get_no },
    { CKA_KEY_GEN_MECHANISM, KEYS, get_unavailable_mechanism },
    { CKA_SUBJECT, KEYS, get_empty },
    { CKA_START_DATE, KEYS, get_empty },
    { CKA_END_DATE, KEYS, get_empty },
    { CKA_DERIVE, KEYS, get_no },
    /* private keys */
    { CKA_SENSITIVE, IS_PRV | IS_RSA | IS_EC, get_yes },
    { CKA_EXTRACTABLE, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_ALWAYS_SENSITIVE, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_NEVER_EXTRACTABLE, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_ALWAYS_AUTHENTICATE, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_WRAP_WITH_TRUSTED, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_SIGN, IS_PRV | IS_RSA | IS_EC, get_yes },
    { CKA_SIGN_RECOVER, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_UNWRAP, IS_PRV | IS_RSA | IS_EC, get_no },
    { CKA_DECRYPT, IS_PRV | IS_RSA, get_yes },
    { CKA_DECRYPT, IS_PRV | IS_EC, get_no },
    /* public keys */
    { CKA_TRUSTED, IS_PUB | IS_RSA | IS_EC, get_no },
    { CKA_VERIFY, IS_PUB | IS_RSA | IS_EC, get_yes },
    { CKA_VERIFY_RECOVER, IS_PUB | IS_RSA | IS_EC, get_no },
    { CKA_WRAP, IS_PUB | IS_RSA | IS_EC, get_no },
    { CKA_ENCRYPT, IS_PUB | IS_RSA, get_yes },
    { CKA_ENCRYPT, IS_PUB | IS_EC, get_no },
    /* the numbers; the private object tells the public ones too, libp11 reads them there */
    { CKA_MODULUS, KEYS & ~IS_EC, get_modulus },
    { CKA_MODULUS_BITS, KEYS & ~IS_EC, get_modulus_bits },
    { CKA_PUBLIC_EXPONENT, KEYS & ~IS_EC, get_exponent },
    { CKA_EC_PARAMS, KEYS & ~IS_RSA, get_ec_params },
    { CKA_EC_POINT, KEYS & ~IS_RSA, get_ec_point },
    { CKA_PRIVATE_EXPONENT, IS_PRV | IS_RSA, NULL },
    { CKA_PRIME_1, IS_PRV | IS_RSA, NULL },
    { CKA_PRIME_2, IS_PRV | IS_RSA, NULL },
    { CKA_EXPONENT_1, IS_PRV | IS_RSA, NULL },
    { CKA_EXPONENT_2, IS_PRV | IS_RSA, NULL },
    { CKA_COEFFICIENT, IS_PRV | IS_RSA, NULL },
    { CKA_VALUE, IS_PRV | IS_EC, NULL },
};

static const struct row *find_row(const struct p11_object *o, CK_ATTRIBUTE_TYPE type)
{
    unsigned is =
        (o->class == CKO_PRIVATE_KEY ? IS_PRV : IS_PUB) | (o->key->type == CKK_RSA ? IS_RSA : IS_EC);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type == type && (rows[i].on & is) == is)
            return &rows[i];
    }
    return NULL;
}

static CK_RV get_one(const struct p11_object *o, CK_ATTRIBUTE *a)
{
    const struct row *row = find_row(o, a->type);
    CK_ULONG room = a->ulValueLen;
    struct value v;

    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (!row)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (!row->get)
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

    if (!row || !row->get || !row->get(o, &v))
        return false;
    /* "sss:0x20181001" and "SSS:20181001" name the object that we label "sss:20181001". */
    if (a->type == CKA_LABEL && p11_label_is_id(want, &id))
        return id == o->key->id;
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
