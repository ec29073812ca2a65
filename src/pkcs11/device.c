#include "pkcs11/device.h"

#include "base/clock.h"
#include "base/mem.h"
#include "se/session.h"

#include <pthread.h>
#include <stdatomic.h>

#define PRESENT_MS 1000

struct p11_device {
    pthread_mutex_t opening;        /* held while the handle is made, by one thread */
    _Atomic(struct se_chip *) chip; /* set once */
    struct se_session *session;     /* under `opening` */
    _Atomic bool logged_in;
    _Atomic int64_t answered_ms; /* monotonic; 0 never or gone since */
};

static err_t open_configured(struct se_chip **ret)
{
    return se_chip_open(NULL, ret);
}

static p11_device_opener *opener = open_configured;

void p11_device_set_opener(p11_device_opener *open)
{
    opener = open;
}

struct p11_device *p11_device_new(void)
{
    struct p11_device *d = mem_calloc(1, sizeof(*d));

    if (d && pthread_mutex_init(&d->opening, NULL) != 0) {
        free(d);
        return NULL;
    }
    return d;
}

void p11_device_free(struct p11_device *d)
{
    if (!d)
        return;
    p11_device_logout(d);
    se_chip_close(atomic_load(&d->chip));
    pthread_mutex_destroy(&d->opening);
    free(d);
}

void p11_device_leave(struct p11_device *d)
{
    se_chip_close(atomic_load(&d->chip)); /* in a child this closes and says nothing (se/chip.h) */
}

static err_t open_chip(struct p11_device *d, struct se_chip **ret)
{
    err_t e = ERR_OK;

    pthread_mutex_lock(&d->opening);
    struct se_chip *chip = atomic_load(&d->chip);
    if (!chip) {
        e = opener(&chip);
        if (!e)
            atomic_store(&d->chip, chip);
    }
    pthread_mutex_unlock(&d->opening);
    if (!e)
        *ret = chip;
    return e;
}

/* No way to the chip is no chip: a bus that may not be opened, a port that is none. (From fn the same
 * classes are the applet's refusals.) */
static err_t reach_error(err_t e)
{
    return e == ERR_DENIED || e == ERR_INVALID || e == ERR_UNSUPPORTED || e == ERR_NOT_FOUND ? ERR_UNAVAILABLE
                                                                                             : e;
}

static err_t sequence(struct p11_device *d, p11_device_fn fn, void *arg)
{
    struct se_chip *chip = NULL;
    err_t e = open_chip(d, &chip);

    if (!e)
        e = se_chip_begin(chip);
    if ((e == ERR_AUTH || e == ERR_DENIED) && atomic_load(&d->logged_in))
        return ERR_CONFLICT;
    if (e)
        return reach_error(e);
    e = fn(chip, arg);
    se_chip_end(chip);
    return e;
}

static bool link_fault(err_t e)
{
    return e == ERR_IO || e == ERR_PROTO || e == ERR_TIMEOUT;
}

err_t p11_device_do(struct p11_device *d, p11_device_fn fn, void *arg)
{
    err_t e = sequence(d, fn, arg);

    /* The next sequence starts with a resync and a SELECT: a new channel. A chip that went away in the
     * middle may be back already (ERR_UNAVAILABLE once its socket or node was lost). */
    if (link_fault(e) || (e == ERR_UNAVAILABLE && atomic_load(&d->answered_ms) != 0))
        e = sequence(d, fn, arg);
    if (e == ERR_UNAVAILABLE)
        atomic_store(&d->answered_ms, 0);
    else if (!link_fault(e))
        atomic_store(&d->answered_ms, clock_mono_ms());
    return e;
}

static err_t nothing(struct se_chip *chip, void *arg)
{
    (void)chip;
    (void)arg;
    return ERR_OK;
}

bool p11_device_present(struct p11_device *d)
{
    int64_t at = atomic_load(&d->answered_ms);

    if (at != 0 && clock_mono_ms() - at < PRESENT_MS)
        return true;
    return p11_device_do(d, nothing, NULL) != ERR_UNAVAILABLE;
}

/* With `opening` held. */
static void end_session(struct p11_device *d, struct se_chip *chip)
{
    if (!d->session)
        return;
    se_chip_set_session(chip, NULL);
    se_session_close(d->session);
    d->session = NULL;
    atomic_store(&d->logged_in, false);
}

/* With `opening` held. The session there was stays until the new one is open: a mistyped old PIN in C_SetPIN
 * ends nobody's login. Where the chip has no room for both it makes way. */
static err_t open_session(struct p11_device *d, struct se_chip *chip, const struct se_auth *auth,
                          struct se_session **ret)
{
    se_chip_set_session(chip, NULL);
    err_t e = se_session_open(chip, auth, ret);

    if (e == ERR_BUSY && d->session) {
        end_session(d, chip);
        e = se_session_open(chip, auth, ret);
    }
    if (e)
        se_chip_set_session(chip, d->session);
    return e;
}

err_t p11_device_login(struct p11_device *d, uint32_t id, struct slice pin)
{
    const struct se_auth auth = { .kind = SE_AUTH_USERID, .id = id, .secret = pin, .keep = true };
    struct se_session *session = NULL;
    struct se_chip *chip = NULL;
    err_t e = open_chip(d, &chip);

    if (e)
        return reach_error(e);
    pthread_mutex_lock(&d->opening);
    e = open_session(d, chip, &auth, &session);
    if (!e) {
        end_session(d, chip);
        se_chip_set_session(chip, session);
        d->session = session;
        atomic_store(&d->logged_in, true);
    }
    pthread_mutex_unlock(&d->opening);
    return e;
}

void p11_device_logout(struct p11_device *d)
{
    pthread_mutex_lock(&d->opening);
    end_session(d, atomic_load(&d->chip));
    pthread_mutex_unlock(&d->opening);
}

bool p11_device_pin_held(struct p11_device *d)
{
    const struct se_chip *chip = atomic_load(&d->chip);
    return chip && se_chip_pin_held(chip);
}

bool p11_device_through_daemon(struct p11_device *d)
{
    const struct se_chip *chip = atomic_load(&d->chip);
    return chip && strncmp(se_chip_port(chip), "keyd:", strlen("keyd:")) == 0;
}
