#include "pkcs11/new.h"

#include "pkcs11/attr.h"
#include "pkcs11/label.h"
#include "pkcs11/pin.h"
#include "pkcs11/rv.h"
#include "pkcs11/store.h"
#include "se/object.h"

/* Customer ids, reference 2.7: 00000001 to 7BFFFFFF. */
#define ID_MASK 0x3fffffffu
#define ID_TRIES 16

/* ---- judging the template ---- */

static bool flag_of(struct p11_template t, CK_ATTRIBUTE_TYPE type, bool absent)
{
    const CK_ATTRIBUTE *a = p11_attr_find(t.v, t.n, type);
    return a && a->ulValueLen == sizeof(CK_BBOOL) ? *(const CK_BBOOL *)a->pValue != CK_FALSE : absent;
}

static CK_RV judge_kind(struct p11_template t, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    CK_RV rv = p11_attr_check_template(t.v, t.n);
    CK_ULONG n = 0;

    if (rv != CKR_OK)
        return rv;
    if (p11_attr_ulong(t.v, t.n, CKA_CLASS, &n) && n != class)
        return CKR_TEMPLATE_INCONSISTENT;
    return p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &n) && n != type ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
}

static uint32_t be32_of(struct slice v)
{
    uint32_t id = 0;

    for (size_t i = 0; i < v.n; i++)
        id = id << 8 | v.p[i];
    return id;
}

/* docs/spec/pkcs11.md: what in a template names the id in the chip. Files share the CKA_ID of their key, so
 * for them only the label does. */
static CK_RV judge_id(struct p11_module *m, struct p11_new *n)
{
    bool file = n->o->class == CKO_CERTIFICATE || n->o->class == CKO_DATA;
    struct slice label = { 0 }, id = { 0 };

    (void)p11_attr_bytes(n->t.v, n->t.n, CKA_LABEL, &label);
    (void)p11_attr_bytes(n->t.v, n->t.n, CKA_ID, &id);
    if (p11_label_is_id(label, &n->id)) {
        n->address = true;
    } else if (!file && id.n == 4) {
        n->id = be32_of(id);
        n->address = true;
    } else if (!file && label.n && !id.n) {
        err_t e = p11_label_to_id(m->ossl, label, &n->id);
        if (e)
            return p11_rv_from_err(e);
        n->wish = true;
    }
    if (n->address && (n->id == 0 || p11_id_is_own(n->id) || p11_id_is_file(n->id)))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return CKR_OK;
}

static CK_RV judge_attributes(struct p11_new *n)
{
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; rv == CKR_OK && i < n->t.n; i++)
        rv = p11_template_take(n->o, &n->t.v[i]);
    if (n->token) { /* the chip's keys never come out */
        n->o->sensitive = true;
        n->o->extractable = false;
    }
    return rv;
}

static bool is_key(CK_OBJECT_CLASS class)
{
    return class == CKO_PRIVATE_KEY || class == CKO_PUBLIC_KEY || class == CKO_SECRET_KEY;
}

CK_RV p11_new_judge(struct p11_module *m, struct p11_session *s, struct p11_template t, CK_OBJECT_CLASS class,
                    CK_KEY_TYPE type, bool token_default, struct p11_new *ret)
{
    struct p11_new *n = ret;
    CK_RV rv = judge_kind(t, class, type);

    *n = (struct p11_new){ .t = t, .type = type };
    if (rv != CKR_OK)
        return rv;
    n->o = p11_object_new(class);
    if (!n->o)
        return CKR_HOST_MEMORY;
    n->token = flag_of(t, CKA_TOKEN, token_default);
    n->o->may = is_key(class) ? p11_may_all(class, type) : 0;
    n->may_public = p11_may_all(CKO_PUBLIC_KEY, type);
    n->o->owner = n->token ? 0 : s->handle;
    rv = judge_attributes(n);
    if (rv == CKR_OK && n->token)
        rv = judge_id(m, n);
    if (rv == CKR_OK && n->token && !s->rw)
        rv = CKR_SESSION_READ_ONLY;
    if (rv == CKR_OK && n->o->private && !p11_logged_in(m->sessions))
        rv = CKR_USER_NOT_LOGGED_IN;
    return rv;
}

void p11_new_done(struct p11_new *n)
{
    p11_object_unref(n->o);
    n->o = NULL;
}

/* ---- where it goes ---- */

static err_t is_taken(struct se_chip *chip, uint32_t id, bool *ret)
{
    if (id != 0 && !p11_id_is_own(id))
        return se_object_exists(chip, id, ret);
    *ret = true;
    return ERR_OK;
}

static err_t random_id(struct se_chip *chip, struct p11_new *n)
{
    bool file = n->o->class == CKO_CERTIFICATE || n->o->class == CKO_DATA, taken = true;

    for (int i = 0; taken && i < ID_TRIES; i++) {
        uint8_t r[4];
        err_t e = se_chip_random(chip, r, sizeof(r));
        if (e)
            return e;
        n->id = be32_of(SLICE_ARRAY(r)) & ID_MASK;
        if (file)
            n->id = P11_ID_FILES_FIRST | (n->id & 0xffff);
        e = is_taken(chip, n->id, &taken);
        if (e)
            return e;
    }
    return taken ? ERR_EXISTS : ERR_OK;
}

static err_t pick_id(struct se_chip *chip, struct p11_new *n)
{
    bool taken = true;
    err_t e = n->address || n->wish ? is_taken(chip, n->id, &taken) : ERR_OK;

    if (e || !taken)
        return e;
    return n->address ? ERR_EXISTS : random_id(chip, n);
}

/* ---- what the chip lets whom do with it ---- */

static const struct {
    unsigned may;
    uint32_t rights;
} rights[] = {
    { P11_MAY_SIGN, SE_POLICY_SIGN },
    { P11_MAY_VERIFY, SE_POLICY_VERIFY },
    { P11_MAY_ENCRYPT, SE_POLICY_ENCRYPT },
    { P11_MAY_DECRYPT, SE_POLICY_DECRYPT },
    { P11_MAY_DERIVE, SE_POLICY_KEY_AGREEMENT | SE_POLICY_KDF },
    { P11_MAY_WRAP, SE_POLICY_WRAP },
    { P11_MAY_UNWRAP, SE_POLICY_WRAP },
};

static uint32_t user_rights(const struct p11_new *n)
{
    uint32_t r = SE_POLICY_READ | SE_POLICY_DELETE | (n->in_parts ? SE_POLICY_WRITE : 0);

    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        r |= n->o->may & rights[i].may ? rights[i].rights : 0;
    /* The module pads, the chip does the bare operation, which is the decrypting one (reference 3.8). */
    if (n->type == CKK_RSA && n->o->may & P11_MAY_SIGN)
        r |= SE_POLICY_DECRYPT;
    return r;
}

/* Both objects of a PIN, because it changes from one to the other (docs/decisions/pkcs11-pin.md). */
static err_t add_rules(struct p11_new *n)
{
    uint32_t r = user_rights(n), all = n->o->class == CKO_SECRET_KEY ? 0 : SE_POLICY_READ;
    bool hidden = n->o->class == CKO_DATA && n->o->private;
    err_t e = se_policy_add(&n->policy, P11_ID_USER_PIN_0, r);

    if (!e)
        e = se_policy_add(&n->policy, P11_ID_USER_PIN_1, r);
    if (!e)
        e = se_policy_add(&n->policy, P11_ID_SO_PIN_0, SE_POLICY_DELETE);
    if (!e)
        e = se_policy_add(&n->policy, P11_ID_SO_PIN_1, SE_POLICY_DELETE);
    if (!e && all && !hidden)
        e = se_policy_add(&n->policy, SE_ID_NONE, all);
    return e;
}

/* Without a PIN, and for public objects of a session without login: everything to everybody. */
static err_t decide_policy(struct p11_module *m, struct se_chip *chip, struct p11_new *n)
{
    bool pin = false;
    err_t e = p11_logged_in(m->sessions) ? p11_pin_exists(chip, &pin) : ERR_OK;

    n->policy = (struct se_policy){ 0 };
    n->how = (struct se_write){ .policy = &n->policy };
    return e || !pin ? e : add_rules(n);
}

/* ---- making it ---- */

static bool is_file(const struct p11_object *o)
{
    return o->class == CKO_CERTIFICATE || o->class == CKO_DATA;
}

/* A pair has one record for both halves. */
static unsigned may_of_all(const struct p11_new *n, unsigned may_public)
{
    return n->o->class == CKO_PRIVATE_KEY ? n->o->may | may_public : n->o->may;
}

static struct p11_record record_of(const struct p11_new *n)
{
    struct p11_record rec = p11_object_record(n->o);

    rec.id = n->id;
    rec.may = (uint16_t)may_of_all(n, n->may_public);
    return rec;
}

/* Label and CKA_ID that the template left out are those of the bare id. ret_plain: nothing differs from what
 * a bare object shows, so that nothing need be remembered. */
static err_t fill_names(struct p11_new *n, bool *ret_plain)
{
    auto_p11_object struct p11_object *bare = p11_object_new(n->o->class);
    err_t e = bare ? p11_object_name(bare, n->id) : ERR_NOMEM;

    if (!e && n->o->label.n == 0)
        e = buf_add(&n->o->label, buf_slice(&bare->label));
    if (!e && n->o->cka_id.n == 0)
        e = buf_add(&n->o->cka_id, buf_slice(&bare->cka_id));
    if (e)
        return e;
    unsigned all = p11_may_all(n->o->class, n->type);
    if (n->o->class == CKO_PRIVATE_KEY)
        all |= p11_may_all(CKO_PUBLIC_KEY, n->type);
    *ret_plain = !is_file(n->o) && slice_eq(buf_slice(&n->o->label), buf_slice(&bare->label)) &&
                 slice_eq(buf_slice(&n->o->cka_id), buf_slice(&bare->cka_id)) &&
                 n->o->private == bare->private && may_of_all(n, n->may_public) == all;
    return ERR_OK;
}

static err_t keep_record(struct p11_directory *d, void *arg)
{
    const struct p11_record *rec = arg;
    return p11_directory_put(d, rec);
}

static err_t keep_names(struct se_chip *chip, struct p11_new *n)
{
    struct p11_record rec = record_of(n);
    bool plain = false;
    err_t e = fill_names(n, &plain);

    n->o->id = n->id;
    n->o->recorded = !plain;
    if (e || plain)
        return e;
    rec = record_of(n);
    return p11_store_update(chip, keep_record, &rec);
}

struct making {
    struct p11_module *m;
    struct p11_new *n;
};

/* What an earlier try left, whose answer got lost: one command made it whole or not at all; of several nobody
 * knows how many came through, so they start over. */
static err_t look_for_left(struct se_chip *chip, const struct p11_new *n, bool *ret_made)
{
    bool there = false;
    err_t e = se_object_exists(chip, n->id, &there);

    if (!e && there && n->in_parts) {
        e = se_object_delete(chip, n->id);
        there = false;
    }
    if (!e)
        *ret_made = there;
    return e;
}

static err_t make(struct se_chip *chip, void *arg)
{
    const struct making *k = arg;
    struct p11_new *n = k->n;
    bool made = false;

    err_t e = n->started ? look_for_left(chip, n, &made) : pick_id(chip, n);
    if (!e && !made)
        e = decide_policy(k->m, chip, n);
    if (!e && !made) {
        n->started = true;
        e = n->write(chip, n);
    }
    if (e)
        return e;
    e = keep_names(chip, n);
    if (e == ERR_NO_SPACE || e == ERR_TOO_BIG)
        (void)se_object_delete(chip, n->id); /* nothing must stay of what could not be named */
    return e;
}

err_t p11_new_make(struct p11_module *m, struct p11_new *n)
{
    struct making k = { m, n };
    return p11_device_do(m->device, make, &k);
}

/* ---- showing it ---- */

static err_t show_half(struct p11_module *m, struct p11_new *n, struct p11_key *key, CK_OBJECT_CLASS class,
                       CK_OBJECT_HANDLE *ret)
{
    auto_p11_object struct p11_object *o = p11_object_of_key(key, class);
    struct p11_record rec = record_of(n);
    err_t e = o ? ERR_OK : ERR_NOMEM;

    if (!e && n->o->recorded)
        e = p11_object_apply(o, &rec);
    if (!e)
        e = p11_objects_add(m->objects, o);
    if (!e)
        *ret = o->handle;
    return e;
}

struct loading {
    uint32_t id;
    struct p11_key *key;
};

static err_t load_key(struct se_chip *chip, void *arg)
{
    struct loading *l = arg;
    return p11_key_load(chip, l->id, 0, NULL, &l->key);
}

static err_t show_token_key(struct p11_module *m, struct p11_new *n, CK_OBJECT_HANDLE *ret,
                            CK_OBJECT_HANDLE *ret_other)
{
    CK_OBJECT_HANDLE first = 0, other = 0;
    struct loading l = { .id = n->id };
    err_t e = p11_device_do(m->device, load_key, &l);
    auto_p11_key struct p11_key *key = l.key;

    if (!e && n->o->class == CKO_PRIVATE_KEY && key->has_public)
        e = show_half(m, n, key, CKO_PUBLIC_KEY, &other);
    if (!e)
        e = show_half(m, n, key, n->o->class, &first);
    if (e)
        return e;
    *ret = first;
    if (ret_other)
        *ret_other = other;
    return ERR_OK;
}

CK_RV p11_new_show(struct p11_module *m, struct p11_session *s, struct p11_new *n, struct p11_key *key,
                   CK_OBJECT_HANDLE *ret, CK_OBJECT_HANDLE *ret_other)
{
    if (n->token && !is_file(n->o))
        return p11_rv_from_err(show_token_key(m, n, ret, ret_other));
    if (key)
        n->o->key = p11_key_ref(key);
    err_t e = p11_objects_add(m->objects, n->o);
    if (!e)
        *ret = n->o->handle;
    return p11_rv_from_err(e);
}
