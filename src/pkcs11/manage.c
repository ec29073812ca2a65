#include "pkcs11/manage.h"

#include "pkcs11/attr.h"
#include "pkcs11/create.h"
#include "pkcs11/rv.h"
#include "pkcs11/store.h"
#include "se/key.h"
#include "se/object.h"

/* ---- key pairs ---- */

struct generate {
    CK_KEY_TYPE type;
    size_t bits;   /* RSA */
    uint8_t curve; /* the others */
};

/* An exponent other than 65537 is refused: the chip's generator knows no other. */
static bool exponent_ok(struct p11_template t)
{
    struct slice e;

    if (!p11_attr_bytes(t.v, t.n, CKA_PUBLIC_EXPONENT, &e))
        return true;
    while (e.n && e.p[0] == 0)
        e = slice_skip(e, 1);
    return slice_eq(e, SLICE_LIT("\x01\x00\x01"));
}

static CK_RV rsa_wanted(struct p11_template public, struct generate *g)
{
    CK_ULONG bits = 0;

    if (!p11_attr_ulong(public.v, public.n, CKA_MODULUS_BITS, &bits))
        return CKR_TEMPLATE_INCOMPLETE;
    if (!exponent_ok(public))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (bits != 1024 && bits != 1152 && bits != 2048 && bits != 3072 && bits != 4096)
        return CKR_KEY_SIZE_RANGE;
    g->bits = bits;
    return CKR_OK;
}

static CK_RV curve_wanted(struct p11_template public, struct generate *g)
{
    struct slice params;

    if (!p11_attr_bytes(public.v, public.n, CKA_EC_PARAMS, &params))
        return CKR_TEMPLATE_INCOMPLETE;
    const struct se_curve_info *curve = se_curve_by_oid_der(params);
    if (!curve)
        return CKR_CURVE_NOT_SUPPORTED;
    if (p11_key_type_of_curve(curve) != g->type)
        return CKR_TEMPLATE_INCONSISTENT;
    g->curve = curve->id;
    return CKR_OK;
}

static err_t write_pair(struct se_chip *chip, struct p11_new *n)
{
    const struct generate *g = n->arg;
    return g->type == CKK_RSA ? se_rsa_generate(chip, n->id, g->bits, &n->how)
                              : se_ec_generate(chip, n->id, g->curve, &n->how);
}

static CK_RV pair_type(const CK_MECHANISM *given, struct generate *g)
{
    static const CK_KEY_TYPE types[P11_SCHEMES] = {
        [P11_GENERATE_RSA] = CKK_RSA,
        [P11_GENERATE_EC] = CKK_EC,
        [P11_GENERATE_EDWARDS] = CKK_EC_EDWARDS,
        [P11_GENERATE_MONTGOMERY] = CKK_EC_MONTGOMERY,
    };
    struct p11_mech mech;
    CK_RV rv = p11_mech_find(given->mechanism, CKF_GENERATE_KEY_PAIR, &mech);

    if (rv == CKR_OK)
        rv = p11_mech_bare(given);
    if (rv == CKR_OK)
        g->type = types[mech.scheme];
    return rv;
}

/* The public half is a view of the pair: its names are the private one's, its usage its own. */
static CK_RV take_public(struct p11_module *m, struct p11_session *s, struct p11_template public,
                         CK_KEY_TYPE type, struct p11_new *n)
{
    auto_new struct p11_new p = { 0 };
    CK_RV rv = p11_new_judge(m, s, public, CKO_PUBLIC_KEY, type, true, &p);

    if (rv != CKR_OK)
        return rv;
    n->may_public = p.o->may;
    if (n->o->label.n == 0)
        rv = p11_rv_from_err(buf_add(&n->o->label, buf_slice(&p.o->label)));
    if (rv == CKR_OK && n->o->cka_id.n == 0)
        rv = p11_rv_from_err(buf_add(&n->o->cka_id, buf_slice(&p.o->cka_id)));
    if (!n->address && !n->wish) {
        n->address = p.address;
        n->wish = p.wish;
        n->id = p.id;
    }
    return rv;
}

CK_RV p11_generate_pair(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                        struct p11_template public, struct p11_template private, CK_OBJECT_HANDLE *ret_public,
                        CK_OBJECT_HANDLE *ret_private)
{
    auto_new struct p11_new n = { 0 };
    struct generate g = { 0 };
    CK_RV rv = pair_type(mech, &g);

    if (rv == CKR_OK)
        rv = p11_new_judge(m, s, private, CKO_PRIVATE_KEY, g.type, true, &n);
    if (rv == CKR_OK)
        rv = take_public(m, s, public, g.type, &n);
    if (rv == CKR_OK)
        rv = g.type == CKK_RSA ? rsa_wanted(public, &g) : curve_wanted(public, &g);
    if (rv == CKR_OK && !n.token)
        rv = CKR_ATTRIBUTE_VALUE_INVALID; /* the chip keeps what it makes: no session keys */
    if (rv != CKR_OK)
        return rv;
    n.write = write_pair;
    n.arg = &g;
    err_t e = p11_new_make(m, &n);
    return e ? p11_rv_from_err(e) : p11_new_show(m, s, &n, NULL, ret_private, ret_public);
}

/* ---- secrets ---- */

struct random {
    uint8_t *p;
    size_t n;
};

static err_t chip_random(struct se_chip *chip, void *arg)
{
    const struct random *r = arg;
    return se_chip_random(chip, r->p, r->n);
}

/* The part has no command that makes a secret and keeps it inside: the value passes through here, and nothing
 * claims that it did not. */
CK_RV p11_generate_secret(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *given,
                          struct p11_template t, CK_OBJECT_HANDLE *ret)
{
    CK_ATTRIBUTE typed[64];
    struct p11_mech mech;
    CK_ULONG len = 0, type = 0;
    uint8_t value[256];
    CK_RV rv = p11_mech_find(given->mechanism, CKF_GENERATE, &mech);

    if (rv == CKR_OK)
        rv = p11_mech_bare(given);
    if (rv == CKR_OK)
        rv = p11_attr_check_template(t.v, t.n);
    if (rv != CKR_OK)
        return rv;
    CK_KEY_TYPE wanted = mech.scheme == P11_GENERATE_AES ? CKK_AES : CKK_GENERIC_SECRET;
    if (p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &type) && type != wanted)
        return CKR_TEMPLATE_INCONSISTENT;
    if (!p11_attr_ulong(t.v, t.n, CKA_VALUE_LEN, &len))
        return CKR_TEMPLATE_INCOMPLETE;
    if (p11_attr_find(t.v, t.n, CKA_VALUE))
        return CKR_TEMPLATE_INCONSISTENT;
    if (len == 0 || len > sizeof(value) || t.n >= ARRAY_LEN(typed))
        return CKR_KEY_SIZE_RANGE;
    if (t.n)
        memcpy(typed, t.v, t.n * sizeof(typed[0]));
    typed[t.n] = (CK_ATTRIBUTE){ CKA_KEY_TYPE, &wanted, sizeof(wanted) };
    struct random r = { value, len };
    rv = p11_rv_from_err(p11_device_do(m->device, chip_random, &r));
    if (rv == CKR_OK)
        rv = p11_create_secret(m, s, (struct p11_template){ typed, t.n + 1 }, slice_of(value, len), ret);
    mem_wipe(value, sizeof(value));
    return rv;
}

/* ---- deleting ---- */

struct deletion {
    uint32_t id;
    bool recorded;
    int tries;
};

static err_t forget_record(struct p11_directory *d, void *arg)
{
    const struct deletion *del = arg;
    p11_directory_remove(d, del->id);
    return ERR_OK;
}

static err_t delete_object(struct se_chip *chip, void *arg)
{
    struct deletion *d = arg;
    err_t e = se_object_delete(chip, d->id);
    bool again = d->tries++ > 0;

    if (e == ERR_NOT_FOUND && again)
        e = ERR_OK; /* gone at the second try: it was the first one's answer that got lost */
    return e || !d->recorded ? e : p11_store_update(chip, forget_record, d);
}

CK_RV p11_destroy(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE handle)
{
    auto_p11_object struct p11_object *o = NULL;

    if (p11_objects_get(m->objects, handle, p11_logged_in(m->sessions), &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    if (o->owner) {
        p11_objects_drop_handle(m->objects, handle);
        return CKR_OK;
    }
    if (!s->rw)
        return CKR_SESSION_READ_ONLY;
    if (!o->id || p11_object_is_view(o))
        return CKR_ACTION_PROHIBITED;
    struct deletion d = { o->id, o->recorded, 0 };
    err_t e = p11_device_do(m->device, delete_object, &d);
    if (!e || e == ERR_NOT_FOUND)
        p11_objects_drop(m->objects, o->id);
    return p11_rv_from_err(e);
}

/* ---- changing ---- */

struct renaming {
    struct p11_object *o;
    unsigned may_other; /* of the pair's other half: the record is of both */
};

static err_t put_record(struct p11_directory *d, void *arg)
{
    const struct renaming *r = arg;
    struct p11_record rec = p11_object_record(r->o);

    rec.may = (uint16_t)(r->o->may | r->may_other);
    if (r->o->class == CKO_PUBLIC_KEY)
        rec.private = true; /* it is the private half that the record is of */
    return p11_directory_put(d, &rec);
}

static err_t keep(struct se_chip *chip, void *arg)
{
    return p11_store_update(chip, put_record, arg);
}

static CK_RV change_attribute(struct p11_object *o, const CK_ATTRIBUTE *a)
{
    switch (a->type) {
    case CKA_LABEL:
    case CKA_ID:
    case CKA_APPLICATION:
    case CKA_OBJECT_ID:
        return p11_template_take(o, a);
    default:
        if (!p11_may_of(a->type))
            return p11_template_take(o, a) == CKR_ATTRIBUTE_TYPE_INVALID ? CKR_ATTRIBUTE_TYPE_INVALID
                                                                         : CKR_ATTRIBUTE_READ_ONLY;
        return p11_template_take(o, a);
    }
}

/* Both halves of a pair go by one name. */
static err_t replace_all(struct p11_module *m, const struct p11_object *old, struct p11_object *new)
{
    auto_p11_object struct p11_object *other = NULL, *renamed = NULL;
    CK_OBJECT_CLASS class = old->class == CKO_PRIVATE_KEY ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;
    err_t e = p11_objects_replace(m->objects, old->handle, new);

    if (e || !old->id || old->class == CKO_SECRET_KEY || !old->key ||
        p11_objects_half(m->objects, old->id, class, &other) != ERR_OK)
        return e;
    renamed = p11_object_copy(other);
    if (!renamed)
        return ERR_NOMEM;
    struct p11_record rec = p11_object_record(new);
    rec.may = (uint16_t)other->may;
    rec.private = other->private;
    e = p11_object_apply(renamed, &rec);
    return e ? e : p11_objects_replace(m->objects, other->handle, renamed);
}

static unsigned may_of_other(struct p11_module *m, const struct p11_object *o)
{
    auto_p11_object struct p11_object *other = NULL;
    CK_OBJECT_CLASS class = o->class == CKO_PRIVATE_KEY ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;

    if (!o->id || o->class == CKO_SECRET_KEY || !o->key ||
        p11_objects_half(m->objects, o->id, class, &other) != ERR_OK)
        return 0;
    return other->may;
}

CK_RV p11_set_attributes(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE handle,
                         struct p11_template t)
{
    auto_p11_object struct p11_object *o = NULL, *new = NULL;
    CK_RV rv = p11_attr_check_template(t.v, t.n);

    if (rv != CKR_OK)
        return rv;
    if (p11_objects_get(m->objects, handle, p11_logged_in(m->sessions), &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    if (o->class == CKO_PROFILE)
        return CKR_ACTION_PROHIBITED;
    if (!o->owner && !s->rw)
        return CKR_SESSION_READ_ONLY;
    new = p11_object_copy(o);
    if (!new)
        return CKR_HOST_MEMORY;
    for (CK_ULONG i = 0; rv == CKR_OK && i < t.n; i++)
        rv = change_attribute(new, &t.v[i]);
    if (rv != CKR_OK)
        return rv;
    struct renaming r = { new, may_of_other(m, o) };
    new->recorded = new->id != 0;
    err_t e = new->id ? p11_device_do(m->device, keep, &r) : ERR_OK;
    if (!e)
        e = replace_all(m, o, new);
    if (!e && new->id &&new->key && p11_attr_find(t.v, t.n, CKA_ID))
        p11_objects_forget(m->objects); /* certificates go by the id of their key (view.c) */
    return p11_rv_from_err(e);
}

CK_RV p11_object_size(struct p11_module *m, CK_OBJECT_HANDLE handle, CK_ULONG *ret)
{
    auto_p11_object struct p11_object *o = NULL;

    if (p11_objects_get(m->objects, handle, p11_logged_in(m->sessions), &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    size_t n = o->label.n + o->cka_id.n + o->application.n + o->object_id.n + o->value.n;
    if (o->key)
        n += o->key->n.n + o->key->e.n + o->key->point.n + (o->key->bits + 7) / 8;
    *ret = n;
    return CKR_OK;
}
