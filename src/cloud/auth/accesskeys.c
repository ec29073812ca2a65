#include "cloud/auth/accesskeys.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <stdio.h>

#define FILE_MAX 65536u
#define ID_MAX ACCESS_KEY_ID_MAX

struct access_keys {
    const struct crypto_ctx *crypto;
    struct access_key list[ACCESS_KEYS_MAX];
    size_t n;
};

void access_keys_free(struct access_keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++)
        secret_free(k->list[i].secret);
    free(k);
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

const struct access_key *access_keys_find(const struct access_keys *k, const char *id)
{
    for (size_t i = 0; i < k->n; i++) {
        if (strcmp(k->list[i].id, id) == 0)
            return &k->list[i];
    }
    return NULL;
}

/* AWS's ids are AKIA and 16 of A-Z2-7; secrets are 40 characters. 5 bits and 6 bits a character, no bias. */
static err_t make_file(const struct crypto_ctx *crypto, struct buf *out)
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
    if (!(e = base64_encode(&secret, slice_of(random + 16, 30))))
        e = buf_printf(out, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", id,
                       buf_str(&secret));
    mem_wipe(random, sizeof(random));
    return e;
}

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

static err_t take_line(struct access_keys *k, struct slice line, const char *account, char *id)
{
    struct slice name, value;

    line = trim(line);
    if (line.n == 0 || line.p[0] == '#' || line.p[0] == '[')
        return ERR_OK;
    if (!assignment(line, &name, &value) || value.n == 0 || value.n > ID_MAX)
        return ERR_INVALID;
    if (slice_eq(name, SLICE_LIT("aws_access_key_id"))) {
        (void)snprintf(id, ID_MAX + 1, "%.*s", SLICE_FMT(value));
        return ERR_OK;
    }
    if (!slice_eq(name, SLICE_LIT("aws_secret_access_key")))
        return ERR_OK;
    if (!id[0] || k->n == ACCESS_KEYS_MAX)
        return ERR_INVALID;
    (void)snprintf(k->list[k->n].id, sizeof(k->list[0].id), "%s", id);
    (void)snprintf(k->list[k->n].account, sizeof(k->list[0].account), "%s", account);
    id[0] = 0;
    err_t e = secret_new(value, &k->list[k->n].secret);
    k->n += !e;
    return e;
}

static err_t parse(struct access_keys *k, struct slice text, const char *account, size_t *ret_line)
{
    char id[ID_MAX + 1] = "";
    size_t before = k->n;
    err_t e = ERR_OK;

    for (*ret_line = 1; text.n && !e; (*ret_line)++) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        e = take_line(k, slice_head(text, n), account, id);
        text = slice_skip(text, n + 1);
    }
    *ret_line -= 1;
    return e ? e : k->n > before ? ERR_OK : ERR_INVALID;
}

static err_t read_or_make(const struct crypto_ctx *crypto, const char *path, struct buf *text, bool *ret_made)
{
    err_t e = file_read_private(path, text);

    if (e != ERR_NOT_FOUND)
        return e;
    *ret_made = true;
    if ((e = make_file(crypto, text)))
        return e;
    return file_write_durable(path, buf_slice(text), 0600);
}

err_t access_keys_load(struct access_keys *k, const char *path, const char *account, bool *ret_made,
                       char *why, size_t why_n)
{
    autobuf text = BUF_SECRET(FILE_MAX);
    size_t line;
    err_t e;

    *ret_made = false;
    if ((e = read_or_make(k->crypto, path, &text, ret_made)))
        (void)snprintf(why, why_n, "%s: %s%s", path, err_str(e),
                       e == ERR_DENIED ? " (it must belong to you and be closed to others: chmod 600)" : "");
    else if ((e = parse(k, buf_slice(&text), account, &line)))
        (void)snprintf(why, why_n, "%s, line %zu: not in the form of an AWS credentials file", path, line);
    return e;
}
