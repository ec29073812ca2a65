#include "pkcs11/objects.h"

#include "pkcs11/view.h"

#include <pthread.h>

struct p11_objects {
    pthread_mutex_t refreshing; /* long: one thread reads the chip's list at a time; for the view */
    struct p11_view view;
    pthread_mutex_t lock; /* short: list and next */
    struct p11_list list;
    CK_OBJECT_HANDLE next; /* handles go up and are not used twice */
};

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
    if (os)
        p11_view_init(&os->view);
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
    p11_list_done(&os->list);
    p11_view_done(&os->view);
    pthread_mutex_destroy(&os->lock);
    pthread_mutex_destroy(&os->refreshing);
    free(os);
}

static bool of_the_chip(const struct p11_object *o)
{
    return o->id != 0;
}

static err_t snapshot(struct p11_objects *os, struct p11_list *ret)
{
    err_t e = ERR_OK;

    pthread_mutex_lock(&os->lock);
    for (size_t i = 0; !e && i < os->list.n; i++) {
        if (of_the_chip(os->list.v[i]))
            e = p11_list_add(ret, os->list.v[i]);
    }
    pthread_mutex_unlock(&os->lock);
    return e;
}

/* With the lock held. */
static err_t add(struct p11_objects *os, struct p11_object *o)
{
    err_t e = p11_list_add(&os->list, o);

    if (!e && !o->handle)
        o->handle = ++os->next;
    return e;
}

/* Gone from the chip, or just read anew. */
static bool is_old(const struct p11_objects *os, const struct p11_object *o)
{
    const struct p11_entry *entry = of_the_chip(o) ? p11_view_find(&os->view, o->id) : NULL;
    return of_the_chip(o) && (!entry || entry->renewed);
}

static err_t publish(struct p11_objects *os, const struct p11_list *fresh)
{
    err_t e = ERR_OK;

    pthread_mutex_lock(&os->lock);
    for (size_t i = os->list.n; i-- > 0;) {
        if (is_old(os, os->list.v[i]))
            p11_list_remove(&os->list, i);
    }
    for (size_t i = 0; !e && i < fresh->n; i++)
        e = add(os, fresh->v[i]);
    pthread_mutex_unlock(&os->lock);
    return e;
}

err_t p11_objects_refresh(struct p11_objects *os, struct p11_device *d, const struct p11_wanted *wanted)
{
    struct p11_list known = { 0 }, fresh = { 0 };

    pthread_mutex_lock(&os->refreshing);
    err_t e = snapshot(os, &known);
    if (!e)
        e = p11_view_refresh(&os->view, d, wanted, &known, &fresh);
    /* also after a failure halfway: what was read is true */
    err_t published = publish(os, &fresh);
    pthread_mutex_unlock(&os->refreshing);
    p11_list_done(&fresh);
    p11_list_done(&known);
    return e ? e : published;
}

static struct p11_pins pins_of(const struct p11_view *w)
{
    struct p11_pins p = {
        .user = { w->user_pin[0], w->user_pin[1] },
        .so = { w->so_pin[0], w->so_pin[1] },
        .user_active = w->dir.user_pin,
        .so_active = w->dir.so_pin,
        .pending = w->dir.pending,
        .told = w->dir.sequence != 0,
    };
    memcpy(p.label, w->dir.label, sizeof(p.label));
    return p;
}

err_t p11_objects_pins(struct p11_objects *os, struct p11_device *d, bool names, struct p11_pins *ret)
{
    struct p11_wanted no_objects = { .names = names };
    err_t e = p11_objects_refresh(os, d, &no_objects);

    if (e)
        return e;
    pthread_mutex_lock(&os->refreshing);
    *ret = pins_of(&os->view);
    pthread_mutex_unlock(&os->refreshing);
    return ERR_OK;
}

void p11_objects_forget(struct p11_objects *os)
{
    pthread_mutex_lock(&os->refreshing);
    os->view.read = os->view.no_pins = false;
    pthread_mutex_unlock(&os->refreshing);
}

void p11_objects_forget_denied(struct p11_objects *os)
{
    pthread_mutex_lock(&os->refreshing);
    p11_view_forget_denied(&os->view);
    pthread_mutex_unlock(&os->refreshing);
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

err_t p11_objects_half(struct p11_objects *os, uint32_t id, CK_OBJECT_CLASS class, struct p11_object **ret)
{
    pthread_mutex_lock(&os->lock);
    struct p11_object *o = p11_list_find(&os->list, id, class);
    if (o)
        *ret = p11_object_ref(o);
    pthread_mutex_unlock(&os->lock);
    return o ? ERR_OK : ERR_NOT_FOUND;
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
        e = mem_grow(&v, &cap, n + 1, P11_LIST_MAX, sizeof(v[0]));
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

static void forget(struct p11_objects *os, uint32_t id, CK_OBJECT_CLASS class)
{
    for (size_t i = os->list.n; i-- > 0;) {
        if (os->list.v[i]->id == id && os->list.v[i]->class == class)
            p11_list_remove(&os->list, i);
    }
}

err_t p11_objects_add(struct p11_objects *os, struct p11_object *o)
{
    /* After a refresh that runs just now: its list may be from before the object was made. */
    pthread_mutex_lock(&os->refreshing);
    err_t e = o->id ? p11_view_add(&os->view, o->id, 0) : ERR_OK;
    pthread_mutex_lock(&os->lock);
    if (!e && o->id)
        forget(os, o->id, o->class); /* another thread's search was faster */
    if (!e)
        e = add(os, o);
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
            p11_list_remove(&os->list, i);
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
    p11_view_remove(&os->view, id);
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
