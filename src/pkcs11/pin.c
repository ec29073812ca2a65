#include "pkcs11/pin.h"

#include "pkcs11/module.h"
#include "pkcs11/rv.h"
#include "pkcs11/store.h"
#include "se/attribute.h"
#include "se/object.h"
#include "se/symmetric.h"

#include <syslog.h>

#define FILLER_LEN 16

struct p11_pin {
    pthread_mutex_t lock; /* one login or change at a time */
    bool warned;
};

struct p11_pin *p11_pin_new(void)
{
    struct p11_pin *p = mem_calloc(1, sizeof(*p));

    if (p && pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return NULL;
    }
    return p;
}

void p11_pin_free(struct p11_pin *p)
{
    if (!p)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- which objects there are ---- */

static const struct kind {
    uint32_t id[2];
    uint8_t pending; /* bit in the directory: the old object has yet to become the filler */
} kinds[] = {
    { { P11_ID_USER_PIN_0, P11_ID_USER_PIN_1 }, P11_PENDING_USER },
    { { P11_ID_SO_PIN_0, P11_ID_SO_PIN_1 }, P11_PENDING_SO },
};
enum { USER, SO };

static const struct kind *kind_of(CK_USER_TYPE user)
{
    return &kinds[user == CKU_SO ? SO : USER];
}

/* What the chip has of one PIN. */
struct slots {
    const struct kind *kind;
    bool there[2];
    int active;   /* which is the PIN */
    bool pending; /* the other one may still open with an old PIN, or is missing */
    bool told;    /* by the directory; otherwise it is a guess */
};

static struct slots slots_of(const struct p11_pins *pins, const struct kind *kind)
{
    bool so = kind == &kinds[SO];
    const bool *there = so ? pins->so : pins->user;
    int active = so ? pins->so_active : pins->user_active;

    if (!there[active])
        active = 1 - active;
    return (struct slots){
        .kind = kind,
        .there = { there[0], there[1] },
        .active = active,
        .pending = (pins->pending & kind->pending) != 0 || there[0] != there[1],
        .told = pins->told,
    };
}

static bool exists(const struct slots *s)
{
    return s->there[0] || s->there[1];
}

static err_t look(struct p11_module *m, const struct kind *kind, struct slots *ret)
{
    struct p11_pins pins;

    if (p11_device_through_daemon(m->device))
        p11_objects_forget(m->objects); /* somebody may have set a PIN since */
    err_t e = p11_objects_pins(m->objects, m->device, false, &pins);
    if (e)
        return e;
    p11_sessions_set_open(m->sessions, p11_device_pin_held(m->device) || (!pins.user[0] && !pins.user[1]));
    *ret = slots_of(&pins, kind);
    return ERR_OK;
}

err_t p11_pin_look(struct p11_module *m)
{
    struct slots s;
    return look(m, &kinds[USER], &s);
}

err_t p11_pin_exists(struct se_chip *chip, bool *ret)
{
    bool there = false;
    err_t e = se_object_exists(chip, P11_ID_USER_PIN_0, &there);

    if (!e && !there)
        e = se_object_exists(chip, P11_ID_USER_PIN_1, &there);
    if (!e)
        *ret = there;
    return e;
}

/* ---- logging in ---- */

static bool length_ok(struct slice pin)
{
    return pin.n >= P11_PIN_MIN && pin.n <= P11_PIN_MAX;
}

static CK_RV rv_of_login(err_t e)
{
    switch (e) {
    case ERR_AUTH:
        return CKR_PIN_INCORRECT;
    case ERR_DENIED:
        return CKR_PIN_LOCKED;
    case ERR_INVALID:
        return CKR_PIN_INCORRECT; /* no PIN has that length */
    default:
        return p11_rv_from_err(e);
    }
}

/* One attempt at the object that holds the PIN. Where no directory tells which that is, the other may be it.
 */
static err_t prove(struct p11_module *m, struct slots *s, struct slice pin)
{
    int other = 1 - s->active;

    if (!length_ok(pin))
        return ERR_AUTH;
    err_t e = p11_device_login(m->device, s->kind->id[s->active], pin);
    if ((e != ERR_AUTH && e != ERR_DENIED) || s->told || !s->there[other])
        return e;
    e = p11_device_login(m->device, s->kind->id[other], pin);
    if (!e)
        s->active = other;
    return e;
}

static void warn_open(struct p11_pin *p)
{
    if (!p->warned)
        syslog(LOG_WARNING, "libsss_pkcs11: the chip has no user PIN: every login is accepted; set one with "
                            "pkcs11-tool --init-token and --init-pin");
    p->warned = true;
}

static err_t tidy(struct p11_module *m, const struct slots *s);

static CK_RV login(struct p11_module *m, CK_USER_TYPE user, struct slice pin)
{
    struct slots s;
    err_t e = look(m, kind_of(user), &s);

    if (e)
        return p11_rv_from_err(e);
    if (user == CKU_USER && p11_device_pin_held(m->device))
        return CKR_OK; /* the access daemon is logged in for us */
    if (!exists(&s) && user == CKU_SO)
        return CKR_USER_PIN_NOT_INITIALIZED;
    if (!exists(&s)) {
        warn_open(m->pin);
        return CKR_OK;
    }
    e = prove(m, &s, pin);
    if (e)
        return rv_of_login(e);
    p11_objects_forget_denied(m->objects);
    if (s.pending)
        (void)tidy(m, &s); /* the login is good; the next one tries again */
    return CKR_OK;
}

CK_RV p11_pin_login(struct p11_module *m, CK_USER_TYPE user, struct slice pin)
{
    pthread_mutex_lock(&m->pin->lock);
    CK_RV rv = login(m, user, pin);
    pthread_mutex_unlock(&m->pin->lock);
    return rv;
}

void p11_pin_logout(struct p11_module *m)
{
    p11_device_logout(m->device);
}

/* ---- changing ---- */

/* Who may delete a PIN object, in order to make it anew: both PINs' objects for the user's, the SO's own for
 * the SO's. */
static err_t write_object(struct se_chip *chip, const struct kind *kind, int slot, struct slice value)
{
    struct se_policy policy = { 0 };
    struct se_write how = { .policy = &policy, .max_attempts = P11_PIN_ATTEMPTS };
    err_t e = ERR_OK;

    for (size_t k = 0; !e && k < ARRAY_LEN(kinds); k++) {
        if (&kinds[k] != kind && k != SO)
            continue;
        e = se_policy_add(&policy, kinds[k].id[0], SE_POLICY_DELETE);
        if (!e)
            e = se_policy_add(&policy, kinds[k].id[1], SE_POLICY_DELETE);
    }
    return e ? e : se_userid_write(chip, kind->id[slot], value, &how);
}

static err_t write_filler(struct se_chip *chip, const struct kind *kind, int slot)
{
    uint8_t value[FILLER_LEN];
    err_t e = se_chip_random(chip, value, sizeof(value));

    if (!e)
        e = write_object(chip, kind, slot, SLICE_ARRAY(value));
    mem_wipe(value, sizeof(value));
    return e;
}

static err_t delete_if_there(struct se_chip *chip, uint32_t id)
{
    err_t e = se_object_delete(chip, id);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

struct change {
    const struct slots *s;
    struct slice pin;
    const CK_UTF8CHAR *label; /* or NULL: stays */
};

static err_t switch_over(struct p11_directory *d, void *arg)
{
    const struct change *c = arg;
    uint8_t active = (uint8_t)(1 - c->s->active);

    if (c->s->kind == &kinds[SO])
        d->so_pin = active;
    else
        d->user_pin = active;
    d->pending |= c->s->kind->pending;
    if (c->label)
        memcpy(d->label, c->label, sizeof(d->label));
    return ERR_OK;
}

static err_t no_longer_pending(struct p11_directory *d, void *arg)
{
    const struct kind *kind = arg;
    d->pending &= (uint8_t)~kind->pending;
    return ERR_OK;
}

/* 1. The new PIN takes the filler's place; until the directory says so the old one counts. */
static err_t put_new(struct se_chip *chip, void *arg)
{
    struct change *c = arg;
    int slot = 1 - c->s->active;
    err_t e = delete_if_there(chip, c->s->kind->id[slot]);

    if (!e)
        e = write_object(chip, c->s->kind, slot, c->pin);
    return e ? e : p11_store_update(chip, switch_over, c);
}

/* 2. The old PIN's object goes; it is the last thing its own session does. */
static err_t drop_old(struct se_chip *chip, void *arg)
{
    const struct slots *s = arg;
    return delete_if_there(chip, s->kind->id[s->active]);
}

/* 3. The filler comes, which needs no right: nobody may delete it but a PIN. */
static err_t fill_old(struct se_chip *chip, void *arg)
{
    const struct slots *s = arg;
    struct kind kind = *s->kind;
    bool there = false;
    err_t e = se_object_exists(chip, kind.id[s->active], &there);

    if (!e && !there)
        e = write_filler(chip, s->kind, s->active);
    return e ? e : p11_store_update(chip, no_longer_pending, &kind);
}

/* With a session of somebody who may: the old PIN, or the SO; or without, when there is no PIN yet. */
static err_t replace(struct p11_module *m, const struct slots *s, struct slice pin, const CK_UTF8CHAR *label,
                     bool own_session)
{
    struct change c = { s, pin, label };
    err_t e = p11_device_do(m->device, put_new, &c);

    if (!e)
        e = p11_device_do(m->device, drop_old, (void *)s);
    if (own_session)
        p11_device_logout(m->device);
    if (!e)
        e = p11_device_do(m->device, fill_old, (void *)s);
    p11_objects_forget(m->objects);
    return e;
}

/* A power cut came between: do the rest. `s` was looked at before; the active one is right. */
static err_t tidy(struct p11_module *m, const struct slots *s)
{
    struct slots old = *s;

    old.active = 1 - s->active;
    err_t e = p11_device_do(m->device, drop_old, &old);
    if (!e)
        e = p11_device_do(m->device, fill_old, &old);
    p11_objects_forget(m->objects);
    return e;
}

static CK_RV change(struct p11_module *m, CK_USER_TYPE user, struct slice old, struct slice pin)
{
    bool again = p11_logged_in_as(m->sessions, user);
    struct slots s;

    if (!length_ok(pin))
        return CKR_PIN_LEN_RANGE;
    err_t e = look(m, kind_of(user), &s);
    if (e)
        return p11_rv_from_err(e);
    if (!exists(&s))
        return CKR_USER_PIN_NOT_INITIALIZED;
    e = prove(m, &s, old);
    if (e)
        return rv_of_login(e);
    e = replace(m, &s, pin, NULL, true);
    if (!e && again)
        e = p11_device_login(m->device, s.kind->id[1 - s.active], pin);
    return p11_rv_from_err(e);
}

CK_RV p11_pin_change(struct p11_module *m, CK_USER_TYPE user, struct slice old, struct slice pin)
{
    pthread_mutex_lock(&m->pin->lock);
    CK_RV rv = change(m, user, old, pin);
    pthread_mutex_unlock(&m->pin->lock);
    return rv;
}

static CK_RV init_user(struct p11_module *m, struct slice pin)
{
    struct slots s;

    if (!length_ok(pin))
        return CKR_PIN_LEN_RANGE;
    err_t e = look(m, &kinds[USER], &s);
    if (!e)
        e = replace(m, &s, pin, NULL, false);
    if (!e)
        e = look(m, &kinds[USER], &s); /* the token is open no longer */
    return p11_rv_from_err(e);
}

CK_RV p11_pin_init_user(struct p11_module *m, struct slice pin)
{
    pthread_mutex_lock(&m->pin->lock);
    CK_RV rv = init_user(m, pin);
    pthread_mutex_unlock(&m->pin->lock);
    return rv;
}

/* ---- C_InitToken ---- */

#define CUSTOMER_LAST 0x7bffffffu

static bool is_so_object(uint32_t id)
{
    return id == P11_ID_SO_PIN_0 || id == P11_ID_SO_PIN_1;
}

/* What the chip does not let the SO delete stays, as the standard has it ("can be destroyed"). */
static err_t delete_all(struct se_chip *chip, void *arg)
{
    autofree uint32_t *ids = NULL;
    size_t n = 0;
    err_t e = se_object_list(chip, SE_TYPE_ALL, &ids, &n);

    (void)arg;
    for (size_t i = 0; !e && i < n; i++) {
        if (ids[i] > CUSTOMER_LAST || is_so_object(ids[i]) || ids[i] == P11_ID_DIRECTORY_A ||
            ids[i] == P11_ID_DIRECTORY_B)
            continue;
        e = se_object_delete(chip, ids[i]);
        if (e == ERR_DENIED || e == ERR_NOT_FOUND)
            e = ERR_OK;
    }
    return e;
}

static err_t fresh_directory(struct p11_directory *d, void *arg)
{
    while (d->n)
        p11_directory_remove(d, d->v[0].id);
    d->user_pin = 0;
    d->pending &= P11_PENDING_SO;
    memcpy(d->label, arg, sizeof(d->label));
    return ERR_OK;
}

static err_t write_fresh(struct se_chip *chip, void *arg)
{
    return p11_store_update(chip, fresh_directory, arg);
}

static CK_RV init_token(struct p11_module *m, struct slice pin, const CK_UTF8CHAR *label)
{
    CK_UTF8CHAR copy[P11_TOKEN_LABEL_LEN];
    struct slots s;

    if (!length_ok(pin))
        return CKR_PIN_LEN_RANGE;
    err_t e = look(m, &kinds[SO], &s);
    if (e)
        return p11_rv_from_err_slot(e);
    if (!exists(&s))
        return p11_rv_from_err(replace(m, &s, pin, label, false));
    e = prove(m, &s, pin);
    if (e)
        return rv_of_login(e);
    memcpy(copy, label, sizeof(copy));
    e = p11_device_do(m->device, delete_all, NULL);
    if (!e)
        e = p11_device_do(m->device, write_fresh, copy);
    p11_device_logout(m->device);
    p11_objects_forget(m->objects);
    return p11_rv_from_err(e);
}

CK_RV p11_pin_init_token(struct p11_module *m, struct slice so_pin, const CK_UTF8CHAR label[32])
{
    pthread_mutex_lock(&m->pin->lock);
    CK_RV rv = init_token(m, so_pin, label);
    pthread_mutex_unlock(&m->pin->lock);
    return rv;
}

/* ---- flags ---- */

static const struct {
    CK_FLAGS low, final, locked;
} flags[] = {
    [USER] = { CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED },
    [SO] = { CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED },
};

struct counter {
    uint32_t id;
    struct se_attributes a;
};

static err_t read_counter(struct se_chip *chip, void *arg)
{
    struct counter *c = arg;
    return se_object_attributes(chip, c->id, &c->a);
}

static err_t counter_flags(struct p11_module *m, const struct slots *s, CK_FLAGS *flag)
{
    size_t k = s->kind == &kinds[SO] ? SO : USER;
    struct counter c = { .id = s->kind->id[s->active] };

    if (!exists(s))
        return ERR_OK;
    err_t e = p11_device_do(m->device, read_counter, &c);
    if (e == ERR_DENIED)
        return ERR_OK; /* a rule of the access daemon: not told */
    if (e || !c.a.max_attempts || !c.a.attempts)
        return e;
    int left = c.a.max_attempts - c.a.attempts;
    *flag |= flags[k].low;
    if (left == 1)
        *flag |= flags[k].final;
    if (left <= 0)
        *flag |= flags[k].locked;
    return ERR_OK;
}

err_t p11_pin_flags(struct p11_module *m, CK_FLAGS *ret)
{
    CK_FLAGS f = 0;
    struct slots user, so;
    err_t e = look(m, &kinds[USER], &user);

    if (!e)
        e = look(m, &kinds[SO], &so);
    if (e)
        return e;
    if (exists(&user) && !p11_device_pin_held(m->device))
        f |= CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED;
    e = counter_flags(m, &user, &f);
    if (!e)
        e = counter_flags(m, &so, &f);
    if (!e)
        *ret = f;
    return e;
}
