/* Domain configurations: kept, checked and read back; whom they let in: domains.h, docs/spec/cloud.md
 * CL-160..164. */
#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/domains.h"
#include "cloud/registry/handlers.h"
#include "cloud/registry/names.h"
#include "cloud/registry/records.h"
#include "cloud/registry/tags.h"
#include "crypto/random.h"

#include <stdio.h>
#include <string.h>

#define KIND "domainconfiguration"
#define MAX_PER_ACCOUNT 10
#define SUFFIX_LEN 5u

static const char *const services[] = { "DATA", "CREDENTIAL_PROVIDER", "JOBS", NULL };
static const char *const states[] = { "ENABLED", "DISABLED", NULL };
static const char *const authentications[] = { "CUSTOM_AUTH_X509", "CUSTOM_AUTH", "AWS_X509",
                                               "AWS_SIGV4",        "DEFAULT",     NULL };
static const char *const protocols[] = { "SECURE_MQTT", "MQTT_WSS", "HTTPS", "DEFAULT", NULL };

/* What the service has by itself. */
static const struct {
    const char *name, *service;
} builtin[] = {
    { "iot:Data-ATS", "DATA" },
    { "iot:CredentialProvider", "CREDENTIAL_PROVIDER" },
    { "iot:Jobs", "JOBS" },
};

static bool domain_ok(const char *s)
{
    return s[0] != '.' && s[0] != '-' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*") == strlen(s);
}

static bool name_ok(const char *s)
{
    size_t n = strlen(s);

    return n >= 1 && n <= 128 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

static bool acm_ok(const char *s)
{
    return strncmp(s, "arn:aws", 7) == 0 && strstr(s, ":acm:") && strstr(s, ":certificate/");
}

static const struct api_field of_creation[] = {
    { "validationCertificateArn", API_TEXT, 1, 2048, .ok = acm_ok },
    { "domainName", API_TEXT, 1, 253, .ok = domain_ok },
    { "serviceType", API_ENUM, .values = services },
};
static const struct api_field of_update[] = {
    { "domainConfigurationStatus", API_ENUM, .values = states },
    { "removeAuthorizerConfig", API_BOOL },
};
static const struct api_field of_both[] = {
    { "authenticationType", API_ENUM, .values = authentications },
    { "applicationProtocol", API_ENUM, .values = protocols },
};
static const struct api_field of_authorizer[] = {
    { "defaultAuthorizerName", API_TEXT, 1, 128, .ok = name_alias_ok },
    { "allowAuthorizerOverride", API_BOOL },
};
static const struct api_field of_tls[] = { { "securityPolicy", API_TEXT, 1, 128 } };

static err_t not_found(struct api_call *c, const char *name)
{
    return api_fail(c, API_NOT_FOUND, "Domain configuration %.128s not found", name);
}

static err_t label(struct api_call *c, const char **ret)
{
    const char *name = api_param(c, "domainConfigurationName");

    if (!name || !name_ok(name))
        return api_fail(c, API_INVALID_REQUEST,
                        "domainConfigurationName must satisfy regular expression pattern: [\\w.-]{1,128}");
    *ret = name;
    return ERR_OK;
}

/* NAME/SUFFIX, as in the ARN. */
static const char *full_name(const char *name, const json_t *content, char ret[ARN_MAX])
{
    const char *suffix = json_get_str(content, "suffix");

    (void)snprintf(ret, ARN_MAX, "%s/%s", name, suffix ? suffix : "");
    return ret;
}

static err_t reply_name(struct api_call *c, const char *name, const json_t *content)
{
    char full[ARN_MAX], arn[ARN_MAX];

    return api_reply(c, json_pack("{s:s,s:s}", "domainConfigurationName", name, "domainConfigurationArn",
                                  arn_iot(c, KIND, full_name(name, content, full), arn)));
}

/* ---- members ---- */

static err_t check_authorizer(struct api_call *c, const json_t *config)
{
    const char *name = json_get_str(config, "defaultAuthorizerName");
    int64_t n;
    err_t e;

    if (!name)
        return ERR_OK;
    e = db_one_int(c->db, "SELECT count(*) FROM records WHERE kind = 'authorizer' AND name = $1",
                   DB_ARGS(DB_TEXT(name)), &n);
    return e || n ? e : api_fail(c, API_INVALID_REQUEST, "Authorizer %s does not exist", name);
}

static err_t take_object(struct api_call *c, const char *member, const struct api_field *fields, size_t n,
                         json_t *content)
{
    const json_t *from = json_object_get(c->body, member);
    json_t *into;

    if (!from || json_is_null(from))
        return ERR_OK;
    if (!json_is_object(from))
        return api_fail(c, API_INVALID_REQUEST, "%s must be an object", member);
    if (!(into = json_object()) || json_object_set_new(content, member, into))
        return ERR_NOMEM;
    return api_fields_take(c, from, fields, n, true, into);
}

/* There is no certificate manager: the server's own certificate serves all names (CL-161). */
static err_t refuse_certificates(struct api_call *c)
{
    const json_t *list = json_object_get(c->body, "serverCertificateArns");
    const json_t *validation = json_object_get(c->body, "validationCertificateArn");

    if (list && !json_is_null(list) && !json_is_array(list))
        return api_fail(c, API_INVALID_REQUEST, "serverCertificateArns must be a list");
    if (json_array_size(list) == 0 && (!validation || json_is_null(validation)))
        return ERR_OK;
    return api_fail(
        c, API_CERTIFICATE_VALIDATION,
        "This server has no certificate manager: its certificate is for the names of --host; leave "
        "serverCertificateArns and validationCertificateArn out");
}

static err_t take_both(struct api_call *c, json_t *content)
{
    err_t e;

    if ((e = api_fields_take(c, c->body, of_both, ARRAY_LEN(of_both), true, content)) ||
        (e = take_object(c, "tlsConfig", of_tls, ARRAY_LEN(of_tls), content)) ||
        (e = take_object(c, "authorizerConfig", of_authorizer, ARRAY_LEN(of_authorizer), content)))
        return e;
    return check_authorizer(c, json_object_get(content, "authorizerConfig"));
}

static err_t set_defaults(struct api_call *c, json_t *content)
{
    char uuid[CRYPTO_UUID_MAX];
    err_t e = crypto_random_uuid(c->env->crypto, uuid);

    uuid[SUFFIX_LEN] = 0;
    if (e)
        return e;
    return json_object_set_new(content, "suffix", json_string(uuid)) ||
                   json_object_set_new(content, "serviceType", json_string("DATA")) ||
                   json_object_set_new(content, "domainConfigurationStatus", json_string("ENABLED")) ||
                   json_object_set_new(content, "changed", json_integer(c->now_ms))
               ? ERR_NOMEM
               : ERR_OK;
}

/* The installation's own name is the service's own endpoint, which nobody configures; and a name has one
 * configuration of each service. */
static err_t check_domain(struct api_call *c, const json_t *content)
{
    const char *domain = json_get_str(content, "domainName");
    int64_t n;
    err_t e;

    if (!domain)
        return ERR_OK;
    if (strcasecmp(domain, c->env->host) == 0)
        return api_fail(c, API_INVALID_REQUEST, "%s is the endpoint of this server itself", domain);
    e = domain_count(c->db, domain, json_get_str(content, "serviceType"), &n);
    return e || !n ? e : api_fail(c, API_INVALID_REQUEST, "%s has a domain configuration already", domain);
}

static err_t check_room(struct api_call *c)
{
    int64_t n;
    err_t e = db_one_int(c->db, "SELECT count(*) FROM records WHERE kind = $1", DB_ARGS(DB_TEXT(KIND)), &n);

    return e || n < MAX_PER_ACCOUNT
               ? e
               : api_fail(c, API_LIMIT, "An account has at most %d domain configurations", MAX_PER_ACCOUNT);
}

/* ---- operations ---- */

err_t domain_configuration_create(struct api_call *c)
{
    auto_json *content = json_object();
    char full[ARN_MAX], arn[ARN_MAX];
    auto_record have = { 0 };
    const char *name;
    err_t e;

    if (!content)
        return ERR_NOMEM;
    if ((e = label(c, &name)) || (e = set_defaults(c, content)) ||
        (e = api_fields_take(c, c->body, of_creation, ARRAY_LEN(of_creation), true, content)) ||
        (e = check_domain(c, content)) || (e = refuse_certificates(c)) || (e = take_both(c, content)))
        return e;
    if (!(e = record_load(c, KIND, name, &have)))
        return api_fail_exists(c, arn_iot(c, KIND, full_name(name, have.content, full), arn), name,
                               "Domain configuration %s already exists", name);
    if (e != ERR_NOT_FOUND || (e = check_room(c)) || (e = record_insert(c, KIND, name, content)) ||
        (e = tags_of_creation(c, KIND, full_name(name, content, full))))
        return e;
    return reply_name(c, name, content);
}

static err_t describe_builtin(struct api_call *c, const char *name)
{
    char arn[ARN_MAX];

    for (size_t i = 0; i < ARRAY_LEN(builtin); i++) {
        if (strcmp(builtin[i].name, name) == 0)
            return api_reply(c,
                             json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:[]}", "domainConfigurationName", name,
                                       "domainConfigurationArn", arn_iot(c, KIND, name, arn), "domainName",
                                       c->env->host, "domainConfigurationStatus", "ENABLED", "serviceType",
                                       builtin[i].service, "domainType", "ENDPOINT", "serverCertificates"));
    }
    return ERR_NOT_FOUND;
}

err_t domain_configuration_describe(struct api_call *c)
{
    const char *name = api_param(c, "domainConfigurationName");
    char full[ARN_MAX], arn[ARN_MAX];
    auto_record r = { 0 };
    json_t *j;
    err_t e = name ? describe_builtin(c, name) : ERR_NOT_FOUND;

    if (e != ERR_NOT_FOUND || (e = label(c, &name)))
        return e;
    if ((e = record_load(c, KIND, name, &r)))
        return e == ERR_NOT_FOUND ? not_found(c, name) : e;
    j = json_pack("{s:s,s:s,s:s,s:s,s:[],s:o}", "domainConfigurationName", name, "domainConfigurationArn",
                  arn_iot(c, KIND, full_name(name, r.content, full), arn), "domainName", c->env->host,
                  "domainType", json_get_str(r.content, "domainName") ? "CUSTOMER_MANAGED" : "AWS_MANAGED",
                  "serverCertificates", "lastStatusChangeDate",
                  api_seconds(json_get_int(r.content, "changed", r.created_ms)));
    if (!j)
        return ERR_NOMEM;
    (void)json_object_del(r.content, "suffix");
    (void)json_object_del(r.content, "changed");
    if (json_object_update(j, r.content)) {
        json_decref(j);
        return ERR_NOMEM;
    }
    return api_reply(c, j);
}

static err_t note_status(struct api_call *c, json_t *content, const char *before)
{
    (void)json_object_del(content, "removeAuthorizerConfig"); /* an order, not a state */
    if (strcmp(before, json_get_str(content, "domainConfigurationStatus")) == 0)
        return ERR_OK;
    return json_object_set_new(content, "changed", json_integer(c->now_ms)) ? ERR_NOMEM : ERR_OK;
}

err_t domain_configuration_update(struct api_call *c)
{
    bool without = json_get_bool(c->body, "removeAuthorizerConfig", false);
    auto_record r = { 0 };
    char before[16];
    const char *name;
    err_t e;

    if ((e = label(c, &name)))
        return e;
    if ((e = record_load(c, KIND, name, &r)))
        return e == ERR_NOT_FOUND ? not_found(c, name) : e;
    (void)snprintf(before, sizeof(before), "%s", json_get_str(r.content, "domainConfigurationStatus"));
    if (without && json_is_object(json_object_get(c->body, "authorizerConfig")))
        return api_fail(c, API_INVALID_REQUEST,
                        "removeAuthorizerConfig and authorizerConfig cannot both be given");
    if (without)
        (void)json_object_del(r.content, "authorizerConfig");
    if ((e = api_fields_take(c, c->body, of_update, ARRAY_LEN(of_update), false, r.content)) ||
        (e = take_both(c, r.content)) || (e = note_status(c, r.content, before)) ||
        (e = record_put(c, KIND, name, r.content)))
        return e;
    return reply_name(c, name, r.content);
}

err_t domain_configuration_delete(struct api_call *c)
{
    char full[ARN_MAX];
    auto_record r = { 0 };
    const char *name;
    err_t e;

    if ((e = label(c, &name)))
        return e;
    if ((e = record_load(c, KIND, name, &r)))
        return e == ERR_NOT_FOUND ? not_found(c, name) : e;
    if (strcmp(json_get_str(r.content, "domainConfigurationStatus"), "DISABLED") != 0)
        return api_fail(c, API_INVALID_REQUEST,
                        "Domain configuration %s is ENABLED: set its status to DISABLED before deleting it",
                        name);
    e = record_delete(c, KIND, name);
    return e ? e : tags_drop(c, KIND, full_name(name, r.content, full));
}

static json_t *item(const struct api_call *c, const char *name, const json_t *content)
{
    const char *want = api_param(c, "serviceType"), *service = json_get_str(content, "serviceType");
    char full[ARN_MAX], arn[ARN_MAX];

    if (want && strcmp(want, service) != 0)
        return json_null();
    return json_pack("{s:s,s:s,s:s}", "domainConfigurationName", name, "domainConfigurationArn",
                     arn_iot(c, KIND, full_name(name, content, full), arn), "serviceType", service);
}

err_t domain_configuration_list(struct api_call *c)
{
    auto_page page = API_PAGE_INIT(c);
    const char *service = NULL;
    struct api_age_marker from;
    err_t e;

    if ((e = api_age_marker(c, name_ok, &from)) || (e = api_param_size(c, "pageSize", 25, 250, &page.size)) ||
        (e = api_param_enum(c, "serviceType", services, &service)) ||
        (e = record_list_by_age(&page, KIND, &from, item, service ? MAX_PER_ACCOUNT : 0)))
        return e;
    return api_page_reply(&page, "domainConfigurations", "nextMarker");
}
