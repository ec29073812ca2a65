#include "pkcs11/objects.h"

#include "se/object.h"

#include <pthread.h>

/* Two for each object of the chip, and session objects. */
#define OBJECTS_MAX (2 * SE_LIST_MAX + 4096)

struct list {
    struct p11_object **v;
    size_t n, cap;
};

struct p11_objects {
    pthread_mutex_t refreshing; /* long: one thread reads the chip's list at a time */
    pthread_mutex_t lock;       /* short: list and next */
    struct list list;
    CK_OBJECT_HANDLE next; /* handles go up and are not used twice */
};

static void list_done(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        p11_object_unref(l->v[i]);
    free(l->v);
    *l = (struct list){ 0 };
}

/* Takes over the caller's reference when it succeeds. */
static err_t list_add(struct list *l, struct p11_object *o)
{
    err_t e = mem_grow(&l->v, &l->cap, l->n + 1, OBJECTS_MAX, sizeof(struct p11_object *));
    if (!e)
        l->v[l->n++] = o;
    return e;
}

static void list_remove(struct list *l, size_t i)
{
    p11_object_unref(l->v[i]);
    l->v[i] = l->v[--l->n];
}

static struct p11_object *list_find(const struct list *l, uint32_t id, CK_OBJECT_CLASS class)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->id == id && l->v[i]->class == class)
            return l->v[i];
    }
    return NULL;
}

/* The key of this id, whichever half we have of it. */
static struct p11_key *list_key(const struct list *l, uint32_t id)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->id == id && l->v[i]->key)
            return l->v[i]->key;
    }
    return NULL;
}

/* v3.0 profiles: what the standard's profiles ask for is here (consumers §10). */
static err_t add_profiles(struct p11_objects *os)
{
    static const CK_ULONG profiles[] = { CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER,
                                         CKP_AUTHENTICATION_TOKEN, CKP_PUBLIC_CERTIFICATES_TOKEN };
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        auto_p11_object struct p11_object *o = p11_object_new(CKO_PROFILE);
        if (!o)
            return ERR_NOMEM;
        o->profile = profiles[i];
        err_t e = p11_objects_add(os, o);
        if (e)
            return e;
    }
    return ERR_OK;
}

struct p11_objects *p11_objects_new(void)
{
    struct p11_objects *os = mem_calloc(1, sizeof(*os));

    if (os && (pthread_mutex_init(&os->refreshing, NULL) != 0 || pthread_mutex_init(&os->lock, NULL) != 0)) {
        free(os);
        return NULL;
    }
    if (os && add_profiles(os) != ERR_OK) {
        p11_objects_free(os);
        return NULL;
    }
    return os;
}

void p11_objects_free(struct p11_objects *os)
{
    if (!os)
        return;
    list_done(&os->list);
    pthread_mutex_destroy(&os->lock);
    pthread_mutex_destroy(&os->refreshing);
    free(os);
}

/* Objects read in one command sequence: other threads and processes get the chip in between. */
#define OBJECTS_AT_ONCE 16

struct refresh {
    const struct list *known; /* our snapshot of before */
    struct list fresh;        /* what the chip holds; objects that are the same are shared with known */
    uint32_t *ids;            /* the chip's list */
    size_t n, at;
};

/* The applet's own objects cannot be used by anybody. */
static bool reserved(uint32_t id)
{
    return id >= SE_ID_RESERVED_FIRST && id <= SE_ID_RESERVED_LAST;
}

/* Take in what was read: the object we know when it is still the same, otherwise the new one, which keeps the
 * handle when only its attributes changed. */
static err_t take_in(struct refresh *r, struct p11_object *o)
{
    struct p11_object *known = list_find(r->known, o->id, o->class);

    if (known && p11_object_same(known, o)) {
        o = known;
    } else if (known && known->key == o->key && slice_eq(buf_slice(&known->value), buf_slice(&o->value))) {
        o->handle = known->handle;
    }
    err_t e = list_add(&r->fresh, o);
    if (!e)
        p11_object_ref(o);
    return e;
}

static err_t take_half(struct refresh *r, struct p11_key *key, CK_OBJECT_CLASS class)
{
    auto_p11_object struct p11_object *o = p11_object_of_key(key, class);
    return o ? take_in(r, o) : ERR_NOMEM;
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

static err_t refresh_one(struct se_chip *chip, struct refresh *r, uint32_t id)
{
    auto_p11_key struct p11_key *key = NULL;
    err_t e = p11_key_load(chip, id, list_key(r->known, id), &key);

    if (e == ERR_UNSUPPORTED || e == ERR_NOT_FOUND || e == ERR_DENIED)
        return ERR_OK; /* nothing for us: one odd object must not hide the others */
    return e ? e : take_key(r, key);
}

static err_t list_ids(struct se_chip *chip, void *arg)
{
    struct refresh *r = arg;
    return se_object_list(chip, SE_TYPE_ALL, &r->ids, &r->n);
}

/* Goes on where it stopped, also after a link fault in the middle. */
static err_t refresh_some(struct se_chip *chip, void *arg)
{
    struct refresh *r = arg;
    size_t end = r->n - r->at > OBJECTS_AT_ONCE ? r->at + OBJECTS_AT_ONCE : r->n;

    for (; r->at < end; r->at++) {
        err_t e = reserved(r->ids[r->at]) ? ERR_OK : refresh_one(chip, r, r->ids[r->at]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static err_t refresh_all(struct p11_device *d, struct refresh *r)
{
    err_t e = p11_device_do(d, list_ids, r);

    while (!e && r->at < r->n)
        e = p11_device_do(d, refresh_some, r);
    return e;
}

static bool of_the_chip(const struct p11_object *o)
{
    return o->id != 0;
}

static err_t snapshot(struct p11_objects *os, struct list *ret)
{
    err_t e = ERR_OK;

    pthread_mutex_lock(&os->lock);
    for (size_t i = 0; !e && i < os->list.n; i++) {
        struct p11_object *o = os->list.v[i];
        if (!of_the_chip(o))
            continue;
        e = list_add(ret, o);
        if (!e)
            p11_object_ref(o);
    }
    pthread_mutex_unlock(&os->lock);
    return e;
}

/* With the lock held. */
static void number(struct p11_objects *os, struct p11_object *o)
{
    if (!o->handle)
        o->handle = ++os->next;
}

/* Room was made before, so that nothing can fail halfway. */
static err_t publish(struct p11_objects *os, struct list *fresh)
{
    pthread_mutex_lock(&os->lock);
    err_t e = mem_grow(&os->list.v, &os->list.cap, os->list.n + fresh->n, 2 * OBJECTS_MAX,
                       sizeof(struct p11_object *));
    for (size_t i = os->list.n; !e && i-- > 0;) {
        if (of_the_chip(os->list.v[i]))
            list_remove(&os->list, i);
    }
    for (size_t i = 0; !e && i < fresh->n; i++) {
        number(os, fresh->v[i]);
        os->list.v[os->list.n++] = fresh->v[i];
    }
    if (!e)
        fresh->n = 0; /* the references are the list's now */
    pthread_mutex_unlock(&os->lock);
    return e;
}

err_t p11_objects_refresh(struct p11_objects *os, struct p11_device *d)
{
    struct list known = { 0 };
    struct refresh r = { .known = &known };

    pthread_mutex_lock(&os->refreshing);
    err_t e = snapshot(os, &known);
    if (!e)
        e = refresh_all(d, &r);
    if (!e)
        e = publish(os, &r.fresh);
    pthread_mutex_unlock(&os->refreshing);
    list_done(&r.fresh);
    list_done(&known);
    free(r.ids);
    return e;
}

/* With the lock held. */
static err_t find_handle(const struct p11_objects *os, CK_OBJECT_HANDLE handle, size_t *ret_at)
{
    for (size_t i = 0; i < os->list.n; i++) {
        if (os->list.v[i]->handle == handle) {
            *ret_at = i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

err_t p11_objects_get(struct p11_objects *os, CK_OBJECT_HANDLE handle, bool logged_in,
                      struct p11_object **ret)
{
    size_t at = 0;

    pthread_mutex_lock(&os->lock);
    err_t e = find_handle(os, handle, &at);
    if (!e && os->list.v[at]->private && !logged_in)
        e = ERR_NOT_FOUND; /* §6.7.2: not to be seen */
    if (!e)
        *ret = p11_object_ref(os->list.v[at]);
    pthread_mutex_unlock(&os->lock);
    return e;
}

err_t p11_objects_select(struct p11_objects *os, p11_objects_take take, void *arg, CK_OBJECT_HANDLE **ret,
                         size_t *ret_n)
{
    autofree CK_OBJECT_HANDLE *v = NULL;
    size_t n = 0, cap = 0;
    err_t e = ERR_OK;

    pthread_mutex_lock(&os->lock);
    for (size_t i = 0; !e && i < os->list.n; i++) {
        if (!take(os->list.v[i], arg))
            continue;
        e = mem_grow(&v, &cap, n + 1, 2 * OBJECTS_MAX, sizeof(v[0]));
        if (!e)
            v[n++] = os->list.v[i]->handle;
    }
    pthread_mutex_unlock(&os->lock);
    if (e)
        return e;
    *ret = steal(&v);
    *ret_n = n;
    return ERR_OK;
}

err_t p11_objects_add(struct p11_objects *os, struct p11_object *o)
{
    /* After a refresh that runs just now: its list may be from before the object was made. */
    pthread_mutex_lock(&os->refreshing);
    pthread_mutex_lock(&os->lock);
    err_t e = list_add(&os->list, o);
    if (!e) {
        p11_object_ref(o);
        number(os, o);
    }
    pthread_mutex_unlock(&os->lock);
    pthread_mutex_unlock(&os->refreshing);
    return e;
}

err_t p11_objects_replace(struct p11_objects *os, CK_OBJECT_HANDLE handle, struct p11_object *with)
{
    size_t at = 0;

    pthread_mutex_lock(&os->refreshing);
    pthread_mutex_lock(&os->lock);
    err_t e = find_handle(os, handle, &at);
    if (!e) {
        p11_object_unref(os->list.v[at]);
        with->handle = handle;
        os->list.v[at] = p11_object_ref(with);
    }
    pthread_mutex_unlock(&os->lock);
    pthread_mutex_unlock(&os->refreshing);
    return e;
}

/* Objects of the chip: with `refreshing` held, too. */
typedef bool (*drop_rule)(const struct p11_object *o, CK_ULONG arg);

static void drop(struct p11_objects *os, drop_rule rule, CK_ULONG arg)
{
    pthread_mutex_lock(&os->lock);
    for (size_t i = os->list.n; i-- > 0;) {
        if (rule(os->list.v[i], arg))
            list_remove(&os->list, i);
    }
    pthread_mutex_unlock(&os->lock);
}

static bool has_id(const struct p11_object *o, CK_ULONG id)
{
    return o->id != 0 && o->id == id;
}

static bool has_handle(const struct p11_object *o, CK_ULONG handle)
{
    return o->owner != 0 && o->handle == handle;
}

static bool has_owner(const struct p11_object *o, CK_ULONG owner)
{
    return o->owner != 0 && o->owner == owner;
}

static bool of_a_session(const struct p11_object *o, CK_ULONG only_private)
{
    return o->owner != 0 && (o->private || !only_private);
}

void p11_objects_drop(struct p11_objects *os, uint32_t id)
{
    pthread_mutex_lock(&os->refreshing);
    drop(os, has_id, id);
    pthread_mutex_unlock(&os->refreshing);
}

void p11_objects_drop_handle(struct p11_objects *os, CK_OBJECT_HANDLE handle)
{
    drop(os, has_handle, handle);
}

void p11_objects_drop_session(struct p11_objects *os, CK_SESSION_HANDLE owner)
{
    drop(os, has_owner, owner);
}

void p11_objects_drop_sessions(struct p11_objects *os, bool only_private)
{
    drop(os, of_a_session, only_private);
}
