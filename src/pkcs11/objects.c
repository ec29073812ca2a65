#include "pkcs11/objects.h"

#include "se/object.h"

#include <pthread.h>

/* Handles: base + 1 the private object, base + 2 the public one; bases go up in steps of 4, never reused. */
enum { PRIVATE_OFFSET = 1, PUBLIC_OFFSET = 2, HANDLE_STEP = 4 };

struct key_list {
    struct p11_key **v;
    size_t n, cap;
};

struct p11_objects {
    pthread_mutex_t refreshing; /* long: one thread reads the chip's list at a time */
    pthread_mutex_t lock;       /* short: list and next */
    struct key_list list;
    CK_OBJECT_HANDLE next;
};

static void list_done(struct key_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        p11_key_unref(l->v[i]);
    free(l->v);
    *l = (struct key_list){ 0 };
}

static err_t list_add(struct key_list *l, struct p11_key *key)
{
    err_t e = mem_grow(&l->v, &l->cap, l->n + 1, SE_LIST_MAX, sizeof(struct p11_key *));
    if (!e)
        l->v[l->n++] = key;
    return e;
}

static struct p11_key *list_find(const struct key_list *l, uint32_t id)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->id == id)
            return l->v[i];
    }
    return NULL;
}

struct p11_objects *p11_objects_new(void)
{
    struct p11_objects *os = mem_calloc(1, sizeof(*os));

    if (os && (pthread_mutex_init(&os->refreshing, NULL) != 0 || pthread_mutex_init(&os->lock, NULL) != 0)) {
        free(os);
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

/* With the lock held. */
static void number(struct p11_objects *os, struct p11_key *key)
{
    os->next += HANDLE_STEP;
    key->base = os->next;
}

/* Keys read in one command sequence: other threads and processes get the chip in between. */
#define KEYS_AT_ONCE 16

struct refresh {
    const struct key_list *known; /* our snapshot of before */
    struct key_list fresh;        /* what the chip holds; keys that are the same are shared with known */
    uint32_t *ids;                /* the chip's list */
    size_t n, at;
};

/* The applet's own objects cannot be used by anybody. */
static bool reserved(uint32_t id)
{
    return id >= SE_ID_RESERVED_FIRST && id <= SE_ID_RESERVED_LAST;
}

static err_t refresh_one(struct se_chip *chip, struct refresh *r, uint32_t id)
{
    auto_p11_key struct p11_key *key = NULL;
    err_t e = p11_key_load(chip, id, list_find(r->known, id), &key);

    if (e == ERR_UNSUPPORTED || e == ERR_NOT_FOUND || e == ERR_DENIED)
        return ERR_OK; /* nothing for us: one odd object must not hide the others */
    if (!e)
        e = list_add(&r->fresh, key);
    if (!e)
        (void)steal(&key);
    return e;
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
    size_t end = r->n - r->at > KEYS_AT_ONCE ? r->at + KEYS_AT_ONCE : r->n;

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

static err_t snapshot(struct p11_objects *os, struct key_list *ret)
{
    err_t e = ERR_OK;

    pthread_mutex_lock(&os->lock);
    for (size_t i = 0; !e && i < os->list.n; i++) {
        e = list_add(ret, os->list.v[i]);
        if (!e)
            p11_key_ref(os->list.v[i]);
    }
    pthread_mutex_unlock(&os->lock);
    return e;
}

static void publish(struct p11_objects *os, struct key_list *fresh)
{
    pthread_mutex_lock(&os->lock);
    for (size_t i = 0; i < fresh->n; i++) {
        if (!fresh->v[i]->base)
            number(os, fresh->v[i]);
    }
    struct key_list old = os->list;
    os->list = *fresh;
    pthread_mutex_unlock(&os->lock);
    *fresh = old;
}

err_t p11_objects_refresh(struct p11_objects *os, struct p11_device *d)
{
    struct key_list known = { 0 };
    struct refresh r = { .known = &known };

    pthread_mutex_lock(&os->refreshing);
    err_t e = snapshot(os, &known);
    if (!e)
        e = refresh_all(d, &r);
    if (!e)
        publish(os, &r.fresh);
    pthread_mutex_unlock(&os->refreshing);
    list_done(&r.fresh);
    list_done(&known);
    free(r.ids);
    return e;
}

/* What is to be seen of a key: i is PRIVATE_OFFSET or PUBLIC_OFFSET. */
static bool object_of(struct p11_key *key, CK_OBJECT_HANDLE i, struct p11_object *ret)
{
    if (i == PRIVATE_OFFSET ? !key->has_private : i == PUBLIC_OFFSET ? !key->has_public : true)
        return false;
    *ret = (struct p11_object){ key, i == PRIVATE_OFFSET ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY };
    return true;
}

err_t p11_objects_get(struct p11_objects *os, CK_OBJECT_HANDLE handle, struct p11_object *ret)
{
    CK_OBJECT_HANDLE offset = handle % HANDLE_STEP;
    err_t e = ERR_NOT_FOUND;

    pthread_mutex_lock(&os->lock);
    for (size_t i = 0; e && i < os->list.n; i++) {
        if (os->list.v[i]->base == handle - offset && object_of(os->list.v[i], offset, ret)) {
            p11_key_ref(ret->key);
            e = ERR_OK;
        }
    }
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
        for (CK_OBJECT_HANDLE off = PRIVATE_OFFSET; !e && off <= PUBLIC_OFFSET; off++) {
            struct p11_object o;
            if (!object_of(os->list.v[i], off, &o) || !take(&o, arg))
                continue;
            e = mem_grow(&v, &cap, n + 1, 2 * SE_LIST_MAX, sizeof(v[0]));
            if (!e)
                v[n++] = os->list.v[i]->base + off;
        }
    }
    pthread_mutex_unlock(&os->lock);
    if (e)
        return e;
    *ret = steal(&v);
    *ret_n = n;
    return ERR_OK;
}

static void drop(struct p11_objects *os, uint32_t id)
{
    for (size_t i = 0; i < os->list.n; i++) {
        if (os->list.v[i]->id != id)
            continue;
        p11_key_unref(os->list.v[i]);
        os->list.v[i] = os->list.v[--os->list.n];
        return;
    }
}

err_t p11_objects_add(struct p11_objects *os, struct p11_key *key, CK_OBJECT_HANDLE *ret_private,
                      CK_OBJECT_HANDLE *ret_public)
{
    /* After a refresh that runs just now: its list may be from before the key was made. */
    pthread_mutex_lock(&os->refreshing);
    pthread_mutex_lock(&os->lock);
    drop(os, key->id);
    err_t e = list_add(&os->list, key);
    if (!e) {
        p11_key_ref(key);
        number(os, key);
        *ret_private = key->base + PRIVATE_OFFSET;
        *ret_public = key->base + PUBLIC_OFFSET;
    }
    pthread_mutex_unlock(&os->lock);
    pthread_mutex_unlock(&os->refreshing);
    return e;
}

void p11_objects_drop(struct p11_objects *os, uint32_t id)
{
    pthread_mutex_lock(&os->refreshing);
    pthread_mutex_lock(&os->lock);
    drop(os, id);
    pthread_mutex_unlock(&os->lock);
    pthread_mutex_unlock(&os->refreshing);
}
