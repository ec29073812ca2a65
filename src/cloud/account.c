#include "cloud/account.h"

#include "base/mem.h"
#include "cloud/background.h"
#include "cloud/events/publish.h"
#include "cloud/gateway/authorizer.h"
#include "cloud/gateway/mqtt.h"
#include "cloud/provisioning/admission.h"
#include "cloud/provisioning/fleet.h"
#include "cloud/provisioning/hook.h"
#include "cloud/provisioning/tasks.h"
#include "cloud/shadows/mqtt.h"

#include <stdio.h>

/* What a committed change means for the running parts. */
static void apply(void *ctx, const struct effects *fx)
{
    struct account *a = ctx;

    for (size_t i = 0; i < fx->n; i++) {
        const struct effect *e = &fx->e[i];
        switch (e->kind) {
        case EFFECT_PRINCIPAL:
            gateway_recheck(a->gateway, e->id);
            break;
        case EFFECT_POLICY:
            gateway_recheck_policy(a->gateway, e->id);
            break;
        case EFFECT_GROUPS:
            gateway_recheck_all(a->gateway);
            break;
        case EFFECT_PUBLISH:
            shadows_publish(gateway_broker(a->gateway), e->id, e->shadow_name, e->shadow_op, e->shadow);
            break;
        case EFFECT_BUILD:
            background_build(a->background, e->id);
            break;
        case EFFECT_TASK:
            tasks_wake(a->tasks);
            break;
        case EFFECT_EVENT:
            events_publish(gateway_broker(a->gateway), e->id, e->text);
            break;
        }
    }
}

struct owner {
    const char *id;
    char found[32];
};

static err_t owner_row(void *ctx, const struct db_rows *row)
{
    struct owner *o = ctx;

    (void)snprintf(o->found, sizeof(o->found), "%s", db_str(row, 0));
    return ERR_OK;
}

static err_t claim(struct db *db, void *ctx)
{
    struct owner *o = ctx;
    char content[32];
    err_t e;

    (void)snprintf(content, sizeof(content), "\"%s\"", o->id);
    e = db_run(db,
               "INSERT INTO records (kind, name, content, created_ms, modified_ms) VALUES ('installation', "
               "'account', $1, 0, 0) ON CONFLICT (kind, name) DO NOTHING",
               DB_ARGS(DB_TEXT(content)), NULL);
    e = e ? e
          : db_one(db, "SELECT content FROM records WHERE kind = 'installation' AND name = 'account'",
                   DB_NO_ARGS, owner_row, o);
    return e || strcmp(content, o->found) == 0 ? e : ERR_CONFLICT;
}

/* The ARNs in a database name its account: under another id every policy and every stored ARN would be
 * wrong. */
static err_t check_owner(const char *url, const char *id, char *why)
{
    auto_db struct db *db = NULL;
    struct owner o = { .id = id };
    err_t e = db_open(url, &db, why);

    if (e)
        return e;
    if ((e = db_tx(db, claim, &o)) == ERR_CONFLICT)
        (void)snprintf(
            why, ACCOUNT_WHY_MAX,
            "the database of account %s belongs to account %.12s: give the accounts of --account in "
            "the order they had, or another --data",
            id, o.found + 1);
    else if (e)
        (void)snprintf(why, ACCOUNT_WHY_MAX, "the database of account %s: %s", id, db_error(db));
    return e;
}

err_t account_init(struct account *ret, const struct account_opts *opts, char *why)
{
    struct account *a = ret;
    char reason[DB_WHY_MAX] = "";
    err_t e;

    *a = (struct account){ .env = opts->env };
    if (!(a->host = mem_strdup(opts->env.host)) || !(a->db = mem_strdup(opts->db)) ||
        !(a->buckets = mem_printf("%s/buckets", opts->folder)) || !(a->folder = mem_strdup(opts->folder)))
        return ERR_NOMEM;
    a->env.host = a->host;
    a->env.buckets = a->buckets;
    a->env.folder = a->folder;
    if ((e = store_new(opts->db, &a->store, reason))) {
        (void)snprintf(why, ACCOUNT_WHY_MAX, "the database of account %s cannot be opened: %s",
                       opts->env.account, reason[0] ? reason : err_str(e));
        return e;
    }
    if ((e = check_owner(opts->db, opts->env.account, why)))
        return e;
    a->parts = (struct api_parts){ .env = &a->env,
                                   .loop = opts->loop,
                                   .store = a->store,
                                   .keymaker = opts->keymaker,
                                   .apply = apply,
                                   .apply_ctx = a };
    if ((e = gateway_new(&a->env, opts->loop, a->store, &a->gateway)) ||
        (e = admission_new(&a->parts, &a->admission)) || (e = tasks_new(&a->parts, &a->tasks)))
        return e;
    a->parts.gateway = a->gateway;
    gateway_set_admission(a->gateway, a->admission);
    if ((e = background_new(&a->parts, &a->background)) ||
        (e = hooks_new(opts->loop, opts->hooks, &a->hooks, why)) ||
        (e = authorizers_new(&a->parts, a->hooks, &a->authorizers)))
        return e;
    gateway_set_authorizers(a->gateway, a->authorizers);
    return fleet_new(&a->parts, gateway_broker(a->gateway), a->hooks, &a->fleet);
}

void account_stop(struct account *a)
{
    gateway_flush(a->gateway);
    store_stop(a->store);
}

void account_done(struct account *a)
{
    background_free(a->background);
    hooks_free(a->hooks); /* whoever waits for one is not called any more */
    fleet_free(a->fleet);
    if (a->gateway)
        gateway_set_authorizers(a->gateway, NULL);
    authorizers_free(a->authorizers);
    tasks_free(a->tasks);
    gateway_free(a->gateway);
    admission_free(a->admission);
    store_free(a->store);
    free(a->host);
    free(a->buckets);
    free(a->db);
    free(a->folder);
    *a = (struct account){ 0 };
}
