/* src/cloud/accounts.h - all accounts of --account, and which of them a request belongs to. The loop's
 * thread; spec: docs/spec/cloud.md CL-31, CL-120..123.
 */
#pragma once
#include "cloud/account.h"
#include "cloud/options.h"

struct accounts;

struct accounts_opts {
    const struct options *o;
    struct cloud_env env; /* the installation's; host: the first of --host */
    const char *data;     /* absolute */
    struct net_loop *loop;
    struct keymaker *keymaker;
};

/* The names that the server's certificate is to have: those of --host, and with several accounts ID.NAME for
 * each. Appended. ERR_INVALID: several accounts and a first name that clients cannot give as SNI. */
err_t accounts_hosts(const struct options *o, struct buf *out);

/* `why`: ACCOUNT_WHY_MAX bytes. */
err_t accounts_new(const struct accounts_opts *opts, struct accounts **ret, char *why);
/* As in account.h. NULL is fine. */
void accounts_stop(struct accounts *s);
bool accounts_are_idle(const struct accounts *s);
void accounts_free(struct accounts *s);

size_t accounts_count(const struct accounts *s);
struct account *accounts_at(struct accounts *s, size_t i);          /* 0: the default one */
struct account *accounts_by_id(struct accounts *s, const char *id); /* NULL: none of ours */
/* The account whose endpoint a client asked for. ID.NAME is that account, NULL when there is no such one
 * here; any other name, and none (""), is the default account. */
struct account *accounts_by_sni(struct accounts *s, const char *sni);
/* The account of a caller on the control port; NULL: it is not served. `account` "": under --insecure-dev a
 * made-up key may be an account's id, which then is the one that is meant. */
struct account *accounts_of_caller(struct accounts *s, const char *account, const char *key_id);
/* Once the listeners stand. */
void accounts_set_api(struct accounts *s, uint16_t port, bool tls);
void accounts_set_ports(struct accounts *s, uint16_t mqtt, uint16_t https, uint16_t plain);
