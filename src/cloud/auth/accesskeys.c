#include "cloud/auth/accesskeys.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/policy/document.h"
#include "crypto/random.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

/* A folder that changed as recently as this when it was read may change again within the same tick of its
 * clock: it is read once more. */
#define RACY_MS 100

struct key_list {
    struct access_key *k;
    size_t n, cap;
};

struct access_keys {
    const struct crypto_ctx *crypto;
    struct key_list fixed;   /* of the administrators' files */
    struct key_list watched; /* of the folder */
    char *dir;
    char account[ACCOUNT_ID_MAX];
    int64_t dir_ms; /* the folder's time when it was read; -1: it is to be read */
    bool racy;
    char *data; /* where roles are */
    struct secret *session_key;
    struct session session; /* the last one that was asked for, and its key */
    struct access_key session_as_key;
};

static void list_done(struct key_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        access_key_done(&l->k[i]);
    free(l->k);
    *l = (struct key_list){ 0 };
}

static err_t list_add(void *ctx, struct access_key *key)
{
    struct key_list *l = ctx;
    err_t e = mem_grow(&l->k, &l->cap, l->n + 1, ACCESS_KEYS_MAX, sizeof(*l->k));

    if (e)
        return e;
    l->k[l->n++] = *key;
    *key = (struct access_key){ 0 };
    return ERR_OK;
}

static const struct access_key *list_find(const struct key_list *l, const char *id)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->k[i].id, id) == 0)
            return &l->k[i];
    }
    return NULL;
}

err_t access_keys_new(const struct crypto_ctx *crypto, struct access_keys **ret)
{
    struct access_keys *k = mem_calloc(1, sizeof(*k));

    if (!k)
        return ERR_NOMEM;
    k->crypto = crypto;
    *ret = k;
    return ERR_OK;
}

void access_keys_free(struct access_keys *k)
{
    if (!k)
        return;
    list_done(&k->fixed);
    list_done(&k->watched);
    free(k->dir);
    free(k->data);
    secret_free(k->session_key);
    access_key_done(&k->session_as_key);
    free(k);
}

/* ---- one file ---- */

static err_t read_or_make(const struct crypto_ctx *crypto, const char *path, struct buf *text, bool *ret_made)
{
    err_t e = file_read_private(path, text);
    char id[21];

    if (e != ERR_NOT_FOUND)
        return e;
    *ret_made = true;
    if ((e = keyfile_make(crypto, &(struct access_key){ 0 }, text, id)))
        return e;
    return file_write_durable(path, buf_slice(text), 0600);
}

err_t access_keys_load(struct access_keys *k, const char *path, const char *account, bool *ret_made,
                       char *why, size_t why_n)
{
    autobuf text = BUF_SECRET(KEYFILE_MAX);
    size_t line;
    err_t e;

    *ret_made = false;
    if ((e = read_or_make(k->crypto, path, &text, ret_made)))
        (void)snprintf(why, why_n, "%s: %s%s", path, err_str(e),
                       e == ERR_DENIED ? " (it must belong to you and be closed to others: chmod 600)" : "");
    else if ((e = keyfile_parse(buf_slice(&text), account, list_add, &k->fixed, &line)))
        (void)snprintf(why, why_n, "%s, line %zu: not in the form of an AWS credentials file", path, line);
    return e;
}

/* ---- the folder ---- */

static int64_t dir_time(const char *dir)
{
    struct stat st;

    if (stat(dir, &st) != 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

/* Its files are one key each, named like it. Whatever begins with a dot is being written. */
static void read_file(const struct access_keys *k, const char *name, struct key_list *into)
{
    autofree char *path = mem_printf("%s/%s", k->dir, name);
    autobuf text = BUF_SECRET(KEYFILE_MAX);
    size_t line = 0, before = into->n;
    err_t e = path ? file_read_private(path, &text) : ERR_NOMEM;

    if (!e)
        e = keyfile_parse(buf_slice(&text), k->account, list_add, into, &line);
    if (!e || e == ERR_NOT_FOUND) /* deleted meanwhile */
        return;
    while (into->n > before)
        access_key_done(&into->k[--into->n]);
    log_warn("%s, line %zu: no access key comes from it: %s", path ? path : name, line, err_str(e));
}

static void read_folder(struct access_keys *k)
{
    struct key_list fresh = { 0 };
    int64_t now = clock_wall_ms();
    DIR *d = opendir(k->dir);

    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (entry->d_name[0] != '.')
            read_file(k, entry->d_name, &fresh);
    }
    if (d)
        (void)closedir(d);
    list_done(&k->watched);
    k->watched = fresh;
    k->racy = now - k->dir_ms < RACY_MS;
}

static void look(struct access_keys *k)
{
    int64_t at;

    if (!k->dir)
        return;
    at = dir_time(k->dir); /* before its content: what changes while it is read changes the time again */
    if (at == k->dir_ms && !k->racy)
        return;
    k->dir_ms = at;
    read_folder(k);
}

err_t access_keys_watch(struct access_keys *k, const char *dir, const char *account)
{
    if (!(k->dir = mem_strdup(dir)))
        return ERR_NOMEM;
    (void)snprintf(k->account, sizeof(k->account), "%s", account);
    k->dir_ms = -1;
    return ERR_OK;
}

const struct access_key *access_keys_find(struct access_keys *k, const char *id)
{
    const struct access_key *found = list_find(&k->fixed, id);

    if (found)
        return found;
    look(k);
    return list_find(&k->watched, id);
}

/* ---- temporary credentials ---- */

static err_t read_or_make_session_key(const struct crypto_ctx *crypto, const char *path, struct buf *key)
{
    uint8_t random[SESSION_KEY_LEN];
    err_t e = file_read_private(path, key);

    if (e != ERR_NOT_FOUND)
        return !e && key->n != SESSION_KEY_LEN ? ERR_INVALID : e;
    if (!(e = crypto_random(crypto, random, sizeof(random))) && !(e = buf_add(key, SLICE_ARRAY(random))))
        e = file_write_durable(path, buf_slice(key), 0600);
    mem_wipe(random, sizeof(random));
    return e;
}

err_t access_keys_sessions(struct access_keys *k, const char *data, const char *account, char *why,
                           size_t why_n)
{
    autofree char *path = mem_printf("%s/session.key", data);
    autobuf key = BUF_SECRET(4096);
    err_t e;

    if (!path || !(k->data = mem_strdup(data)))
        return ERR_NOMEM;
    (void)snprintf(k->account, sizeof(k->account), "%s", account);
    if ((e = read_or_make_session_key(k->crypto, path, &key))) {
        (void)snprintf(why, why_n,
                       "%s: %s: it must be a file of %u bytes that is closed to others; without "
                       "it a new one is made, and temporary credentials end",
                       path, err_str(e), SESSION_KEY_LEN);
        return e;
    }
    return secret_new(buf_slice(&key), &k->session_key);
}

const struct secret *access_keys_session_key(const struct access_keys *k)
{
    return k->session_key;
}

/* The policy is read anew each time: what is taken from a role is gone at once. */
static err_t policy_of_session(const struct access_keys *k, const struct session *s, char **ret)
{
    bool first = strcmp(s->account, k->account) == 0;
    autofree char *folder = first ? mem_strdup(k->data) : mem_printf("%s/accounts/%s", k->data, s->account);
    autobuf policy = BUF_INIT(POLICY_DOC_RAW_MAX);

    if (!folder)
        return ERR_NOMEM;
    if (role_policy(folder, s->role, &policy))
        return ERR_NOT_FOUND;
    return (*ret = mem_str(buf_slice(&policy))) ? ERR_OK : ERR_NOMEM;
}

err_t access_keys_of_token(struct access_keys *k, const char *id, struct slice token, int64_t now_ms,
                           const struct access_key **ret, const struct session **ret_session)
{
    struct access_key *key = &k->session_as_key;
    autobuf secret = BUF_SECRET(64);
    err_t e;

    if (!k->session_key)
        return ERR_AUTH;
    if ((e = session_open(k->crypto, secret_expose_bytes(k->session_key), id, token, &k->session, &secret)))
        return e;
    if (now_ms >= k->session.expires_ms)
        return ERR_TIMEOUT;
    access_key_done(key);
    (void)snprintf(key->id, sizeof(key->id), "%s", id);
    (void)snprintf(key->account, sizeof(key->account), "%s", k->session.account);
    if ((e = policy_of_session(k, &k->session, &key->policy)) ||
        (e = secret_new(buf_slice(&secret), &key->secret)))
        return e;
    *ret = key;
    *ret_session = &k->session;
    return ERR_OK;
}
