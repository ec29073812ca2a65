#include "cloud/provisioning/admission.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/provisioning/jitp.h"
#include "cloud/provisioning/rate.h"

#include <stdio.h>

#define TEXT_MAX 1024u

struct admission {
    const struct api_parts *parts;
    unsigned under_way;
    bool closing;
    struct rate rate;
};

/* One certificate on its way: first only read, then, if it may, written. */
struct work {
    struct store_job job; /* first */
    struct admission *owner;
    struct api_call call;
    X509 *cert; /* a reference */
    char id[CRYPTO_SHA256_HEX];
    char ca_id[CRYPTO_SHA256_HEX];
    char thing[129];
    bool provisioned;
    char why[ADMISSIBLE_WHY_MAX]; /* it was refused */
    admission_done_fn done;
    void *ctx;
};

static const struct api_op admission_op = { "RegisterJustInTime", "", "", NULL, 0 };

static void work_free(struct work *w)
{
    struct admission *a = w->owner;

    api_call_done(&w->call);
    X509_free(w->cert);
    free(w);
    a->under_way--;
    if (a->closing && a->under_way == 0)
        free(a);
}

/* ---- on the database thread ---- */

static err_t look(struct store_job *job, struct db *db)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    auto_admissible found = { 0 };

    w->why[0] = 0;
    return admissible_find(w->call.env, db, w->cert, w->id, w->call.now_ms, &found, w->why);
}

/* Everything is looked at again: between the two the CA may have been switched off. */
static err_t admit(struct store_job *job, struct db *db)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    auto_admissible found = { 0 };
    err_t e;

    w->why[0] = 0;
    api_call_reset(&w->call);
    if ((e = admissible_find(w->call.env, db, w->cert, w->id, w->call.now_ms, &found, w->why)))
        return e;
    (void)snprintf(w->ca_id, sizeof(w->ca_id), "%s", found.issuer.ca_id);
    w->provisioned = found.config != NULL;
    w->call.db = db;
    e = jitp_run(&w->call, w->cert, w->id, &found, w->thing);
    w->call.db = NULL;
    if (!e)
        e = effects_add(&w->call.effects, EFFECT_PRINCIPAL, w->id);
    return e;
}

/* ---- on the loop ---- */

static void answer(struct work *w, enum admission_outcome outcome, const char *text)
{
    if (!w->owner->closing)
        w->done(w->ctx, outcome, text);
    work_free(w);
}

static void refuse(struct work *w, err_t e)
{
    char text[TEXT_MAX];

    if (w->why[0])
        (void)snprintf(text, sizeof(text), "certificate %s is refused: %s", w->id, w->why);
    else if (w->call.error)
        (void)snprintf(text, sizeof(text),
                       "certificate %s cannot be provisioned by the template of its CA %s: %s. Nothing was"
                       " registered: mend the template or the certificate",
                       w->id, w->ca_id, w->call.message);
    else
        (void)snprintf(text, sizeof(text), "certificate %s cannot be looked at now: %s", w->id, err_str(e));
    answer(w, ADMISSION_REFUSED, text);
}

static void tell(struct work *w)
{
    char text[TEXT_MAX];

    if (w->provisioned)
        (void)snprintf(text, sizeof(text),
                       "certificate %s was registered and provisioned by the template of its CA %s%s%s: the"
                       " device is to connect again",
                       w->id, w->ca_id, w->thing[0] ? ", thing " : "", w->thing);
    else
        (void)snprintf(text, sizeof(text),
                       "certificate %s of CA %s is registered and PENDING_ACTIVATION; the event on"
                       " $aws/events/certificates/registered/%s says so: activate it (UpdateCertificate"
                       " newStatus=ACTIVE), then the device is to connect again",
                       w->id, w->ca_id, w->ca_id);
    answer(w, w->provisioned ? ADMISSION_PROVISIONED : ADMISSION_REGISTERED, text);
}

static void admitted(struct store_job *job, err_t result)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    struct admission *a = w->owner;

    if (result) {
        refuse(w, result);
        return;
    }
    if (!a->closing)
        a->parts->apply(a->parts->apply_ctx, &w->call.effects);
    tell(w);
}

static void looked(struct store_job *job, err_t result)
{
    struct work *w = CONTAINER_OF(job, struct work, job);
    struct admission *a = w->owner;

    if (!result && !rate_take(&a->rate, clock_mono_ms())) {
        (void)snprintf(w->why, sizeof(w->why),
                       "more than %u certificates a second come to be registered; the device is to try again "
                       "later",
                       ADMISSION_RATE);
        result = ERR_BUSY;
    }
    if (!result && !a->closing) {
        w->job = (struct store_job){ .run = admit, .done = admitted };
        result = store_submit(a->parts->store, a->parts->loop, &w->job);
        if (!result)
            return;
    }
    refuse(w, result);
}

err_t admission_consider(struct admission *a, X509 *cert, const char *id, admission_done_fn done, void *ctx)
{
    struct work *w;
    err_t e;

    if (a->under_way >= ADMISSION_AT_ONCE_MAX)
        return ERR_BUSY;
    if (!(w = mem_calloc(1, sizeof(*w))))
        return ERR_NOMEM;
    *w = (struct work){ .job = { .run = look, .done = looked, .reads = true },
                        .owner = a,
                        .cert = cert,
                        .done = done,
                        .ctx = ctx };
    X509_up_ref(cert);
    api_call_init(&w->call, a->parts->env, &admission_op);
    (void)snprintf(w->id, sizeof(w->id), "%s", id);
    a->under_way++;
    if ((e = store_submit(a->parts->store, a->parts->loop, &w->job)))
        work_free(w);
    return e;
}

err_t admission_new(const struct api_parts *parts, struct admission **ret)
{
    struct admission *a = mem_calloc(1, sizeof(*a));

    if (!a)
        return ERR_NOMEM;
    *a = (struct admission){ .parts = parts,
                             .rate = rate_of(ADMISSION_RATE, ADMISSION_BURST, clock_mono_ms()) };
    *ret = a;
    return ERR_OK;
}

void admission_free(struct admission *a)
{
    if (!a)
        return;
    a->closing = true;
    if (a->under_way == 0)
        free(a);
}
