#include "cloud/keys.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/auth/keyfile.h"
#include "cloud/policy/document.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char keys_usage[] =
    "usage: sedge-cloud keys create --data DIR [--account ID] [--policy FILE] [--output FILE]\n"
    "       sedge-cloud keys list --data DIR\n"
    "       sedge-cloud keys delete --data DIR KEY-ID\n"
    "\n"
    "  --account ID   whose key it is (the default account)\n"
    "  --policy FILE  an IAM policy of what it may do; without one everything in its account\n"
    "  --output FILE  where the key goes, in the form of ~/.aws/credentials; must not be there yet.\n"
    "                 Without it to standard output, unless that is a terminal\n"
    "\n"
    "A running server takes notice with the next request.\n";

struct request {
    const char *data, *account, *policy, *output, *id;
};

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    { "--data", offsetof(struct request, data) },
    { "--account", offsetof(struct request, account) },
    { "--policy", offsetof(struct request, policy) },
    { "--output", offsetof(struct request, output) },
};

static const char **option(struct request *r, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(name, texts[i].name) == 0)
            return (const char **)(void *)((char *)r + texts[i].offset);
    }
    return NULL;
}

static bool parse(int argc, char **argv, struct request *r)
{
    for (int i = 3; i < argc; i++) {
        const char **value = option(r, argv[i]);
        if (value && i + 1 < argc)
            *value = argv[++i];
        else if (!value && argv[i][0] != '-' && !r->id)
            r->id = argv[i];
        else
            return false;
    }
    return r->data && *r->data && (!r->account || account_id_ok(r->account));
}

/* ---- create ---- */

/* On one line, as the key's file wants it. */
static err_t read_policy(const char *path, struct buf *out)
{
    auto_policy_doc *doc = NULL;
    auto_json *j = NULL;
    autobuf text = BUF_INIT(POLICY_DOC_RAW_MAX);
    char why[POLICY_WHY_MAX] = "";
    struct json_where where;
    err_t e = file_read(path, &text);

    if (e) {
        log_error("the policy %s cannot be read: %s", path, err_str(e));
        return e;
    }
    if ((e = policy_doc_parse(buf_slice(&text), &doc, why)) ||
        (e = json_parse(buf_slice(&text), 16, &j, &where)) || (e = json_write(out, j, 0)))
        log_error("%s is not a policy: %s", path, why[0] ? why : err_str(e));
    return e;
}

static err_t store_key(const struct request *r, const char *id, struct slice text)
{
    autofree char *dir = mem_printf("%s/keys", r->data), *path = mem_printf("%s/keys/%s", r->data, id);
    err_t e = dir && path ? ERR_OK : ERR_NOMEM;

    if (!e && access(r->data, F_OK) != 0)
        e = ERR_NOT_FOUND;
    if (e || (e = file_mkdirs(dir, 0700)) || (e = file_write_durable(path, text, 0600)))
        log_error("the access key cannot be kept in %s/keys: %s", r->data, err_str(e));
    return e;
}

static err_t write_new(const char *path, struct slice text)
{
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    err_t e = fd < 0 ? file_err(errno) : file_write_all(fd, text);

    if (!e && fsync(fd) != 0)
        e = file_err(errno);
    if (e)
        log_error("the access key cannot be written to %s: %s", path,
                  errno == EEXIST ? "it is there already, give another name" : err_str(e));
    return e;
}

/* What its owner gets: nothing but the key. */
static err_t hand_out(const struct request *r, struct access_key *key)
{
    autobuf text = BUF_SECRET(KEYFILE_MAX);
    struct slice secret = secret_expose_bytes(key->secret);
    err_t e = buf_printf(&text, "[default]\naws_access_key_id = %s\naws_secret_access_key = %.*s\n", key->id,
                         SLICE_FMT(secret));

    if (e)
        return e;
    return r->output ? write_new(r->output, buf_slice(&text))
                     : file_write_all(STDOUT_FILENO, buf_slice(&text));
}

static err_t give(void *ctx, struct access_key *key)
{
    err_t e = hand_out(ctx, key);

    access_key_done(key);
    return e;
}

/* Its owner has it first: a key that nobody got is not left behind. */
static err_t make_key(const struct request *r, const struct crypto_ctx *crypto)
{
    struct access_key what = { 0 };
    autobuf policy = BUF_INIT(POLICY_DOC_RAW_MAX), text = BUF_SECRET(KEYFILE_MAX);
    char id[21];
    size_t line;
    err_t e;

    clock_iso_trimmed(what.created, clock_wall_ms());
    (void)snprintf(what.account, sizeof(what.account), "%s", r->account ? r->account : "");
    if (r->policy && (e = read_policy(r->policy, &policy)))
        return e;
    what.policy = r->policy ? (char *)(uintptr_t)buf_str(&policy) : NULL;
    if ((e = keyfile_make(crypto, &what, &text, id)) ||
        (e = keyfile_parse(buf_slice(&text), "", give, (void *)(uintptr_t)r, &line)) ||
        (e = store_key(r, id, buf_slice(&text))))
        return e;
    log_info("access key %s made%s%s", id, r->output ? ", written to " : "", r->output ? r->output : "");
    return ERR_OK;
}

static int create(const struct request *r)
{
    struct crypto_ctx *crypto = NULL;
    err_t e;

    if (!r->output && isatty(STDOUT_FILENO)) {
        log_error("a secret is not shown on a terminal: give --output FILE");
        return 1;
    }
    if (!(e = crypto_ctx_new(NULL, &crypto)))
        e = make_key(r, crypto);
    crypto_ctx_free(crypto);
    return e ? 1 : 0;
}

/* ---- list, delete ---- */

static err_t print_key(void *ctx, struct access_key *key)
{
    (void)ctx;
    (void)printf("%s  %s  %s  %s\n", key->id, key->account[0] ? key->account : "default account",
                 key->created[0] ? key->created : "-", key->policy ? key->policy : "everything");
    access_key_done(key);
    return ERR_OK;
}

static err_t print_file(const char *path)
{
    autobuf text = BUF_SECRET(KEYFILE_MAX);
    size_t line = 0;
    err_t e = file_read_private(path, &text);

    if (e || (e = keyfile_parse(buf_slice(&text), "", print_key, NULL, &line)))
        log_error("%s, line %zu: %s", path, line, err_str(e));
    return e;
}

static int list(const struct request *r)
{
    autofree char *dir = mem_printf("%s/keys", r->data);
    struct dirent **names = NULL;
    int n = dir ? scandir(dir, &names, NULL, alphasort) : -1;
    err_t e = n < 0 && errno != ENOENT ? file_err(errno) : ERR_OK;

    if (e)
        log_error("%s: %s", dir ? dir : r->data, err_str(e));
    for (int i = 0; i < n; i++) {
        autofree char *path = mem_printf("%s/%s", dir, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && (!path || print_file(path)))
            e = ERR_INVALID;
        free(names[i]);
    }
    free(names);
    return e || fflush(stdout) != 0 ? 1 : 0;
}

static int delete_key(const struct request *r)
{
    autofree char *path = mem_printf("%s/keys/%s", r->data, r->id);

    if (strchr(r->id, '/') || r->id[0] == '.' || !path || unlink(path) != 0) {
        log_error(
            "there is no access key %s in %s/keys (an administrator's key is in admin-credentials: edit "
            "that file and start again)",
            r->id, r->data);
        return 1;
    }
    return file_sync_parent(path) ? 1 : 0;
}

int keys_command(int argc, char **argv)
{
    struct request r = { 0 };
    const char *verb = argc > 2 ? argv[2] : "";
    bool ok = parse(argc, argv, &r);

    if (strcmp(verb, "--help") == 0)
        return fputs(keys_usage, stdout) < 0;
    if (ok && strcmp(verb, "create") == 0 && !r.id)
        return create(&r);
    if (ok && strcmp(verb, "list") == 0 && !r.id)
        return list(&r);
    if (ok && strcmp(verb, "delete") == 0 && r.id)
        return delete_key(&r);
    (void)fputs(keys_usage, stderr);
    return 2;
}
