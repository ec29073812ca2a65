#include "pkcs11/create.h"

#include "base/tlv.h"
#include "pkcs11/attr.h"
#include "pkcs11/pkcs8.h"
#include "pkcs11/rv.h"
#include "se/key.h"
#include "se/object.h"
#include "se/symmetric.h"

/* Certificates: 4 KB and what a chain's link may have more. */
#define CERTIFICATE_MAX 8192
#define TAG_OCTET_STRING 0x04

static struct slice bytes_of(struct p11_template t, CK_ATTRIBUTE_TYPE type)
{
    struct slice v = { 0 };
    (void)p11_attr_bytes(t.v, t.n, type, &v);
    return v;
}

/* A big-endian number without leading zeros. */
static struct slice number_of(struct p11_template t, CK_ATTRIBUTE_TYPE type)
{
    struct slice v = bytes_of(t, type);

    while (v.n && v.p[0] == 0)
        v = slice_skip(v, 1);
    return v;
}

static CK_RV make_and_show(struct p11_module *m, struct p11_session *s, struct p11_new *n,
                           struct p11_key *key, CK_OBJECT_HANDLE *ret)
{
    err_t e = n->token ? p11_new_make(m, n) : ERR_OK;

    if (e == ERR_INVALID || e == ERR_UNSUPPORTED)
        return CKR_ATTRIBUTE_VALUE_INVALID; /* the chip, or se, does not take the value */
    return e ? p11_rv_from_err(e) : p11_new_show(m, s, n, key, ret, NULL);
}

/* ---- certificates and data ---- */

static err_t write_file(struct se_chip *chip, struct p11_new *n)
{
    return se_object_write_binary(chip, n->id, buf_slice(&n->o->value), &n->how);
}

static CK_RV create_file(struct p11_module *m, struct p11_session *s, struct p11_template t,
                         CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
    struct slice value = bytes_of(t, CKA_VALUE);
    CK_ULONG type = CKC_X_509;
    auto_new struct p11_new n;
    CK_RV rv = p11_new_judge(m, s, t, class, CK_UNAVAILABLE_INFORMATION, false, &n);

    if (rv != CKR_OK)
        return rv;
    (void)p11_attr_ulong(t.v, t.n, CKA_CERTIFICATE_TYPE, &type);
    if (class == CKO_CERTIFICATE && type != CKC_X_509)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (value.n == 0 && (class == CKO_CERTIFICATE || n.token))
        return class == CKO_CERTIFICATE ? CKR_TEMPLATE_INCOMPLETE : CKR_ATTRIBUTE_VALUE_INVALID;
    if (value.n > (class == CKO_CERTIFICATE ? CERTIFICATE_MAX : SE_BINARY_MAX))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (buf_add(&n.o->value, value) != ERR_OK)
        return CKR_HOST_MEMORY;
    if (class == CKO_CERTIFICATE && p11_object_parse_certificate(n.o) != ERR_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    n.in_parts = true;
    n.write = write_file;
    return make_and_show(m, s, &n, NULL, ret);
}

static CK_RV create_certificate(struct p11_module *m, struct p11_session *s, struct p11_template t,
                                CK_OBJECT_HANDLE *ret)
{
    return create_file(m, s, t, CKO_CERTIFICATE, ret);
}

static CK_RV create_data(struct p11_module *m, struct p11_session *s, struct p11_template t,
                         CK_OBJECT_HANDLE *ret)
{
    return create_file(m, s, t, CKO_DATA, ret);
}

/* ---- secrets ---- */

static err_t write_secret(struct se_chip *chip, struct p11_new *n)
{
    return se_symmetric_write(chip, n->id, n->arg, &n->how);
}

/* A value that the chip cannot unwrap is told apart from one that it does not take. */
static err_t write_wrapped(struct se_chip *chip, struct p11_new *n)
{
    err_t e = se_symmetric_write(chip, n->id, n->arg, &n->how);
    return e == ERR_INVALID ? ERR_CORRUPT : e;
}

static CK_RV judge_secret_len(CK_KEY_TYPE type, size_t n)
{
    if (type == CKK_AES)
        return n == 16 || n == 24 || n == 32 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    return n >= 1 && n <= 256 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_KEY_TYPE secret_type(struct p11_template t)
{
    CK_ULONG type = CKK_GENERIC_SECRET;

    (void)p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &type);
    return type;
}

CK_RV p11_create_secret(struct p11_module *m, struct p11_session *s, struct p11_template t,
                        struct slice value, CK_OBJECT_HANDLE *ret)
{
    CK_KEY_TYPE type = secret_type(t);
    struct se_symmetric key = { .type = type == CKK_AES ? SE_TYPE_AES : SE_TYPE_HMAC, .value = value };
    auto_p11_key struct p11_key *soft = NULL;
    auto_new struct p11_new n = { 0 };

    if (type != CKK_AES && type != CKK_GENERIC_SECRET)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    CK_RV rv = p11_new_judge(m, s, t, CKO_SECRET_KEY, type, false, &n);
    if (rv == CKR_OK)
        rv = judge_secret_len(type, value.n);
    if (rv == CKR_OK && !n.token)
        rv = p11_rv_from_err(p11_key_make_secret(type, value, &soft));
    if (rv != CKR_OK)
        return rv;
    n.write = write_secret;
    n.arg = &key;
    return make_and_show(m, s, &n, soft, ret);
}

CK_RV p11_create_secret_wrapped(struct p11_module *m, struct p11_session *s, struct p11_template t,
                                CK_KEY_TYPE type, struct slice wrapped, uint32_t kek, CK_OBJECT_HANDLE *ret)
{
    struct se_symmetric key = { .type = type == CKK_AES ? SE_TYPE_AES : SE_TYPE_HMAC,
                                .value = wrapped,
                                .kek = kek };
    auto_new struct p11_new n;
    CK_RV rv = p11_new_judge(m, s, t, CKO_SECRET_KEY, type, true, &n);

    if (rv == CKR_OK && !n.token)
        rv = CKR_TEMPLATE_INCONSISTENT;
    if (rv == CKR_OK)
        rv = judge_secret_len(type, wrapped.n < 8 ? 0 : wrapped.n - 8);
    if (rv != CKR_OK)
        return rv;
    n.write = write_wrapped;
    n.arg = &key;
    return make_and_show(m, s, &n, NULL, ret);
}

static CK_RV create_secret(struct p11_module *m, struct p11_session *s, struct p11_template t,
                           CK_OBJECT_HANDLE *ret)
{
    CK_ULONG len = 0;
    struct slice value;

    if (!p11_attr_bytes(t.v, t.n, CKA_VALUE, &value))
        return CKR_TEMPLATE_INCOMPLETE;
    if (p11_attr_ulong(t.v, t.n, CKA_VALUE_LEN, &len) && len != value.n)
        return CKR_TEMPLATE_INCONSISTENT;
    return p11_create_secret(m, s, t, value, ret);
}

/* ---- keys on curves ---- */

struct curve_import {
    const struct se_curve_info *curve;
    struct slice scalar, point; /* as the chip's room takes them */
};

static CK_RV curve_of(struct p11_template t, CK_KEY_TYPE type, const struct se_curve_info **ret)
{
    struct slice params;

    if (!p11_attr_bytes(t.v, t.n, CKA_EC_PARAMS, &params))
        return CKR_TEMPLATE_INCOMPLETE;
    const struct se_curve_info *curve = se_curve_by_oid_der(params);
    if (!curve)
        return CKR_CURVE_NOT_SUPPORTED;
    if (p11_key_type_of_curve(curve) != type)
        return CKR_TEMPLATE_INCONSISTENT;
    *ret = curve;
    return CKR_OK;
}

static err_t write_curve_pair(struct se_chip *chip, struct p11_new *n)
{
    const struct curve_import *i = n->arg;
    return se_ec_write_pair(chip, n->id, i->curve->id, i->scalar, i->point, &n->how);
}

static err_t write_curve_public(struct se_chip *chip, struct p11_new *n)
{
    const struct curve_import *i = n->arg;
    return se_ec_write_public(chip, n->id, i->curve->id, i->point, &n->how);
}

/* The point of CKA_EC_POINT, with or without its OCTET STRING (consumers §5). */
static struct slice bare_point(const struct se_curve_info *curve, struct slice given)
{
    struct slice in = given;
    struct tlv t;

    if (given.n == curve->public_len)
        return given;
    return tlv_next(&in, &t) == ERR_OK && t.tag == TAG_OCTET_STRING && in.n == 0 ? t.value : given;
}

static CK_RV soft_curve(struct p11_new *n, const struct curve_import *i, struct slice pkcs8,
                        struct p11_key **ret)
{
    auto_p11_key struct p11_key *key = NULL;
    err_t e = p11_key_make_ec(0, i->curve, i->point, &key);

    if (e)
        return p11_rv_from_err(e);
    key->type = n->type;
    key->has_private = pkcs8.n != 0;
    if (buf_add(&key->value, pkcs8) != ERR_OK)
        return CKR_HOST_MEMORY;
    *ret = steal(&key);
    return CKR_OK;
}

/* Programs leave leading zeros away, or put one in front. */
static err_t pad_scalar(const struct se_curve_info *curve, struct slice v, struct buf *out)
{
    err_t e = ERR_OK;

    while (v.n > curve->private_len && v.p[0] == 0)
        v = slice_skip(v, 1);
    for (size_t n = v.n; !e && n < curve->private_len; n++)
        e = buf_add_u8(out, 0);
    if (!e)
        e = buf_add(out, v);
    return e ? e : out->n == curve->private_len ? ERR_OK : ERR_INVALID;
}

/* The chip wants both halves; who brings the private one alone gets the other worked out. */
static CK_RV create_curve_private(struct p11_module *m, struct p11_session *s, struct p11_template t,
                                  CK_KEY_TYPE type, CK_OBJECT_HANDLE *ret)
{
    autobuf pkcs8 = BUF_SECRET(P11_KEY_VALUE_MAX), scalar = BUF_SECRET(256), point = BUF_INIT(256);
    auto_p11_key struct p11_key *soft = NULL;
    struct curve_import i = { 0 };
    auto_new struct p11_new n;
    CK_RV rv = p11_new_judge(m, s, t, CKO_PRIVATE_KEY, type, false, &n);

    if (rv == CKR_OK)
        rv = curve_of(t, type, &i.curve);
    if (rv != CKR_OK)
        return rv;
    if (bytes_of(t, CKA_VALUE).n == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    if (pad_scalar(i.curve, bytes_of(t, CKA_VALUE), &scalar) != ERR_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    i.scalar = buf_slice(&scalar);
    if (p11_pkcs8_curve(i.curve, i.scalar, &pkcs8) != ERR_OK ||
        p11_pkcs8_public(m->ossl, buf_slice(&pkcs8), &point) != ERR_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    i.point = buf_slice(&point);
    if (!n.token)
        rv = soft_curve(&n, &i, buf_slice(&pkcs8), &soft);
    if (rv != CKR_OK)
        return rv;
    n.write = write_curve_pair;
    n.arg = &i;
    return make_and_show(m, s, &n, soft, ret);
}

static CK_RV create_curve_public(struct p11_module *m, struct p11_session *s, struct p11_template t,
                                 CK_KEY_TYPE type, CK_OBJECT_HANDLE *ret)
{
    auto_p11_key struct p11_key *soft = NULL;
    struct curve_import i = { 0 };
    auto_new struct p11_new n;
    CK_RV rv = p11_new_judge(m, s, t, CKO_PUBLIC_KEY, type, false, &n);

    if (rv == CKR_OK)
        rv = curve_of(t, type, &i.curve);
    if (rv != CKR_OK)
        return rv;
    i.point = bare_point(i.curve, bytes_of(t, CKA_EC_POINT));
    if (i.point.n != i.curve->public_len)
        return i.point.n ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_TEMPLATE_INCOMPLETE;
    if (!n.token)
        rv = soft_curve(&n, &i, slice_of(NULL, 0), &soft);
    if (rv != CKR_OK)
        return rv;
    n.write = write_curve_public;
    n.arg = &i;
    return make_and_show(m, s, &n, soft, ret);
}

/* ---- RSA ---- */

static err_t write_rsa_pair(struct se_chip *chip, struct p11_new *n)
{
    return se_rsa_write_pair(chip, n->id, n->arg, &n->how);
}

static err_t write_rsa_public(struct se_chip *chip, struct p11_new *n)
{
    const struct se_rsa_pair *k = n->arg;
    return se_rsa_write_public(chip, n->id, k->n, k->e, &n->how);
}

static struct se_rsa_pair rsa_of(struct p11_template t)
{
    return (struct se_rsa_pair){
        .n = number_of(t, CKA_MODULUS),
        .e = number_of(t, CKA_PUBLIC_EXPONENT),
        .d = number_of(t, CKA_PRIVATE_EXPONENT),
        .p = number_of(t, CKA_PRIME_1),
        .q = number_of(t, CKA_PRIME_2),
        .dp = number_of(t, CKA_EXPONENT_1),
        .dq = number_of(t, CKA_EXPONENT_2),
        .qinv = number_of(t, CKA_COEFFICIENT),
    };
}

static CK_RV soft_rsa(const struct se_rsa_pair *k, bool private, struct p11_key **ret)
{
    auto_p11_key struct p11_key *key = NULL;
    err_t e = p11_key_make_rsa(0, k->n, k->e, &key);

    if (!e)
        key->has_private = private;
    if (!e && private)
        e = p11_pkcs8_rsa(k, &key->value);
    if (e)
        return p11_rv_from_err(e);
    *ret = steal(&key);
    return CKR_OK;
}

static bool has_crt(const struct se_rsa_pair *k)
{
    return k->p.n && k->q.n && k->dp.n && k->dq.n && k->qinv.n;
}

static CK_RV create_rsa(struct p11_module *m, struct p11_session *s, struct p11_template t,
                        CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
    bool private = class == CKO_PRIVATE_KEY;
    struct se_rsa_pair k = rsa_of(t);
    auto_p11_key struct p11_key *soft = NULL;
    auto_new struct p11_new n;
    CK_RV rv = p11_new_judge(m, s, t, class, CKK_RSA, false, &n);

    if (rv != CKR_OK)
        return rv;
    if (!k.n.n || !k.e.n || (private && !has_crt(&k) && !k.d.n))
        return CKR_TEMPLATE_INCOMPLETE;
    if (k.n.n > P11_RSA_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (!n.token && private && (!has_crt(&k) || !k.d.n))
        return CKR_TEMPLATE_INCOMPLETE; /* OpenSSL wants all of it */
    if (!n.token)
        rv = soft_rsa(&k, private, &soft);
    if (rv != CKR_OK)
        return rv;
    if (has_crt(&k))
        k.d = slice_of(NULL, 0); /* CRT it is */
    n.in_parts = true;
    n.write = private ? write_rsa_pair : write_rsa_public;
    n.arg = &k;
    return make_and_show(m, s, &n, soft, ret);
}

/* ---- which of them ---- */

static CK_RV create_key(struct p11_module *m, struct p11_session *s, struct p11_template t,
                        CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
    CK_ULONG type = 0;

    if (!p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &type))
        return CKR_TEMPLATE_INCOMPLETE;
    switch (type) {
    case CKK_RSA:
        return create_rsa(m, s, t, class, ret);
    case CKK_EC:
    case CKK_EC_EDWARDS:
    case CKK_EC_MONTGOMERY:
        return class == CKO_PRIVATE_KEY ? create_curve_private(m, s, t, type, ret)
                                        : create_curve_public(m, s, t, type, ret);
    default:
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
}

CK_RV p11_create(struct p11_module *m, struct p11_session *s, struct p11_template t, CK_OBJECT_HANDLE *ret)
{
    CK_RV rv = p11_attr_check_template(t.v, t.n);
    CK_ULONG class = 0;

    if (rv != CKR_OK)
        return rv;
    if (!p11_attr_ulong(t.v, t.n, CKA_CLASS, &class))
        return CKR_TEMPLATE_INCOMPLETE;
    switch (class) {
    case CKO_CERTIFICATE:
        return create_certificate(m, s, t, ret);
    case CKO_DATA:
        return create_data(m, s, t, ret);
    case CKO_SECRET_KEY:
        return create_secret(m, s, t, ret);
    case CKO_PRIVATE_KEY:
    case CKO_PUBLIC_KEY:
        return create_key(m, s, t, class, ret);
    default:
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
}

/* ---- copies ---- */

#define COPY_MAX 64

/* `over` wins; what it does not say comes from the object. */
static void add(CK_ATTRIBUTE *v, CK_ULONG *n, struct p11_template over, CK_ATTRIBUTE_TYPE type, const void *p,
                size_t len)
{
    if (!p11_attr_find(over.v, over.n, type))
        v[(*n)++] = (CK_ATTRIBUTE){ type, (void *)p, len };
}

static bool copyable(const struct p11_object *o)
{
    return o->class == CKO_CERTIFICATE || o->class == CKO_DATA || p11_object_is_open(o);
}

CK_RV p11_copy(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE from, struct p11_template t,
               CK_OBJECT_HANDLE *ret)
{
    auto_p11_object struct p11_object *o = NULL;
    CK_ATTRIBUTE v[COPY_MAX];
    CK_ULONG n = 0;
    CK_RV rv = p11_attr_check_template(t.v, t.n);

    if (rv != CKR_OK)
        return rv;
    if (p11_objects_get(m->objects, from, p11_logged_in(m->sessions), &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    if (!copyable(o))
        return CKR_ACTION_PROHIBITED;
    if (t.n > COPY_MAX - 16 || p11_attr_find(t.v, t.n, CKA_CLASS) || p11_attr_find(t.v, t.n, CKA_VALUE))
        return CKR_TEMPLATE_INCONSISTENT;
    CK_BBOOL token = !o->owner, private = o->private, sensitive = o->sensitive, extractable = o->extractable;
    struct slice value = o->key ? buf_slice(&o->key->value) : buf_slice(&o->value);
    add(v, &n, t, CKA_CLASS, &o->class, sizeof(o->class));
    add(v, &n, t, CKA_VALUE, value.p, value.n);
    add(v, &n, t, CKA_TOKEN, &token, sizeof(token));
    add(v, &n, t, CKA_PRIVATE, &private, sizeof(private));
    add(v, &n, t, CKA_LABEL, o->label.p, o->label.n);
    if (o->key) {
        add(v, &n, t, CKA_KEY_TYPE, &o->key->type, sizeof(o->key->type));
        add(v, &n, t, CKA_SENSITIVE, &sensitive, sizeof(sensitive));
        add(v, &n, t, CKA_EXTRACTABLE, &extractable, sizeof(extractable));
    }
    if (o->class != CKO_DATA)
        add(v, &n, t, CKA_ID, o->cka_id.p, o->cka_id.n);
    if (o->class == CKO_DATA)
        add(v, &n, t, CKA_APPLICATION, o->application.p, o->application.n);
    if (o->class == CKO_DATA)
        add(v, &n, t, CKA_OBJECT_ID, o->object_id.p, o->object_id.n);
    if (t.n)
        memcpy(v + n, t.v, t.n * sizeof(v[0]));
    return p11_create(m, s, (struct p11_template){ v, n + t.n }, ret);
}
