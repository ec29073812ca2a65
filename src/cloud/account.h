/* src/cloud/account.h - an account: a database, a broker and a gateway of its own.
 *
 * Nothing of one account is in another's tables or memory, so no query can forget to ask whose row it is
 * (docs/decisions/accounts.md). The certificates of pki/, the loop and the ports are the installation's. The
 * loop's thread.
 */
#pragma once
#include "cloud/api/request.h"
#include "cloud/env.h"

struct account {
    struct cloud_env env;
    char *host, *db; /* db: its url */
    char *folder;
    struct store *store;
    struct api_parts parts;
    struct gateway *gateway;
    struct admission *admission;
    struct background *background;
    struct hooks *hooks;
    struct authorizers *authorizers;
    struct fleet *fleet;
    struct tasks *tasks; /* bulk registrations */
    char *buckets;       /* env.buckets */
};

#define ACCOUNT_WHY_MAX 1024u

/* What an account is made of. `env` is the installation's with the account's id and host name. */
struct account_opts {
    struct cloud_env env;
    const char *db;     /* url of its own database */
    const char *hooks;  /* file of the installation's provisioning hooks */
    const char *folder; /* its own, absolute: for buckets */
    struct net_loop *loop;
    struct keymaker *keymaker;
};

/* Open its database (ERR_CONFLICT: that is another account's) and make its parts; *ret is for account_done
 * also after a failure. `why`: ACCOUNT_WHY_MAX bytes. */
err_t account_init(struct account *ret, const struct account_opts *opts, char *why);
/* In this order: take no more work; then free, once every job is back (store_is_idle). */
void account_stop(struct account *a);
void account_done(struct account *a);
