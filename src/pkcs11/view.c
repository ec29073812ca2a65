#include "pkcs11/view.h"

#include "base/tlv.h"
#include "pkcs11/label.h"
#include "pkcs11/store.h"
#include "se/object.h"

void p11_view_init(struct p11_view *w)
{
    *w = (struct p11_view){ 0 };
    p11_directory_init(&w->dir);
}

void p11_view_done(struct p11_view *w)
{
    free(w->v);
    p11_directory_done(&w->dir);
    p11_view_init(w);
}

struct p11_entry *p11_view_find(const struct p11_view *w, uint32_t id)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->v[i].id == id)
            return &w->v[i];
    }
    return NULL;
}

err_t p11_view_add(struct p11_view *w, uint32_t id, uint8_t type)
{
    struct p11_entry *known = p11_view_find(w, id);

    if (!known) {
        struct p11_entry *v = realloc(w->v, (w->n + 1) * sizeof(*v));
        if (!v)
            return ERR_NOMEM;
        w->v = v;
        known = &w->v[w->n++];
    }
    *known = (struct p11_entry){ .id = id, .type = type, .current = true };
    return ERR_OK;
}

void p11_view_remove(struct p11_view *w, uint32_t id)
{
    struct p11_entry *e = p11_view_find(w, id);

    if (e)
        *e = w->v[--w->n];
}

/* ---- the list of ids, and the directory ---- */

/* The applet's own objects cannot be used by anybody. */
static bool shown(uint32_t id)
{
    return (id < SE_ID_RESERVED_FIRST || id > SE_ID_RESERVED_LAST) && !p11_id_is_own(id);
}

static void note_pins(struct p11_view *w, uint32_t id)
{
    static const uint32_t user[2] = { P11_ID_USER_PIN_0, P11_ID_USER_PIN_1 },
                          so[2] = { P11_ID_SO_PIN_0, P11_ID_SO_PIN_1 };
    for (int i = 0; i < 2; i++) {
        w->user_pin[i] |= id == user[i];
        w->so_pin[i] |= id == so[i];
    }
}

static err_t set_entries(struct p11_view *w, const uint32_t *ids, size_t n)
{
    struct p11_entry *v = mem_calloc(n ? n : 1, sizeof(*v));
    size_t kept = 0;

    if (!v)
        return ERR_NOMEM;
    memset(w->user_pin, 0, sizeof(w->user_pin));
    memset(w->so_pin, 0, sizeof(w->so_pin));
    for (size_t i = 0; i < n; i++) {
        note_pins(w, ids[i]);
        if (shown(ids[i]))
            v[kept++].id = ids[i];
    }
    free(w->v);
    w->v = v;
    w->n = kept;
    return ERR_OK;
}

err_t p11_view_list(struct p11_view *w, struct se_chip *chip)
{
    autofree uint32_t *ids = NULL;
    uint64_t generation = se_chip_generation(chip);
    size_t n = 0;

    if (w->read && generation == w->generation)
        return ERR_OK;
    w->read = false;
    err_t e = se_object_list(chip, SE_TYPE_ALL, &ids, &n);
    if (!e)
        e = p11_store_load(chip, ids, n, &w->dir);
    if (!e)
        e = set_entries(w, ids, n);
    if (e)
        return e;
    w->read = true;
    w->generation = generation;
    return ERR_OK;
}

/* ---- which of them a search is after ---- */

static bool label_fits(const struct p11_wanted *wanted, uint32_t id, const struct p11_record *rec)
{
    if (id == wanted->label_id)
        return true;
    return rec && slice_eq(rec->label, wanted->label);
}

static bool cka_id_fits(const struct p11_wanted *wanted, uint32_t id, const struct p11_record *rec)
{
    const uint8_t be[4] = { (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };
    /* a certificate of which nothing is kept goes by the id of its key: it has to be read */
    return slice_eq(rec ? rec->cka_id : SLICE_ARRAY(be), wanted->cka_id) ||
           (!rec && wanted->classes & P11_WANT_FILES);
}

static bool is_wanted(const struct p11_view *w, const struct p11_wanted *wanted,
                      const struct p11_entry *entry)
{
    const struct p11_record *rec = p11_directory_find(&w->dir, entry->id);

    if (!wanted->classes)
        return false; /* only what there is, and the PINs: no object is asked for its type */
    if (wanted->by_label && !label_fits(wanted, entry->id, rec))
        return false;
    return !wanted->by_cka_id || cka_id_fits(wanted, entry->id, rec);
}

static unsigned class_of(uint8_t type)
{
    return type == SE_TYPE_BINARY ? P11_WANT_FILES : P11_WANT_KEYS;
}

/* ---- reading one ---- */

struct refresh {
    struct p11_view *view;
    const struct p11_wanted *wanted;
    const struct p11_list *known;
    struct p11_list *fresh;
    size_t at;
};

/* Take in what was read: the object we know when it is still the same, otherwise the new one, which keeps the
 * handle when only its attributes changed. */
static err_t take_in(struct refresh *r, struct p11_object *o)
{
    struct p11_object *known = p11_list_find(r->known, o->id, o->class);

    if (known && p11_object_same(known, o))
        o = known;
    else if (known && known->key == o->key && slice_eq(buf_slice(&known->value), buf_slice(&o->value)))
        o->handle = known->handle;
    return p11_list_add(r->fresh, o);
}

static err_t take_half(struct refresh *r, struct p11_key *key, CK_OBJECT_CLASS class)
{
    const struct p11_record *rec = p11_directory_find(&r->view->dir, key->id);
    auto_p11_object struct p11_object *o = p11_object_of_key(key, class);
    err_t e = o ? ERR_OK : ERR_NOMEM;

    if (!e && rec && rec->kind == P11_RECORD_KEY)
        e = p11_object_apply(o, rec);
    return e ? e : take_in(r, o);
}

static err_t take_key(struct refresh *r, struct p11_key *key)
{
    err_t e = ERR_OK;

    if (key->type == CKK_AES || key->type == CKK_GENERIC_SECRET)
        return take_half(r, key, CKO_SECRET_KEY);
    if (key->has_private)
        e = take_half(r, key, CKO_PRIVATE_KEY);
    if (!e && key->has_public)
        e = take_half(r, key, CKO_PUBLIC_KEY);
    return e;
}

static err_t read_key(struct se_chip *chip, struct refresh *r, const struct p11_entry *entry)
{
    auto_p11_key struct p11_key *key = NULL;
    err_t e = p11_key_load(chip, entry->id, entry->type, p11_list_key(r->known, entry->id), &key);

    return e ? e : take_key(r, key);
}

/* A file is a certificate or data, as the directory says; without a record, as its bytes say. */
static err_t read_file(struct se_chip *chip, struct refresh *r, const struct p11_entry *entry)
{
    const struct p11_record *rec = p11_directory_find(&r->view->dir, entry->id);
    auto_p11_object struct p11_object *o = p11_object_new(CKO_CERTIFICATE);

    if (!o)
        return ERR_NOMEM;
    err_t e = p11_object_name(o, entry->id);
    if (!e)
        e = se_object_read(chip, entry->id, &o->value);
    if (e)
        return e;
    o->id = entry->id;
    if ((rec && rec->kind == P11_RECORD_DATA) || p11_object_parse_certificate(o) != ERR_OK)
        o->class = CKO_DATA;
    if (!rec && o->class == CKO_DATA && p11_id_is_file(entry->id))
        return ERR_UNSUPPORTED; /* half written when the power went */
    if (rec && rec->kind != P11_RECORD_KEY)
        e = p11_object_apply(o, rec);
    return e ? e : take_in(r, o);
}

static err_t ask_type(struct se_chip *chip, struct p11_entry *entry)
{
    struct se_object_type type = { 0 };
    err_t e = entry->type ? ERR_OK : se_object_type(chip, entry->id, &type);

    if (!e && !entry->type)
        entry->type = se_type_class(type.type);
    return e;
}

/* One odd object must not hide the others. */
static bool nothing_for_us(err_t e)
{
    return e == ERR_UNSUPPORTED || e == ERR_NOT_FOUND || e == ERR_DENIED || e == ERR_TOO_BIG;
}

static err_t read_entry(struct se_chip *chip, struct refresh *r, struct p11_entry *entry)
{
    err_t e = ask_type(chip, entry);

    if (e || !(class_of(entry->type) & r->wanted->classes))
        return e;
    e = entry->type == SE_TYPE_BINARY ? read_file(chip, r, entry) : read_key(chip, r, entry);
    if (!e || nothing_for_us(e))
        entry->current = entry->renewed = true;
    entry->denied = e == ERR_DENIED || e == ERR_NOT_FOUND; /* the applet's word for both */
    return e;
}

void p11_view_forget_denied(struct p11_view *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->v[i].denied)
            w->v[i].current = false;
    }
}

/* ---- all of them ---- */

/* Objects looked at in one command sequence: other threads and processes get the chip in between. */
#define OBJECTS_AT_ONCE 16

/* Goes on where it stopped, also after a link fault in the middle. */
static err_t refresh_some(struct se_chip *chip, struct refresh *r)
{
    for (int n = 0; r->at < r->view->n && n < OBJECTS_AT_ONCE; r->at++) {
        struct p11_entry *entry = &r->view->v[r->at];
        if (entry->current || !is_wanted(r->view, r->wanted, entry))
            continue;
        n++;
        err_t e = read_entry(chip, r, entry);
        if (e && !nothing_for_us(e))
            return e;
    }
    return ERR_OK;
}

/* ---- without the list: what can be asked for by id or type ---- */

/* Whether there are PINs tells a list of UserIDs alone, which is short however much the chip holds. Which of
 * them counts tells the directory. */
static err_t look_for_pins(struct p11_view *w, struct se_chip *chip)
{
    autofree uint32_t *ids = NULL;
    uint64_t generation = se_chip_generation(chip);
    bool any = false;
    size_t n = 0;

    if (w->no_pins && generation == w->no_pins_at)
        return ERR_OK;
    w->no_pins = false;
    err_t e = se_object_list(chip, SE_TYPE_USERID, &ids, &n);
    if (e)
        return e;
    for (size_t i = 0; i < n; i++)
        any |= p11_id_is_own(ids[i]);
    if (any)
        return p11_view_list(w, chip);
    memset(w->user_pin, 0, sizeof(w->user_pin));
    memset(w->so_pin, 0, sizeof(w->so_pin));
    w->no_pins = true;
    w->no_pins_at = generation;
    return ERR_OK;
}

/* What was read by its id before the chip was used by somebody else may be another object now. */
static void forget_addressed(struct p11_view *w, uint64_t generation)
{
    for (size_t i = 0; generation != w->addressed_at && i < w->n; i++)
        w->v[i].current = false;
    w->addressed_at = generation;
}

/* `sss:HEXID` where nothing was read yet: the one object. */
static err_t read_addressed(struct se_chip *chip, struct refresh *r)
{
    struct p11_view *w = r->view;
    uint32_t id = r->wanted->label_id;
    struct p11_entry asked = { .id = id };

    forget_addressed(w, se_chip_generation(chip));
    r->at = w->n; /* no others */
    const struct p11_entry *known = p11_view_find(w, id);
    if (!shown(id) || (known && known->current))
        return ERR_OK;
    err_t e = ask_type(chip, &asked);
    if (e == ERR_NOT_FOUND)
        p11_view_remove(w, id);
    else if (!e)
        e = p11_view_add(w, id, asked.type);
    if (!e)
        e = read_entry(chip, r, p11_view_find(w, id));
    r->at = w->n;
    return nothing_for_us(e) ? ERR_OK : e;
}

static err_t refresh_first(struct se_chip *chip, void *arg)
{
    struct refresh *r = arg;
    bool current = r->view->read && se_chip_generation(chip) == r->view->generation;

    if (!current && !r->wanted->classes && !r->wanted->names)
        return look_for_pins(r->view, chip);
    if (!r->view->read && r->wanted->address)
        return read_addressed(chip, r);
    err_t e = p11_view_list(r->view, chip);

    return e ? e : refresh_some(chip, r);
}

static err_t refresh_next(struct se_chip *chip, void *arg)
{
    return refresh_some(chip, arg);
}

static err_t refresh_rest(struct p11_device *d, struct refresh *r)
{
    err_t e = ERR_OK;

    while (!e && r->at < r->view->n)
        e = p11_device_do(d, refresh_next, r);
    return e;
}

/* ---- certificates of which nothing is kept: they go by the CKA_ID of their key (consumers §5) ---- */

static bool is_unnamed_certificate(const struct p11_object *o)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list holds no NULL */
    return o->class == CKO_CERTIFICATE && !o->recorded;
}

static bool any_unnamed(const struct p11_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (is_unnamed_certificate(l->v[i]))
            return true;
    }
    return false;
}

/* The value of the key stands in the certificate's SubjectPublicKeyInfo, whole. */
static bool is_key_of(const struct p11_object *o, const struct p11_object *cert)
{
    struct slice der, value;
    struct tlv t;

    if (o->class != CKO_PRIVATE_KEY || !o->key->has_public)
        return false;
    der = buf_slice(&o->key->point);
    value = o->key->type == CKK_RSA        ? buf_slice(&o->key->n)
            : tlv_next(&der, &t) == ERR_OK ? t.value
                                           : slice_of(NULL, 0);
    return value.n && memmem(cert->public_key.p, cert->public_key.n, value.p, value.n) != NULL;
}

static const struct p11_object *key_of(const struct p11_list *l, const struct p11_object *cert)
{
    for (size_t i = 0; i < l->n; i++) {
        if (is_key_of(l->v[i], cert))
            return l->v[i];
    }
    return NULL;
}

/* An object that others may hold is not changed: a copy takes its place and its handle. */
static err_t name_after(struct p11_list *fresh, size_t i, const struct p11_object *key)
{
    struct p11_object *o = fresh->v[i];

    if (slice_eq(buf_slice(&o->cka_id), buf_slice(&key->cka_id)))
        return ERR_OK;
    struct p11_object *named = p11_object_copy(o);
    if (!named)
        return ERR_NOMEM;
    named->handle = o->handle;
    fresh->v[i] = named;
    p11_object_unref(o);
    buf_clear(&named->cka_id);
    return buf_add(&named->cka_id, buf_slice(&key->cka_id));
}

static err_t pair_certificates(struct p11_device *d, struct refresh *r)
{
    static const struct p11_wanted keys = { .classes = P11_WANT_KEYS };
    err_t e = ERR_OK;

    if (!any_unnamed(r->fresh))
        return ERR_OK;
    r->wanted = &keys;
    r->at = 0;
    e = refresh_rest(d, r);
    for (size_t i = 0; !e && i < r->fresh->n; i++) {
        if (!is_unnamed_certificate(r->fresh->v[i]))
            continue;
        const struct p11_object *key = key_of(r->fresh, r->fresh->v[i]);
        if (!key)
            key = key_of(r->known, r->fresh->v[i]);
        if (key)
            e = name_after(r->fresh, i, key);
    }
    return e;
}

err_t p11_view_refresh(struct p11_view *w, struct p11_device *d, const struct p11_wanted *wanted,
                       const struct p11_list *known, struct p11_list *fresh)
{
    struct refresh r = { .view = w, .wanted = wanted, .known = known, .fresh = fresh };

    for (size_t i = 0; i < w->n; i++)
        w->v[i].renewed = false;
    err_t e = p11_device_do(d, refresh_first, &r);
    if (!e)
        e = refresh_rest(d, &r);
    return e ? e : pair_certificates(d, &r);
}
