#include "cloud/auth/sessions.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "cloud/policy/document.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#include <stdio.h>
#include <string.h>

#define SECRET_LEN 40u
#define HEAD "sedge-session 1"

/* HMAC over a word for what it is used for, and the text. */
static err_t mac(const struct crypto_ctx *crypto, struct slice key, const char *use, struct slice text,
                 uint8_t ret[CRYPTO_SHA256_LEN])
{
    autobuf in = BUF_INIT(SESSION_TOKEN_MAX + 64);
    err_t e = buf_printf(&in, "%s\n", use);

    if (!e)
        e = buf_add(&in, text);
    return e ? e : crypto_hmac_sha256(crypto, key, buf_slice(&in), ret);
}

static err_t derive_secret(const struct crypto_ctx *crypto, struct slice key, struct slice text,
                           struct buf *secret)
{
    uint8_t m[CRYPTO_SHA256_LEN];
    autobuf all = BUF_SECRET(64);
    err_t e = mac(crypto, key, "secret", text, m);

    if (!e && !(e = base64_encode(&all, SLICE_ARRAY(m))))
        e = buf_add(secret, slice_head(buf_slice(&all), SECRET_LEN));
    mem_wipe(m, sizeof(m));
    return e;
}

static err_t choose_id(const struct crypto_ctx *crypto, char id[21])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t random[16];
    err_t e = crypto_random(crypto, random, sizeof(random));

    (void)snprintf(id, 21, "ASIA");
    for (size_t i = 0; i < sizeof(random); i++)
        id[4 + i] = alphabet[random[i] & 31];
    id[20] = 0;
    return e;
}

err_t session_make(const struct crypto_ctx *crypto, struct slice key, struct session *s, struct buf *secret,
                   struct buf *token)
{
    autobuf text = BUF_INIT(SESSION_TOKEN_MAX), all = BUF_INIT(SESSION_TOKEN_MAX);
    uint8_t m[CRYPTO_SHA256_LEN];
    err_t e;

    if ((e = choose_id(crypto, s->id)) ||
        (e = buf_printf(&text, HEAD "\n%s\n%s\n%s\n%s\n%s\n%s\n%lld\n", s->id, s->account, s->role,
                        s->cert_id, s->thing, s->type, (long long)s->expires_ms)) ||
        (e = mac(crypto, key, "token", buf_slice(&text), m)) || (e = buf_add(&all, SLICE_ARRAY(m))) ||
        (e = buf_add(&all, buf_slice(&text))) || (e = base64_encode(token, buf_slice(&all))))
        return e;
    return derive_secret(crypto, key, buf_slice(&text), secret);
}

static bool take_line(struct slice *rest, char *out, size_t n)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t len = end ? (size_t)(end - rest->p) : 0;

    if (!end || len >= n)
        return false;
    memcpy(out, rest->p, len);
    out[len] = 0;
    *rest = slice_skip(*rest, len + 1);
    return true;
}

/* What we wrote ourselves: its MAC has been checked. */
static bool read_text(struct slice text, struct session *s)
{
    char head[32], expires[32];

    if (!take_line(&text, head, sizeof(head)) || strcmp(head, HEAD) != 0 ||
        !take_line(&text, s->id, sizeof(s->id)) || !take_line(&text, s->account, sizeof(s->account)) ||
        !take_line(&text, s->role, sizeof(s->role)) || !take_line(&text, s->cert_id, sizeof(s->cert_id)) ||
        !take_line(&text, s->thing, sizeof(s->thing)) || !take_line(&text, s->type, sizeof(s->type)) ||
        !take_line(&text, expires, sizeof(expires)))
        return false;
    s->expires_ms = strtoll(expires, NULL, 10);
    return true;
}

err_t session_open(const struct crypto_ctx *crypto, struct slice key, const char *id, struct slice token,
                   struct session *ret, struct buf *secret)
{
    autobuf all = BUF_INIT(SESSION_TOKEN_MAX);
    uint8_t m[CRYPTO_SHA256_LEN];
    struct session s = { 0 };
    struct slice text;
    err_t e;

    if (token.n > SESSION_TOKEN_MAX || base64_decode(&all, token) || all.n <= sizeof(m))
        return ERR_AUTH;
    text = slice_skip(buf_slice(&all), sizeof(m));
    if ((e = mac(crypto, key, "token", text, m)))
        return e;
    if (!mem_eq_ct(m, all.p, sizeof(m)) || !read_text(text, &s) || strcmp(s.id, id) != 0)
        return ERR_AUTH;
    *ret = s;
    return derive_secret(crypto, key, text, secret);
}

err_t session_vars(const struct session *s, struct policy_vars *vars)
{
    err_t e = policy_vars_add(vars, "credentials-iot:AwsCertificateId", slice_str(s->cert_id));

    if (!e && s->thing[0])
        e = policy_vars_add(vars, "credentials-iot:ThingName", slice_str(s->thing));
    if (!e && s->type[0])
        e = policy_vars_add(vars, "credentials-iot:ThingTypeName", slice_str(s->type));
    return e;
}

err_t role_policy(const char *folder, const char *role, struct buf *ret)
{
    autofree char *path = mem_printf("%s/roles/%s.json", folder, role);
    auto_policy_doc *doc = NULL;
    char why[POLICY_WHY_MAX];
    err_t e;

    if (!path)
        return ERR_NOMEM;
    if (strchr(role, '/') || role[0] == '.' || !role[0])
        return ERR_INVALID;
    e = file_read(path, ret);
    return e ? e : policy_doc_parse(buf_slice(ret), &doc, why);
}
