#include "cloud/provisioning/ownership.h"

#include "base/hex.h"
#include "base/mem.h"
#include "cloud/registry/names.h"
#include "cloud/registry/notify.h"
#include "cloud/registry/tags.h"
#include "crypto/random.h"

#include <stdio.h>

#define RANDOM_LEN 32u
#define SWEEP_MAX 100
#define REGISTRATION_MAX 65536u

struct token {
    char certificate[CRYPTO_SHA256_HEX], asker[256], used[CRYPTO_SHA256_HEX];
    int64_t expires_ms;
};

static err_t take_token(void *ctx, const struct db_rows *row)
{
    struct token *t = ctx;

    (void)snprintf(t->certificate, sizeof(t->certificate), "%s", db_str(row, 0));
    (void)snprintf(t->asker, sizeof(t->asker), "%s", db_str(row, 1));
    (void)snprintf(t->used, sizeof(t->used), "%s", db_is_null(row, 2) ? "" : db_str(row, 2));
    t->expires_ms = db_int(row, 3);
    return ERR_OK;
}

static err_t hash(const struct api_call *c, const char *token, char ret[CRYPTO_SHA256_HEX])
{
    return crypto_sha256_hex(c->env->crypto, slice_str(token), ret);
}

err_t ownership_new(struct api_call *c, const char *certificate, char token[OWNERSHIP_TOKEN_MAX])
{
    uint8_t random[RANDOM_LEN];
    char hashed[CRYPTO_SHA256_HEX];
    err_t e = crypto_random(c->env->crypto, random, sizeof(random));

    if (e)
        return e;
    hex_str(token, SLICE_ARRAY(random));
    if ((e = hash(c, token, hashed)))
        return e;
    return db_run(
        c->db, "INSERT INTO ownership_tokens (token, certificate, asker, expires_ms) VALUES ($1, $2, $3, $4)",
        DB_ARGS(DB_TEXT(hashed), DB_TEXT(certificate), DB_TEXT(c->cert_id),
                DB_INT(c->now_ms + OWNERSHIP_LIFE_MS)),
        NULL);
}

/* The same words whatever is wrong with it: who has no token learns nothing about others'. */
static err_t refuse(struct api_call *c)
{
    return api_fail(
        c, API_UNAUTHORIZED,
        "the certificateOwnershipToken is not valid: unknown, older than an hour, given to another"
        " client certificate, or used for another registration. Ask for a new certificate.");
}

static err_t load(struct api_call *c, const char *token, struct token *ret, char hashed[CRYPTO_SHA256_HEX])
{
    err_t e = hash(c, token, hashed);

    if (e)
        return e;
    e = db_one(c->db, "SELECT certificate, asker, used, expires_ms FROM ownership_tokens WHERE token = $1",
               DB_ARGS(DB_TEXT(hashed)), take_token, ret);
    return e == ERR_NOT_FOUND ? refuse(c) : e;
}

err_t ownership_check(struct api_call *c, const char *token, char certificate[CRYPTO_SHA256_HEX])
{
    char hashed[CRYPTO_SHA256_HEX];
    struct token t = { 0 };
    err_t e = load(c, token, &t, hashed);

    if (e)
        return e;
    if (t.expires_ms <= c->now_ms || strcmp(t.asker, c->cert_id) != 0)
        return refuse(c);
    memcpy(certificate, t.certificate, sizeof(t.certificate));
    return ERR_OK;
}

/* One registration: the same template with the same parameters. */
static err_t digest(const struct api_call *c, const char *template, const json_t *parameters,
                    char ret[CRYPTO_SHA256_HEX])
{
    autobuf text = BUF_INIT(REGISTRATION_MAX);
    err_t e;

    if ((e = buf_printf(&text, "%s\n", template)) || (e = json_write(&text, parameters, 0)))
        return e;
    return crypto_sha256_hex(c->env->crypto, buf_slice(&text), ret);
}

err_t ownership_use(struct api_call *c, const char *token, const char *template, const json_t *parameters)
{
    char hashed[CRYPTO_SHA256_HEX], now[CRYPTO_SHA256_HEX];
    struct token t = { 0 };
    err_t e;

    if ((e = load(c, token, &t, hashed)) || (e = digest(c, template, parameters, now)))
        return e;
    if (t.used[0])
        return strcmp(t.used, now) == 0 ? ERR_OK : refuse(c);
    return db_run(c->db, "UPDATE ownership_tokens SET used = $1 WHERE token = $2",
                  DB_ARGS(DB_TEXT(now), DB_TEXT(hashed)), NULL);
}

/* ---- what was not used ---- */

static err_t sweep_row(void *ctx, const struct db_rows *row)
{
    return json_array_append_new(ctx, json_pack("[s,s]", db_str(row, 0), db_str(row, 1))) == 0 ? ERR_OK
                                                                                               : ERR_NOMEM;
}

/* Never activated and attached to nothing: nobody will miss it. */
static err_t delete_unused(struct api_call *c, const char *certificate)
{
    int64_t unused;
    err_t e = db_one_int(c->db,
                         "SELECT count(*) FROM certificates WHERE cert_id = $1 AND status = "
                         "'PENDING_ACTIVATION'"
                         " AND NOT EXISTS (SELECT 1 FROM policy_targets WHERE cert_id = $1)"
                         " AND NOT EXISTS (SELECT 1 FROM thing_principals WHERE cert_id = $1)",
                         DB_ARGS(DB_TEXT(certificate)), &unused);

    if (e || !unused || (e = notify_certificate(c, certificate, NOTIFY_DELETED)) ||
        (e = tags_drop(c, "cert", certificate)))
        return e;
    return db_run(c->db, "DELETE FROM certificates WHERE cert_id = $1", DB_ARGS(DB_TEXT(certificate)), NULL);
}

err_t ownership_sweep(struct api_call *c)
{
    auto_json *rows = json_array();
    json_t *row;
    size_t i;
    err_t e;

    if (!rows)
        return ERR_NOMEM;
    if ((e = db_run(c->db, "DELETE FROM provisioning_claims WHERE expires_ms <= $1",
                    DB_ARGS(DB_INT(c->now_ms)), NULL)) ||
        (e = db_each(c->db,
                     "SELECT token, certificate FROM ownership_tokens WHERE expires_ms <= $1"
                     " ORDER BY expires_ms LIMIT $2",
                     DB_ARGS(DB_INT(c->now_ms), DB_INT(SWEEP_MAX)), sweep_row, rows)))
        return e;
    json_array_foreach(rows, i, row)
    {
        if ((e = delete_unused(c, json_string_value(json_array_get(row, 1)))) ||
            (e = db_run(c->db, "DELETE FROM ownership_tokens WHERE token = $1",
                        DB_ARGS(DB_TEXT(json_string_value(json_array_get(row, 0)))), NULL)))
            return e;
    }
    return api_reply(c, json_pack("{s:b}", "more", json_array_size(rows) == SWEEP_MAX));
}
