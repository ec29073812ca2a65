/* Custom authorizers, as the account keeps them (iot-core reference 9.6); gateway/authorizer.c calls them. */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/domains.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/records.h"
#include "cloud/registry/tags.h"
#include "crypto/key.h"
#include "crypto/own.h"

#include <ctype.h>

#define KIND "authorizer"
#define SETTINGS "settings"
#define DEFAULT "defaultAuthorizer"
#define KEYS "tokenSigningPublicKeys"
#define AUTHORIZERS_MAX 100
#define KEYS_MAX 16u
#define KEY_TEXT_MAX 5120
#define RSA_BITS_MIN 2048

static const char *const states[] = { "ACTIVE", "INACTIVE", NULL };

static bool token_name_ok(const char *s)
{
    while (isalnum((unsigned char)*s) || *s == '_' || *s == '-')
        s++;
    return *s == 0;
}

static const struct api_field fields[] = {
    { "authorizerFunctionArn", API_TEXT, 1, 2048, .required = true },
    { "tokenKeyName", API_TEXT, 1, 128, .ok = token_name_ok },
    { "status", API_ENUM, .values = states },
    { "enableCachingForHttp", API_BOOL },
};
static const struct api_field creation_fields[] = { { "signingDisabled", API_BOOL } };

static err_t not_found(struct api_call *c, const char *name)
{
    return api_fail(c, API_NOT_FOUND, "Authorizer %.128s not found", name);
}

static err_t load_known(struct api_call *c, const char *name, struct record *r)
{
    err_t e = record_load(c, KIND, name, r);

    return e == ERR_NOT_FOUND ? not_found(c, name) : e;
}

/* ---- members ---- */

static err_t check_key(struct api_call *c, const char *name, const json_t *value)
{
    auto_pkey EVP_PKEY *key = NULL;
    const char *pem = json_string_value(value);
    err_t e;

    if (!*name || strlen(name) > 128 || !name_thing_ok(name) || !pem || api_characters(pem) > KEY_TEXT_MAX)
        return api_fail(c, API_INVALID_REQUEST, KEYS " must be a map of names to public keys in PEM");
    if ((e = crypto_pubkey_parse_pem(c->env->crypto, slice_str(pem), &key, NULL)) == ERR_NOMEM)
        return e;
    if (e || !crypto_key_is_rsa(key) || crypto_key_bits(key) < RSA_BITS_MIN)
        return api_fail(c, API_INVALID_REQUEST, KEYS ": '%.128s' is no RSA public key of at least %d bits",
                        name, RSA_BITS_MIN);
    return ERR_OK;
}

static err_t take_keys(struct api_call *c, json_t *into)
{
    json_t *keys = json_object_get(c->body, KEYS), *value;
    const char *name;
    err_t e;

    if (!keys || json_is_null(keys))
        return ERR_OK;
    if (!json_is_object(keys) || json_object_size(keys) > KEYS_MAX)
        return api_fail(c, API_INVALID_REQUEST, KEYS " must be a map of at most %u public keys", KEYS_MAX);
    json_object_foreach(keys, name, value)
    {
        if ((e = check_key(c, name, value)))
            return e;
    }
    return json_object_set(into, KEYS, keys) == 0 ? ERR_OK : ERR_NOMEM;
}

/* Tokens are signed unless that is switched off: then their name and the keys are needed. */
static err_t check_signing(struct api_call *c, const json_t *content)
{
    if (json_get_bool(content, "signingDisabled", false) ||
        (json_get_str(content, "tokenKeyName") && json_object_size(json_get_obj(content, KEYS)) > 0))
        return ERR_OK;
    return api_fail(c, API_INVALID_REQUEST,
                    "tokenKeyName and " KEYS " are required unless signingDisabled is true");
}

static err_t take(struct api_call *c, bool creation, json_t *into)
{
    err_t e;

    if ((e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), creation, into)) ||
        (creation &&
         (e = api_fields_take(c, c->body, creation_fields, ARRAY_LEN(creation_fields), true, into))) ||
        (e = take_keys(c, into)))
        return e;
    return check_signing(c, into);
}

/* ---- operations ---- */

static json_t *summary(const struct api_call *c, const char *name)
{
    char arn[ARN_MAX];

    return json_pack("{s:s,s:s}", "authorizerName", name, "authorizerArn", arn_iot(c, KIND, name, arn));
}

static err_t check_count(struct api_call *c)
{
    int64_t n;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM records WHERE kind = $1", DB_ARGS(DB_TEXT(KIND)), &n);

    return e || n <= AUTHORIZERS_MAX
               ? e
               : api_fail(c, API_LIMIT, "an account can have at most %d authorizers", AUTHORIZERS_MAX);
}

err_t authorizer_create(struct api_call *c)
{
    auto_json *content =
        json_pack("{s:s,s:b,s:b}", "status", "INACTIVE", "signingDisabled", 0, "enableCachingForHttp", 0);
    const char *name;
    char arn[ARN_MAX];
    err_t e;

    if (!content)
        return ERR_NOMEM;
    if ((e = name_alias(c, "authorizerName", &name)) || (e = take(c, true, content)))
        return e;
    if ((e = record_insert(c, KIND, name, content)) == ERR_EXISTS)
        return api_fail_exists(c, arn_iot(c, KIND, name, arn), name, "Authorizer %s already exists", name);
    if (e || (e = check_count(c)) || (e = tags_of_creation(c, KIND, name)))
        return e;
    return api_reply(c, summary(c, name));
}

static err_t describe(struct api_call *c, const char *name)
{
    auto_record r = { 0 };
    auto_json *d = NULL;
    err_t e = load_known(c, name, &r);

    if (e)
        return e;
    d = summary(c, name);
    if (!d || json_object_update(d, r.content) != 0 ||
        json_object_set_new(d, "creationDate", api_seconds(r.created_ms)) != 0 ||
        json_object_set_new(d, "lastModifiedDate", api_seconds(r.modified_ms)) != 0)
        return ERR_NOMEM;
    return api_reply(c, json_pack("{s:O}", "authorizerDescription", d));
}

err_t authorizer_describe(struct api_call *c)
{
    const char *name;
    err_t e = name_alias(c, "authorizerName", &name);

    return e ? e : describe(c, name);
}

err_t authorizer_update(struct api_call *c)
{
    auto_record r = { 0 };
    const char *name;
    err_t e;

    if ((e = name_alias(c, "authorizerName", &name)) || (e = load_known(c, name, &r)) ||
        (e = take(c, false, r.content)) || (e = record_put(c, KIND, name, r.content)))
        return e;
    return api_reply(c, summary(c, name));
}

/* The default one's name in *r; ERR_NOT_FOUND: there is none. */
static err_t load_default(struct api_call *c, struct record *r, const char **ret)
{
    err_t e = record_load(c, SETTINGS, DEFAULT, r);

    if (!e)
        *ret = json_get_str(r->content, "authorizerName");
    return e;
}

err_t authorizer_delete(struct api_call *c)
{
    auto_record r = { 0 };
    const char *name, *is_default = "";
    bool used = false;
    err_t e;

    if ((e = name_alias(c, "authorizerName", &name)))
        return e;
    if ((e = load_default(c, &r, &is_default)) && e != ERR_NOT_FOUND)
        return e;
    if (strcmp(name, is_default) == 0)
        return api_fail(c, API_DELETE_CONFLICT,
                        "Authorizer %s is the default: call ClearDefaultAuthorizer first", name);
    if ((e = domains_use_authorizer(c, name, &used)))
        return e;
    if (used)
        return api_fail(c, API_DELETE_CONFLICT,
                        "Authorizer %s is the default of a domain configuration: remove it there first",
                        name);
    e = record_delete(c, KIND, name);
    return e == ERR_NOT_FOUND ? not_found(c, name) : e ? e : tags_drop(c, KIND, name);
}

static json_t *item(const struct api_call *c, const char *name, const json_t *content)
{
    const char *want = api_param(c, "status"), *status = json_get_str(content, "status");

    return want && status && strcmp(want, status) != 0 ? json_null() : summary(c, name);
}

err_t authorizer_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    struct api_age_marker from;
    const char *status = NULL;
    err_t e;

    if ((e = api_param_enum(c, "status", states, &status)) || (e = api_age_marker(c, name_alias_ok, &from)) ||
        (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = record_list_by_age(&page, KIND, &from, item, AUTHORIZERS_MAX)))
        return e;
    return api_page_reply(&page, "authorizers", "nextMarker");
}

/* ---- the default ---- */

err_t authorizer_set_default(struct api_call *c)
{
    static const struct api_field field = { "authorizerName",    API_TEXT,        1, 128,
                                            .ok = name_alias_ok, .required = true };
    auto_record have = { 0 }, r = { 0 };
    auto_json *content = json_object();
    const char *name, *now = NULL;
    char arn[ARN_MAX];
    err_t e;

    if (!content)
        return ERR_NOMEM;
    if ((e = api_fields_take(c, c->body, &field, 1, true, content)))
        return e;
    name = json_get_str(content, "authorizerName");
    if ((e = load_known(c, name, &r)) || ((e = load_default(c, &have, &now)) && e != ERR_NOT_FOUND))
        return e;
    if (now && strcmp(now, name) != 0)
        return api_fail_exists(c, arn_iot(c, KIND, now, arn), now,
                               "Authorizer %s is the default: call ClearDefaultAuthorizer first", now);
    if ((e = record_put(c, SETTINGS, DEFAULT, content)))
        return e;
    return api_reply(c, summary(c, name));
}

static err_t no_default(struct api_call *c)
{
    return api_fail(c, API_NOT_FOUND, "there is no default authorizer");
}

err_t authorizer_describe_default(struct api_call *c)
{
    auto_record r = { 0 };
    const char *name;
    err_t e = load_default(c, &r, &name);

    return e == ERR_NOT_FOUND ? no_default(c) : e ? e : describe(c, name);
}

err_t authorizer_clear_default(struct api_call *c)
{
    err_t e = record_delete(c, SETTINGS, DEFAULT);

    return e == ERR_NOT_FOUND ? no_default(c) : e;
}
