#include "cloud/accounts.h"

#include "base/file.h"
#include "base/mem.h"
#include "cloud/crossing.h"
#include "cloud/gateway/mqtt.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define URL_MAX 4096u

struct accounts {
    struct account list[ACCOUNTS_MAX];
    size_t n;
};

/* ---- names ---- */

/* SNI carries names only, and no wildcards. */
static bool is_name(const char *host)
{
    struct in_addr v4;

    return inet_pton(AF_INET, host, &v4) != 1 && !strchr(host, ':') && !strchr(host, '*');
}

static err_t add_names(const struct options *o, struct slice host, struct buf *out)
{
    autofree char *name = mem_str(host);
    err_t e = name ? ERR_OK : ERR_NOMEM;

    for (size_t i = 0; i < o->n_accounts && !e && is_name(name); i++)
        e = buf_printf(out, ",%s.%s", o->accounts[i], name);
    return e;
}

err_t accounts_hosts(const struct options *o, struct buf *out)
{
    autofree char *first = mem_str(slice_of(o->host, strcspn(o->host, ",")));
    err_t e = buf_add_str(out, o->host);

    if (!first)
        return ERR_NOMEM;
    if (e || o->n_accounts == 1)
        return e;
    if (!is_name(first))
        return ERR_INVALID;
    for (const char *p = o->host; !e && p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        e = add_names(o, slice_of(p, strcspn(p, ",")), out);
    return e;
}

/* ---- databases ---- */

/* CREATE SCHEMA IF NOT EXISTS would ask for the right to make one even when it is there. */
static err_t make_schema(struct db *db, void *ctx)
{
    const char *name = ctx;
    char sql[80];
    int64_t found;
    err_t e = db_one_int(db, "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1",
                         DB_ARGS(DB_TEXT(name)), &found);

    if (e || found)
        return e;
    (void)snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", name);
    return db_run(db, sql, DB_NO_ARGS, NULL);
}

static err_t postgres_url(const char *url, const char *id, struct buf *out, char *why)
{
    auto_db struct db *db = NULL;
    char schema[32], reason[DB_WHY_MAX] = "";
    err_t e;

    (void)snprintf(schema, sizeof(schema), "account_%s", id);
    if (strstr(url, "options=")) {
        (void)snprintf(why, ACCOUNT_WHY_MAX,
                       "--db with options= and several accounts: each account's schema is chosen by that "
                       "parameter, set yours for the role or the database (ALTER ROLE ... SET)");
        return ERR_INVALID;
    }
    if ((e = db_open(url, &db, reason)) || (e = db_tx(db, make_schema, schema))) {
        (void)snprintf(why, ACCOUNT_WHY_MAX, "the schema %s cannot be made: %s", schema,
                       db ? db_error(db) : reason);
        return e;
    }
    return buf_printf(out, "%s%coptions=-csearch_path%%3D%s", url, strchr(url, '?') ? '&' : '?', schema);
}

/* For its database (unless that is elsewhere) and its administrator's key. */
static err_t make_folder(const char *data, const char *id, char *why)
{
    autofree char *dir = mem_printf("%s/accounts/%s", data, id);
    err_t e = dir ? file_mkdirs(dir, 0700) : ERR_NOMEM;

    if (e)
        (void)snprintf(why, ACCOUNT_WHY_MAX, "cannot make the folder %s: %s", dir ? dir : "", err_str(e));
    return e;
}

/* The default account has the place it had before there were several. */
static err_t url_of(const struct accounts_opts *opts, size_t i, struct buf *out, char *why)
{
    const char *db = opts->o->db, *id = opts->o->accounts[i];
    err_t e;

    if (i == 0)
        return db ? buf_add_str(out, db) : buf_printf(out, "sqlite:%s/sedge.db", opts->data);
    if ((e = make_folder(opts->data, id, why)))
        return e;
    if (!db)
        return buf_printf(out, "sqlite:%s/accounts/%s/sedge.db", opts->data, id);
    if (strncmp(db, "postgresql:", 11) == 0 || strncmp(db, "postgres:", 9) == 0)
        return postgres_url(db, id, out, why);
    (void)snprintf(why, ACCOUNT_WHY_MAX,
                   "--db %s holds one account: with several give a PostgreSQL url, or none", db);
    return ERR_INVALID;
}

/* ---- the accounts ---- */

static err_t add(struct accounts *s, const struct accounts_opts *opts, char *why)
{
    size_t i = s->n;
    const char *id = opts->o->accounts[i];
    struct account_opts one = { .env = opts->env, .loop = opts->loop, .keymaker = opts->keymaker };
    autofree char *host = i ? mem_printf("%s.%s", id, opts->env.host) : mem_strdup(opts->env.host);
    autofree char *hooks = mem_printf("%s/hooks.conf", opts->data);
    autofree char *folder = i ? mem_printf("%s/accounts/%s", opts->data, id) : mem_strdup(opts->data);
    autobuf url = BUF_INIT(URL_MAX);
    err_t e;

    if (!host || !hooks || !folder)
        return ERR_NOMEM;
    if ((e = url_of(opts, i, &url, why)))
        return e;
    one.env.account = id;
    one.env.host = host;
    one.db = buf_str(&url);
    one.hooks = hooks;
    one.folder = folder;
    s->n++;
    if ((e = account_init(&s->list[i], &one, why)))
        return e;
    s->list[i].parts.across = crossing_start;
    s->list[i].parts.across_ctx = s;
    return ERR_OK;
}

/* Parts that stand may have given the database something to do: it comes back before they go. */
static void give_up(struct accounts *s, struct net_loop *loop)
{
    accounts_stop(s);
    while (!accounts_are_idle(s) && !net_loop_turn(loop, 0))
        ;
    accounts_free(s);
}

err_t accounts_new(const struct accounts_opts *opts, struct accounts **ret, char *why)
{
    struct accounts *s = mem_calloc(1, sizeof(*s));
    err_t e = s ? ERR_OK : ERR_NOMEM;

    while (!e && s->n < opts->o->n_accounts)
        e = add(s, opts, why);
    if (!e)
        e = crossing_resume(s, why);
    if (e) {
        give_up(s, opts->loop);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

void accounts_stop(struct accounts *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        account_stop(&s->list[i]);
}

bool accounts_are_idle(const struct accounts *s)
{
    for (size_t i = 0; s && i < s->n; i++) {
        if (!store_is_idle(s->list[i].store))
            return false;
    }
    return true;
}

void accounts_free(struct accounts *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        account_done(&s->list[i]);
    free(s);
}

size_t accounts_count(const struct accounts *s)
{
    return s->n;
}

struct account *accounts_at(struct accounts *s, size_t i)
{
    return &s->list[i];
}

static struct account *find(struct accounts *s, struct slice id)
{
    for (size_t i = 0; i < s->n; i++) {
        if (slice_eq(slice_str(s->list[i].env.account), id))
            return &s->list[i];
    }
    return NULL;
}

struct account *accounts_by_id(struct accounts *s, const char *id)
{
    return find(s, slice_str(id));
}

struct account *accounts_by_sni(struct accounts *s, const char *sni)
{
    size_t n = strspn(sni, "0123456789");

    return n == ACCOUNT_ID_MAX - 1 && sni[n] == '.' ? find(s, slice_of(sni, n)) : &s->list[0];
}

void accounts_set_api(struct accounts *s, uint16_t port, bool tls)
{
    for (size_t i = 0; i < s->n; i++) {
        s->list[i].env.api_port = port;
        s->list[i].env.api_tls = tls;
    }
}

struct account *accounts_of_caller(struct accounts *s, const char *account, const char *key_id)
{
    struct account *a = accounts_by_id(s, account[0] ? account : key_id);

    return a || account[0] ? a : accounts_at(s, 0);
}

void accounts_set_ports(struct accounts *s, uint16_t mqtt, uint16_t https, uint16_t plain)
{
    for (size_t i = 0; i < s->n; i++) {
        s->list[i].env.mqtt_port = mqtt;
        s->list[i].env.https_port = https;
        s->list[i].env.plain_port = plain;
    }
}
