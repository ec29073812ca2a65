#include "pkcs11/object.h"

#include "base/tlv.h"
#include "pkcs11/label.h"

#include <stdatomic.h>

struct p11_object *p11_object_new(CK_OBJECT_CLASS class)
{
    struct p11_object *o = mem_calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    atomic_init(&o->refs, 1);
    o->class = class;
    o->private = class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY;
    o->sensitive = true;
    o->label = o->cka_id = o->application = o->object_id = BUF_INIT(P11_TEXT_MAX);
    o->value = BUF_SECRET(P11_VALUE_MAX); /* private data may be in it */
    return o;
}

struct p11_object *p11_object_of_key(struct p11_key *key, CK_OBJECT_CLASS class)
{
    auto_p11_object struct p11_object *o = p11_object_new(class);

    if (!o || p11_object_name(o, key->id) != ERR_OK)
        return NULL;
    o->key = p11_key_ref(key);
    o->id = key->id;
    o->may = p11_may_all(class, key->type);
    return steal(&o);
}

static err_t copy_texts(struct p11_object *to, const struct p11_object *from)
{
    err_t e = buf_add(&to->label, buf_slice(&from->label));

    if (!e)
        e = buf_add(&to->cka_id, buf_slice(&from->cka_id));
    if (!e)
        e = buf_add(&to->application, buf_slice(&from->application));
    if (!e)
        e = buf_add(&to->object_id, buf_slice(&from->object_id));
    if (!e)
        e = buf_add(&to->value, buf_slice(&from->value));
    return e;
}

struct p11_object *p11_object_copy(const struct p11_object *from)
{
    auto_p11_object struct p11_object *o = p11_object_new(from->class);

    if (!o || copy_texts(o, from) != ERR_OK)
        return NULL;
    if (from->subject.n && p11_object_parse_certificate(o) != ERR_OK)
        return NULL;
    o->owner = from->owner;
    o->id = from->id;
    o->recorded = from->recorded;
    o->private = from->private;
    o->sensitive = from->sensitive;
    o->extractable = from->extractable;
    o->may = from->may;
    o->profile = from->profile;
    o->key = from->key ? p11_key_ref(from->key) : NULL;
    return steal(&o);
}

struct p11_object *p11_object_ref(struct p11_object *o)
{
    atomic_fetch_add(&o->refs, 1);
    return o;
}

void p11_object_unref(struct p11_object *o)
{
    if (!o || atomic_fetch_sub(&o->refs, 1) != 1)
        return;
    p11_key_unref(o->key);
    buf_done(&o->label);
    buf_done(&o->cka_id);
    buf_done(&o->application);
    buf_done(&o->object_id);
    buf_done(&o->value);
    free(o);
}

void p11_object_unref_ptr(struct p11_object **o)
{
    p11_object_unref(*o);
}

/* ---- usage ---- */

static const struct {
    CK_ATTRIBUTE_TYPE type;
    unsigned bit;
} usages[] = {
    { CKA_SIGN, P11_MAY_SIGN },       { CKA_VERIFY, P11_MAY_VERIFY }, { CKA_ENCRYPT, P11_MAY_ENCRYPT },
    { CKA_DECRYPT, P11_MAY_DECRYPT }, { CKA_DERIVE, P11_MAY_DERIVE }, { CKA_WRAP, P11_MAY_WRAP },
    { CKA_UNWRAP, P11_MAY_UNWRAP },
};

unsigned p11_may_of(CK_ATTRIBUTE_TYPE usage)
{
    for (size_t i = 0; i < ARRAY_LEN(usages); i++) {
        if (usages[i].type == usage)
            return usages[i].bit;
    }
    return 0;
}

bool p11_object_may(const struct p11_object *o, CK_ATTRIBUTE_TYPE usage)
{
    return (o->may & p11_may_of(usage)) != 0;
}

static const struct {
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    unsigned may;
} all[] = {
    { CKO_PRIVATE_KEY, CKK_RSA, P11_MAY_SIGN | P11_MAY_DECRYPT },
    { CKO_PRIVATE_KEY, CKK_EC, P11_MAY_SIGN | P11_MAY_DERIVE },
    { CKO_PRIVATE_KEY, CKK_EC_EDWARDS, P11_MAY_SIGN },
    { CKO_PRIVATE_KEY, CKK_EC_MONTGOMERY, P11_MAY_DERIVE },
    { CKO_PUBLIC_KEY, CKK_RSA, P11_MAY_VERIFY | P11_MAY_ENCRYPT },
    { CKO_PUBLIC_KEY, CKK_EC, P11_MAY_VERIFY },
    { CKO_PUBLIC_KEY, CKK_EC_EDWARDS, P11_MAY_VERIFY },
    { CKO_SECRET_KEY, CKK_AES,
      P11_MAY_ENCRYPT | P11_MAY_DECRYPT | P11_MAY_SIGN | P11_MAY_VERIFY | P11_MAY_UNWRAP },
    { CKO_SECRET_KEY, CKK_GENERIC_SECRET, P11_MAY_SIGN | P11_MAY_VERIFY | P11_MAY_DERIVE },
};

unsigned p11_may_all(CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i].class == class && all[i].type == type)
            return all[i].may;
    }
    return 0;
}

bool p11_object_is_open(const struct p11_object *o)
{
    return o->class == CKO_SECRET_KEY && !o->key->in_chip && !o->sensitive && o->extractable;
}

bool p11_object_is_view(const struct p11_object *o)
{
    return o->class == CKO_PUBLIC_KEY && o->id != 0 && o->key->has_private;
}

/* ---- names, values ---- */

err_t p11_object_name(struct p11_object *o, uint32_t id)
{
    char label[P11_LABEL_LEN + 1];

    p11_label_of(id, label);
    buf_clear(&o->label);
    buf_clear(&o->cka_id);
    err_t e = buf_add_mem(&o->label, label, P11_LABEL_LEN);
    return e ? e : buf_add_be32(&o->cka_id, id);
}

static err_t set(struct buf *b, struct slice s)
{
    buf_clear(b);
    return buf_add(b, s);
}

err_t p11_object_apply(struct p11_object *o, const struct p11_record *rec)
{
    err_t e = set(&o->label, rec->label);

    if (!e && rec->cka_id.n) /* never an empty one (consumers §5) */
        e = set(&o->cka_id, rec->cka_id);
    if (!e)
        e = set(&o->application, rec->application);
    if (!e)
        e = set(&o->object_id, rec->object_id);
    o->recorded = true;
    if (o->key)
        o->may &= rec->may;
    if (o->class != CKO_PUBLIC_KEY)
        o->private = rec->private;
    return e;
}

struct p11_record p11_object_record(const struct p11_object *o)
{
    return (struct p11_record){
        .id = o->id,
        .kind = o->class == CKO_CERTIFICATE ? P11_RECORD_CERTIFICATE
                : o->class == CKO_DATA      ? P11_RECORD_DATA
                                            : P11_RECORD_KEY,
        .private = o->private,
        .may = (uint16_t)o->may,
        .label = buf_slice(&o->label),
        .cka_id = buf_slice(&o->cka_id),
        .application = buf_slice(&o->application),
        .object_id = buf_slice(&o->object_id),
    };
}

/* One TLV as a whole and as its parts. */
static err_t take(struct slice *in, uint8_t tag, struct slice *ret_whole, struct slice *ret_value)
{
    struct slice before = *in;
    struct tlv t;

    if (tlv_next(in, &t) != ERR_OK || t.tag != tag)
        return ERR_PROTO;
    *ret_whole = slice_head(before, before.n - in->n);
    *ret_value = t.value;
    return ERR_OK;
}

enum { SEQUENCE = 0x30, INTEGER = 0x02, VERSION = 0xa0 };

/* RFC 5280 §4.1: Certificate { tbs { [0] version, serial, algorithm, issuer, validity, subject, ... } ... }
 */
err_t p11_object_parse_certificate(struct p11_object *o)
{
    struct slice in = buf_slice(&o->value), whole, cert, tbs, serial, issuer, subject, public_key, skipped;
    err_t e = take(&in, SEQUENCE, &whole, &cert);

    if (e || in.n)
        return ERR_PROTO;
    e = take(&cert, SEQUENCE, &whole, &tbs);
    if (!e && tbs.n && tbs.p[0] == VERSION)
        e = take(&tbs, VERSION, &whole, &skipped);
    if (!e)
        e = take(&tbs, INTEGER, &serial, &skipped);
    if (!e)
        e = take(&tbs, SEQUENCE, &whole, &skipped);
    if (!e)
        e = take(&tbs, SEQUENCE, &issuer, &skipped);
    if (!e)
        e = take(&tbs, SEQUENCE, &whole, &skipped);
    if (!e)
        e = take(&tbs, SEQUENCE, &subject, &skipped);
    if (!e)
        e = take(&tbs, SEQUENCE, &public_key, &skipped);
    if (e)
        return e;
    o->serial = serial;
    o->issuer = issuer;
    o->subject = subject;
    o->public_key = public_key;
    return ERR_OK;
}

static bool same_buf(const struct buf *a, const struct buf *b)
{
    return slice_eq(buf_slice(a), buf_slice(b));
}

bool p11_object_same(const struct p11_object *a, const struct p11_object *b)
{
    return a->class == b->class && a->owner == b->owner && a->id == b->id && a->recorded == b->recorded &&
           a->private == b->private && a->sensitive == b->sensitive && a->extractable == b->extractable &&
           a->may == b->may && a->key == b->key && a->profile == b->profile &&
           same_buf(&a->label, &b->label) && same_buf(&a->cka_id, &b->cka_id) &&
           same_buf(&a->application, &b->application) && same_buf(&a->object_id, &b->object_id) &&
           same_buf(&a->value, &b->value);
}
