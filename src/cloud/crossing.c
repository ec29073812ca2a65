#include "cloud/crossing.h"

#include "base/log.h"
#include "base/mem.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/transfer.h"

#include <stdio.h>

struct crossing {
    struct store_job job; /* first */
    struct accounts *all;
    struct account *home;
    size_t next; /* of the accounts, to be looked at */
    struct account *source;
    struct api_call *call;
    char id[65];
    void (*done)(void *arg, err_t result);
    void *arg;
};

static void finish(struct crossing *x, err_t result)
{
    void (*done)(void *arg, err_t result) = x->done;
    void *arg = x->arg;

    free(x);
    done(arg, result);
}

static void submit(struct crossing *x, struct account *where, err_t (*run)(struct store_job *, struct db *),
                   void (*then)(struct store_job *, err_t))
{
    err_t e;

    x->job = (struct store_job){ .run = run, .done = then };
    if ((e = store_submit(where->store, where->parts.loop, &x->job)))
        finish(x, e);
}

/* ---- home again ---- */

static err_t run_forget(struct store_job *job, struct db *db)
{
    return transfer_forget(db, CONTAINER_OF(job, struct crossing, job)->id);
}

/* The transfer is complete, whether it is forgotten now or after the next start. */
static void forgotten(struct store_job *job, err_t result)
{
    if (result)
        log_warn("a transfer that is complete is still noted: %s", err_str(result));
    finish(CONTAINER_OF(job, struct crossing, job), ERR_OK);
}

static err_t run_arrive(struct store_job *job, struct db *db)
{
    struct crossing *x = CONTAINER_OF(job, struct crossing, job);
    err_t e = transfer_arrive(db, x->call->moved);

    if (e)
        return e;
    effects_clear(&x->call->effects);
    x->call->db = db;
    e = notify_certificate(x->call, x->id, NOTIFY_CREATED);
    x->call->db = NULL;
    return e;
}

static void arrived(struct store_job *job, err_t result)
{
    struct crossing *x = CONTAINER_OF(job, struct crossing, job);

    if (result)
        finish(x, result); /* it is noted in the source: the next attempt or start brings it */
    else
        submit(x, x->source, run_forget, forgotten);
}

/* ---- abroad ---- */

static void look(struct crossing *x);

static err_t run_call(struct store_job *job, struct db *db)
{
    struct crossing *x = CONTAINER_OF(job, struct crossing, job);

    x->call->abroad = x->source == x->home ? NULL : x->source->env.account;
    return api_call_run(x->call, db);
}

static void looked(struct store_job *job, err_t result)
{
    struct crossing *x = CONTAINER_OF(job, struct crossing, job);

    if (x->call->error == API_NOT_FOUND && x->source != x->home)
        look(x);
    else if (result || x->call->error || !x->call->moved)
        finish(x, result);
    else
        submit(x, x->home, run_arrive, arrived);
}

static void look(struct crossing *x)
{
    x->source = x->home;
    while (x->next < accounts_count(x->all) && x->source == x->home)
        x->source = accounts_at(x->all, x->next++);
    submit(x, x->source, run_call, looked);
}

void crossing_start(void *ctx, struct api_call *c, void (*done)(void *arg, err_t result), void *arg)
{
    struct crossing *x = mem_calloc(1, sizeof(*x));
    const char *id = api_param(c, "certificateId");

    if (!x) {
        done(arg, ERR_NOMEM);
        return;
    }
    *x = (struct crossing){ .all = ctx, .call = c, .done = done, .arg = arg };
    x->home = accounts_by_id(x->all, c->env->account);
    (void)snprintf(x->id, sizeof(x->id), "%s", id ? id : "");
    look(x);
}

/* ---- after a crash ---- */

static err_t arrive_tx(struct db *db, void *ctx)
{
    struct transfer *t = ctx;

    return transfer_arrive(db, t->content);
}

static err_t forget_tx(struct db *db, void *ctx)
{
    struct transfer *t = ctx;

    return transfer_forget(db, t->id);
}

static err_t in_database(const char *url, db_tx_fn fn, void *ctx, char *why)
{
    auto_db struct db *db = NULL;
    err_t e = db_open(url, &db, why);

    if (!e && (e = db_tx(db, fn, ctx)))
        (void)snprintf(why, ACCOUNT_WHY_MAX, "%s", db_error(db));
    return e;
}

static err_t bring(struct accounts *s, const struct account *source, struct transfer *t, char *why)
{
    const struct account *target = accounts_by_id(s, t->target);
    err_t e;

    if (!target) {
        log_warn("certificate %s was accepted by account %s, which is not served now", t->id, t->target);
        return ERR_OK;
    }
    e = in_database(target->db, arrive_tx, t, why);
    if (!e && !(e = in_database(source->db, forget_tx, t, why)))
        log_info("the transfer of certificate %s to account %s is complete", t->id, t->target);
    return e;
}

static err_t resume(struct accounts *s, const struct account *source, char *why)
{
    auto_db struct db *db = NULL;
    auto_transfer t = { 0 };
    err_t e = db_open(source->db, &db, why);

    while (!e && !(e = transfer_next(db, t.id, &t)))
        e = bring(s, source, &t, why);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t crossing_resume(struct accounts *s, char *why)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < accounts_count(s) && !e; i++)
        e = resume(s, accounts_at(s, i), why);
    return e;
}
