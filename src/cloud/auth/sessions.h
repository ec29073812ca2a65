/* src/cloud/auth/sessions.h - temporary credentials that nobody has to store: the token says what they are
 * and carries a MAC, the secret is derived from it. Pure; any thread. Spec: docs/spec/cloud.md CL-150..153.
 */
#pragma once
#include "base/buf.h"
#include "cloud/auth/keyfile.h"
#include "cloud/policy/vars.h"
#include "crypto/process.h"

#define SESSION_KEY_LEN 32u
#define SESSION_ROLE_MAX 64u
#define SESSION_TOKEN_MAX 2048u

struct session {
    char id[21]; /* ASIA... */
    char account[ACCOUNT_ID_MAX];
    char role[SESSION_ROLE_MAX + 1];
    char cert_id[65];
    char thing[129]; /* "": not named */
    char type[129];  /* of the thing; "" */
    int64_t expires_ms;
};

/* Choose an id, append secret (a secret buf) and token. ERR_CRYPTO, ERR_NOMEM. */
err_t session_make(const struct crypto_ctx *crypto, struct slice key, struct session *s, struct buf *secret,
                   struct buf *token);
/* Read a token and derive the secret. ERR_AUTH: not one of ours, or of another key id; expiry is the caller's
 * to judge. */
err_t session_open(const struct crypto_ctx *crypto, struct slice key, const char *id, struct slice token,
                   struct session *ret, struct buf *secret);
/* The context keys of the credentials provider (iot-core reference 9.3). ERR_NOMEM. */
err_t session_vars(const struct session *s, struct policy_vars *vars);

/* The policy of a role: FOLDER/roles/NAME.json, checked. ERR_NOT_FOUND, ERR_INVALID ... */
err_t role_policy(const char *folder, const char *role, struct buf *ret);
