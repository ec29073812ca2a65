/* src/cloud/auth/keyfile.h - the file an access key is kept in: an AWS credentials file whose profiles may
 * say more (docs/spec/cloud.md CL-124). Pure; any thread.
 *
 *   [default]
 *   aws_access_key_id = AKIA...
 *   sedge_account = 123456789012       whose; else as the reader says
 *   sedge_created = 2026-11-22T...Z
 *   sedge_policy = {...}               on one line; none: everything is allowed
 *   aws_secret_access_key = ...        last: it ends a key
 */
#pragma once
#include "base/buf.h"
#include "base/secret.h"
#include "cloud/options.h"
#include "crypto/process.h"

#define ACCESS_KEY_ID_MAX 128u
#define KEYFILE_MAX 65536u

struct access_key {
    char id[ACCESS_KEY_ID_MAX + 1];
    char account[ACCOUNT_ID_MAX];
    char created[32];
    char *policy; /* NULL: everything is allowed */
    struct secret *secret;
};
void access_key_done(struct access_key *k);

/* Takes over what *k owns (leaves zeros) when it returns ERR_OK. */
typedef err_t (*keyfile_fn)(void *ctx, struct access_key *k);

/* Each key of the file in turn; `account`: of those that do not say. ERR_INVALID with the line number: not of
 * that form, no key at all, or a policy that does not parse. */
err_t keyfile_parse(struct slice text, const char *account, keyfile_fn fn, void *ctx, size_t *ret_line);

/* A new key: 20 characters of id, 40 of secret. account, created and policy may be NULL; policy is JSON on
 * one line. Appended to `out`, which must be secret. */
err_t keyfile_make(const struct crypto_ctx *crypto, const struct access_key *what, struct buf *out,
                   char ret_id[21]);
