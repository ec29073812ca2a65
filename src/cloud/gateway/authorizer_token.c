#include "cloud/gateway/authorizer_token.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/key.h"
#include "crypto/own.h"
#include "crypto/random.h"
#include "http/message.h"
#include "http/uri.h"

#define SIGNATURE "x-amz-customauthorizer-signature"
#define SIGNATURE_MAX 1024u /* RSA-8192 */

void authorizer_credentials_done(struct authorizer_credentials *c)
{
    free(c->token);
    free(c->signature);
    *c = (struct authorizer_credentials){ 0 };
}

static char *in_headers(const json_t *headers, const char *name)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)headers, key, value)
    {
        if (json_is_string(value) && http_name_eq(slice_str(key), slice_str(name)))
            return mem_strdup(json_string_value(value));
    }
    return NULL;
}

/* Base64's '+' is often left as it is: a query string would have it as a space. */
static char *in_query(const char *query, const char *name)
{
    struct http_params params = { 0 };
    const char *value;
    char *copy = NULL;

    if (query && http_query_parse(&params, slice_str(query)) == ERR_OK) {
        for (size_t i = 0; i < params.n && !copy; i++) {
            value = params.list[i].value;
            if (http_name_eq(slice_str(params.list[i].name), slice_str(name)))
                copy = mem_strdup(value);
        }
    }
    http_params_done(&params);
    return copy;
}

char *authorizer_shown(const json_t *shown, const char *name)
{
    const json_t *http = json_get_obj(shown, "http"), *mqtt = json_get_obj(shown, "mqtt");
    const char *user = json_get_str(mqtt, "username"), *mark = user ? strchr(user, '?') : NULL;
    char *value = in_headers(json_get_obj(http, "headers"), name);

    if (!value)
        value = in_query(json_get_str(http, "queryString"), name);
    return value || !mark ? value : in_query(mark + 1, name);
}

err_t authorizer_credentials_find(const json_t *shown, const char *key, struct authorizer_credentials *ret)
{
    if (ret->token || !key)
        return ERR_OK;
    ret->token = authorizer_shown(shown, key);
    ret->signature = ret->token ? authorizer_shown(shown, SIGNATURE) : NULL;
    return ERR_OK;
}

static bool signed_by(const struct crypto_ctx *crypto, const char *pem, const char *token,
                      struct slice signature)
{
    auto_pkey EVP_PKEY *key = NULL;

    return crypto_pubkey_parse_pem(crypto, slice_str(pem), &key, NULL) == ERR_OK &&
           crypto_verify(crypto, key, slice_str(token), signature) == ERR_OK;
}

bool authorizer_token_ok(const struct crypto_ctx *crypto, const json_t *authorizer,
                         const struct authorizer_credentials *c)
{
    json_t *keys = json_get_obj(authorizer, "tokenSigningPublicKeys"), *pem;
    autobuf signature = BUF_INIT(SIGNATURE_MAX);
    const char *name;

    if (!c->token || !c->signature)
        return false;
    for (char *p = c->signature; *p; p++)
        *p = *p == ' ' ? '+' : *p;
    if (base64_decode(&signature, slice_str(c->signature)))
        return false;
    json_object_foreach(keys, name, pem)
    {
        if (json_is_string(pem) && signed_by(crypto, json_string_value(pem), c->token, buf_slice(&signature)))
            return true;
    }
    return false;
}

static err_t add_protocols(json_t *event, const json_t *shown)
{
    static const char *const protocols[] = { "tls", "http", "mqtt" };
    json_t *list = json_array();
    err_t e = list ? ERR_OK : ERR_NOMEM;

    for (size_t i = 0; i < ARRAY_LEN(protocols) && !e; i++) {
        if (json_object_get(shown, protocols[i]) &&
            json_array_append_new(list, json_string(protocols[i])) != 0)
            e = ERR_NOMEM;
    }
    if (!e && json_object_set(event, "protocols", list) != 0)
        e = ERR_NOMEM;
    json_decref(list);
    return e;
}

json_t *authorizer_event(const struct crypto_ctx *crypto, const json_t *shown, const char *token,
                         bool verified)
{
    char id[CRYPTO_UUID_MAX];
    auto_json *event = NULL;

    if (crypto_random_uuid(crypto, id))
        return NULL;
    event = json_pack("{s:b,s:O,s:{s:s}}", "signatureVerified", verified, "protocolData",
                      (json_t *)(uintptr_t)shown, "connectionMetadata", "id", id);
    if (!event || add_protocols(event, shown) ||
        (token && json_object_set_new(event, "token", json_string(token)) != 0))
        return NULL;
    return steal(&event);
}
