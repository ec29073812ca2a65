#include "cloud/auth/keyfile.h"

#include "base/hex.h"
#include "base/mem.h"
#include "cloud/policy/document.h"
#include "crypto/random.h"

#include <stdio.h>

void access_key_done(struct access_key *k)
{
    free(k->policy);
    secret_free(k->secret);
    *k = (struct access_key){ 0 };
}

/* ---- reading ---- */

struct reader_state {
    struct access_key key;
    const char *account;
    keyfile_fn fn;
    void *ctx;
    size_t found;
};

static struct slice trim(struct slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.n && strchr(" \t\r", s.p[s.n - 1]))
        s.n--;
    return s;
}

/* "name = value"; false for anything else. */
static bool assignment(struct slice line, struct slice *ret_name, struct slice *ret_value)
{
    const uint8_t *eq = line.n ? memchr(line.p, '=', line.n) : NULL;

    if (!eq)
        return false;
    *ret_name = trim(slice_of(line.p, (size_t)(eq - line.p)));
    *ret_value = trim(slice_skip(line, (size_t)(eq - line.p) + 1));
    return true;
}

static err_t take_text(char *out, size_t n, struct slice value)
{
    if (value.n == 0 || value.n >= n || memchr(value.p, 0, value.n))
        return ERR_INVALID;
    (void)snprintf(out, n, "%.*s", SLICE_FMT(value));
    return ERR_OK;
}

static err_t take_id(struct reader_state *s, struct slice value)
{
    return take_text(s->key.id, sizeof(s->key.id), value);
}

static err_t take_account(struct reader_state *s, struct slice value)
{
    err_t e = take_text(s->key.account, sizeof(s->key.account), value);

    return e ? e : account_id_ok(s->key.account) ? ERR_OK : ERR_INVALID;
}

static err_t take_created(struct reader_state *s, struct slice value)
{
    return take_text(s->key.created, sizeof(s->key.created), value);
}

static err_t take_policy(struct reader_state *s, struct slice value)
{
    auto_policy_doc *doc = NULL;
    err_t e = policy_doc_parse(value, &doc, (char[POLICY_WHY_MAX]){ 0 });

    if (e)
        return e;
    free(s->key.policy);
    return (s->key.policy = mem_str(value)) ? ERR_OK : ERR_NOMEM;
}

static err_t take_secret(struct reader_state *s, struct slice value)
{
    err_t e;

    if (!s->key.id[0] || value.n == 0 || value.n > ACCESS_KEY_ID_MAX)
        return ERR_INVALID;
    if (!s->key.account[0])
        (void)snprintf(s->key.account, sizeof(s->key.account), "%s", s->account);
    if ((e = secret_new(value, &s->key.secret)) || (e = s->fn(s->ctx, &s->key)))
        return e;
    s->found++;
    s->key = (struct access_key){ 0 };
    return ERR_OK;
}

static const struct {
    const char *name;
    err_t (*take)(struct reader_state *s, struct slice value);
} members[] = {
    { "aws_access_key_id", take_id },         { "sedge_account", take_account },
    { "sedge_created", take_created },        { "sedge_policy", take_policy },
    { "aws_secret_access_key", take_secret },
};

/* A profile that ends before its secret says nothing. */
static err_t take_line(struct reader_state *s, struct slice line)
{
    struct slice name, value;

    line = trim(line);
    if (line.n && line.p[0] == '[')
        access_key_done(&s->key);
    if (line.n == 0 || line.p[0] == '#' || line.p[0] == '[')
        return ERR_OK;
    if (!assignment(line, &name, &value))
        return ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (slice_eq(name, slice_str(members[i].name)))
            return members[i].take(s, value);
    }
    return ERR_OK;
}

err_t keyfile_parse(struct slice text, const char *account, keyfile_fn fn, void *ctx, size_t *ret_line)
{
    struct reader_state s = { .account = account, .fn = fn, .ctx = ctx };
    err_t e = ERR_OK;

    for (*ret_line = 0; text.n && !e; (*ret_line)++) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        e = take_line(&s, slice_head(text, n));
        text = slice_skip(text, n + 1);
    }
    access_key_done(&s.key);
    return e ? e : s.found ? ERR_OK : ERR_INVALID;
}

/* ---- making ---- */

static err_t add_member(struct buf *out, const char *name, const char *value)
{
    return value && *value ? buf_printf(out, "%s = %s\n", name, value) : ERR_OK;
}

/* AWS's ids are AKIA and 16 of A-Z2-7; secrets are 40 characters. 5 bits and 6 bits a character, no bias. */
err_t keyfile_make(const struct crypto_ctx *crypto, const struct access_key *what, struct buf *out,
                   char ret_id[21])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t random[16 + 30];
    char id[21] = "AKIA";
    autobuf secret = BUF_SECRET(64);
    err_t e = crypto_random(crypto, random, sizeof(random));

    if (e)
        return e;
    for (size_t i = 0; i < 16; i++)
        id[4 + i] = alphabet[random[i] & 31];
    if (!(e = base64_encode(&secret, slice_of(random + 16, 30))) && !(e = buf_add_str(out, "[default]\n")) &&
        !(e = add_member(out, "aws_access_key_id", id)) &&
        !(e = add_member(out, "sedge_account", what->account)) &&
        !(e = add_member(out, "sedge_created", what->created)) &&
        !(e = add_member(out, "sedge_policy", what->policy)) &&
        !(e = add_member(out, "aws_secret_access_key", buf_str(&secret))))
        (void)snprintf(ret_id, 21, "%s", id);
    mem_wipe(random, sizeof(random));
    return e;
}
