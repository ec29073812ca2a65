/* src/cloud/gateway/authorizer_token.h - the token that somebody shows to a custom authorizer, its signature,
 * and the event that the authorizer's function gets. Pure; any thread. Spec: iot-core reference 9.6.
 */
#pragma once
#include "base/json.h"
#include "crypto/process.h"

struct authorizer_credentials {
    char *token, *signature; /* NULL: none */
};
void authorizer_credentials_done(struct authorizer_credentials *c);

/* Look for the token called `key` (NULL: there is none) and its signature in the headers, the query string
 * and behind the `?` of the user name, in this order, unless *ret has one. ERR_NOMEM. */
err_t authorizer_credentials_find(const json_t *shown, const char *key, struct authorizer_credentials *ret);
/* Is the token signed by one of the authorizer's keys (RSA, SHA-256)? */
bool authorizer_token_ok(const struct crypto_ctx *crypto, const json_t *authorizer,
                         const struct authorizer_credentials *c);
/* A new event, or NULL. */
json_t *authorizer_event(const struct crypto_ctx *crypto, const json_t *shown, const char *token,
                         bool verified);

/* A value of those three places, or NULL; the caller's. */
char *authorizer_shown(const json_t *shown, const char *name);
#define AUTHORIZER_NAME "x-amz-customauthorizer-name"
