#include "pkcs11/manage.h"

#include "pkcs11/attr.h"
#include "pkcs11/label.h"
#include "pkcs11/rv.h"
#include "se/key.h"
#include "se/object.h"

/* Customer ids, se050.md and AN12413: 00000001 to 7BFFFFFF. */
#define ID_MASK 0x3fffffffu
#define ID_TRIES 16

struct generate {
    bool rsa;
    size_t bits;   /* RSA */
    uint8_t curve; /* EC */
    bool random_id;
    uint32_t id;
    bool started;        /* an earlier try got as far as the command and lost its answer */
    struct p11_key *key; /* the result */
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
    g->rsa = true;
    g->bits = bits;
    return CKR_OK;
}

static CK_RV ec_wanted(struct p11_template public, struct generate *g)
{
    struct slice params;

    if (!p11_attr_bytes(public.v, public.n, CKA_EC_PARAMS, &params))
        return CKR_TEMPLATE_INCOMPLETE;
    const struct se_curve_info *curve = se_curve_by_oid_der(params);
    if (!curve)
        return CKR_CURVE_NOT_SUPPORTED;
    g->curve = curve->id;
    return CKR_OK;
}

/* What a template may say at most: a key pair of this type, on the token. */
static CK_RV judge_template(struct p11_template t, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    CK_RV rv = p11_attr_check_template(t.v, t.n);
    CK_ULONG n = 0;
    struct slice token;

    if (rv != CKR_OK)
        return rv;
    if (p11_attr_ulong(t.v, t.n, CKA_CLASS, &n) && n != class)
        return CKR_TEMPLATE_INCONSISTENT;
    if (p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &n) && n != type)
        return CKR_TEMPLATE_INCONSISTENT;
    if (p11_attr_bytes(t.v, t.n, CKA_TOKEN, &token) && token.n == 1 && token.p[0] == CK_FALSE)
        return CKR_ATTRIBUTE_VALUE_INVALID; /* the chip keeps what it makes: no session keys */
    return CKR_OK;
}

static CK_RV id_from(struct p11_module *m, struct p11_template t, struct generate *g)
{
    struct slice v;

    if (p11_attr_bytes(t.v, t.n, CKA_ID, &v) && v.n) {
        if (v.n > 4)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        g->id = 0;
        for (size_t i = 0; i < v.n; i++)
            g->id = g->id << 8 | v.p[i];
    } else if (p11_attr_bytes(t.v, t.n, CKA_LABEL, &v) && v.n) {
        err_t e = p11_label_to_id(m->ossl, v, &g->id);
        if (e)
            return p11_rv_from_err(e);
    } else {
        return CKR_OK;
    }
    g->random_id = false;
    return g->id ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static err_t pick_id(struct se_chip *chip, struct generate *g)
{
    bool taken = true;

    for (int i = 0; taken && i < ID_TRIES; i++) {
        uint8_t r[4];
        err_t e = g->random_id ? se_chip_random(chip, r, sizeof(r)) : ERR_OK;
        if (e)
            return e;
        if (g->random_id)
            g->id = ((uint32_t)r[0] << 24 | (uint32_t)r[1] << 16 | (uint32_t)r[2] << 8 | r[3]) & ID_MASK;
        e = g->id ? se_object_exists(chip, g->id, &taken) : ERR_OK;
        if (e)
            return e;
        if (!g->random_id)
            break;
    }
    return taken ? ERR_EXISTS : ERR_OK;
}

static err_t make_pair(struct se_chip *chip, struct generate *g)
{
    bool made = false;
    err_t e = g->started ? se_object_exists(chip, g->id, &made) : pick_id(chip, g);

    if (e || made)
        return e;
    g->started = true;
    return g->rsa ? se_rsa_generate(chip, g->id, g->bits, NULL) : se_ec_generate(chip, g->id, g->curve, NULL);
}

static err_t generate(struct se_chip *chip, void *arg)
{
    struct generate *g = arg;
    err_t e = make_pair(chip, g);

    return e ? e : p11_key_load(chip, g->id, 0, NULL, &g->key);
}

static CK_RV judge(struct p11_module *m, const CK_MECHANISM *given, struct p11_template public,
                   struct p11_template private, struct generate *ret)
{
    struct p11_mech mech;
    CK_RV rv = p11_mech_find(given->mechanism, CKF_GENERATE_KEY_PAIR, &mech);

    if (rv == CKR_OK)
        rv = p11_mech_bare(given);
    if (rv != CKR_OK)
        return rv;
    bool rsa = mech.scheme == P11_GENERATE_RSA;
    rv = judge_template(public, CKO_PUBLIC_KEY, rsa ? CKK_RSA : CKK_EC);
    if (rv == CKR_OK)
        rv = judge_template(private, CKO_PRIVATE_KEY, rsa ? CKK_RSA : CKK_EC);
    if (rv == CKR_OK)
        rv = rsa ? rsa_wanted(public, ret) : ec_wanted(public, ret);
    if (rv == CKR_OK)
        rv = id_from(m, private, ret);
    if (rv == CKR_OK && ret->random_id)
        rv = id_from(m, public, ret);
    return rv;
}

static err_t show_half(struct p11_module *m, struct p11_key *key, CK_OBJECT_CLASS class,
                       CK_OBJECT_HANDLE *ret)
{
    auto_p11_object struct p11_object *o = p11_object_of_key(key, class);
    err_t e = o ? p11_objects_add(m->objects, o) : ERR_NOMEM;

    if (!e)
        *ret = o->handle;
    return e;
}

static err_t show_pair(struct p11_module *m, struct p11_key *key, CK_OBJECT_HANDLE *ret_public,
                       CK_OBJECT_HANDLE *ret_private)
{
    CK_OBJECT_HANDLE public = 0, private = 0;
    err_t e = show_half(m, key, CKO_PUBLIC_KEY, &public);

    if (!e)
        e = show_half(m, key, CKO_PRIVATE_KEY, &private);
    if (e)
        return e;
    *ret_public = public;
    *ret_private = private;
    return ERR_OK;
}

CK_RV p11_generate_pair(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                        struct p11_template public, struct p11_template private, CK_OBJECT_HANDLE *ret_public,
                        CK_OBJECT_HANDLE *ret_private)
{
    struct generate g = { .random_id = true };
    CK_RV rv = judge(m, mech, public, private, &g);

    if (rv != CKR_OK)
        return rv;
    if (!s->rw)
        return CKR_SESSION_READ_ONLY;
    if (!p11_logged_in(m->sessions))
        return CKR_USER_NOT_LOGGED_IN;
    err_t e = p11_device_do(m->device, generate, &g);
    if (!e)
        e = show_pair(m, g.key, ret_public, ret_private);
    p11_key_unref(g.key);
    return p11_rv_from_err(e);
}

struct deletion {
    uint32_t id;
    int tries;
};

static err_t delete_object(struct se_chip *chip, void *arg)
{
    struct deletion *d = arg;
    err_t e = se_object_delete(chip, d->id);
    bool again = d->tries++ > 0;

    /* gone at the second try: it was the first one's answer that got lost */
    return e == ERR_NOT_FOUND && again ? ERR_OK : e;
}

CK_RV p11_destroy(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE handle)
{
    auto_p11_object struct p11_object *o = NULL;

    if (p11_objects_get(m->objects, handle, p11_logged_in(m->sessions), &o) != ERR_OK)
        return CKR_OBJECT_HANDLE_INVALID;
    if (!s->rw)
        return CKR_SESSION_READ_ONLY;
    if (!o->id || p11_object_is_view(o))
        return CKR_ACTION_PROHIBITED;
    struct deletion d = { o->id, 0 };
    err_t e = p11_device_do(m->device, delete_object, &d);
    if (!e || e == ERR_NOT_FOUND)
        p11_objects_drop(m->objects, o->id);
    return p11_rv_from_err(e);
}
