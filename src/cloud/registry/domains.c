#include "cloud/registry/domains.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 8u

typedef void (*domain_fn)(void *ctx, const char *name, const json_t *content);

struct walk {
    domain_fn fn;
    void *ctx;
};

static err_t walk_row(void *ctx, const struct db_rows *row)
{
    const struct walk *w = ctx;
    auto_json *content = NULL;
    err_t e = json_parse(db_text(row, 1), DEPTH_MAX, &content, NULL);

    if (!e)
        w->fn(w->ctx, db_str(row, 0), content);
    return e;
}

/* An account has ten at most. */
static err_t walk(struct db *db, domain_fn fn, void *ctx)
{
    struct walk w = { fn, ctx };

    return db_each(db, "SELECT name, content FROM records WHERE kind = 'domainconfiguration' ORDER BY name",
                   DB_NO_ARGS, walk_row, &w);
}

/* ---- which one ---- */

/* "*.example.com" has every name with one label more. */
static bool has(const char *domain, const char *server_name)
{
    const char *rest = strncmp(domain, "*.", 2) == 0 ? strchr(server_name, '.') : NULL;

    return strcasecmp(domain, server_name) == 0 || (rest && strcasecmp(domain + 1, rest) == 0);
}

struct search {
    const char *server_name;
    struct domain *ret;
    bool exact;
};

static void copy(char *to, size_t n, const json_t *from, const char *member, const char *absent)
{
    const char *s = json_get_str(from, member);

    (void)snprintf(to, n, "%s", s ? s : absent);
}

static void look(void *ctx, const char *name, const json_t *content)
{
    struct search *s = ctx;
    const char *domain = json_get_str(content, "domainName"), *service = json_get_str(content, "serviceType");
    const char *status = json_get_str(content, "domainConfigurationStatus");
    const json_t *authorizer = json_get_obj(content, "authorizerConfig");

    if (s->exact || !domain || !has(domain, s->server_name) || (service && strcmp(service, "DATA") != 0))
        return;
    s->exact = *domain != '*';
    (void)snprintf(s->ret->name, sizeof(s->ret->name), "%s", name);
    s->ret->enabled = status && strcmp(status, "ENABLED") == 0;
    s->ret->may_override = json_get_bool(authorizer, "allowAuthorizerOverride", false);
    copy(s->ret->authorizer, sizeof(s->ret->authorizer), authorizer, "defaultAuthorizerName", "");
    copy(s->ret->authentication, sizeof(s->ret->authentication), content, "authenticationType", "DEFAULT");
    copy(s->ret->protocol, sizeof(s->ret->protocol), content, "applicationProtocol", "DEFAULT");
}

err_t domain_of(struct db *db, const struct cloud_env *env, const char *server_name, struct domain *ret)
{
    struct domain found = { .name = "" };
    struct search s = { .server_name = server_name, .ret = &found };
    err_t e = *server_name && strcasecmp(server_name, env->host) != 0 ? walk(db, look, &s) : ERR_OK;

    if (!e)
        *ret = found;
    return e;
}

/* ---- whom it lets in ---- */

/* What a way is called in a configuration; the other protocol is a WebSocket's. */
static const struct {
    const char *authentication, *protocol, *or_protocol;
} ways[] = {
    [DOMAIN_MQTT_CERT] = { "AWS_X509", "SECURE_MQTT", "" },
    [DOMAIN_HTTPS_CERT] = { "AWS_X509", "HTTPS", "" },
    [DOMAIN_MQTT_AUTHORIZER] = { "CUSTOM_AUTH", "SECURE_MQTT", "" },
    [DOMAIN_HTTP_AUTHORIZER] = { "CUSTOM_AUTH", "MQTT_WSS", "HTTPS" },
};

static bool one_of(const char *configured, const char *a, const char *b)
{
    return strcmp(configured, "DEFAULT") == 0 || strcmp(configured, a) == 0 || strcmp(configured, b) == 0;
}

bool domain_admits(const struct domain *d, enum domain_way way, char why[DOMAIN_WHY_MAX])
{
    if (!d->name[0])
        return true;
    if (!d->enabled)
        (void)snprintf(why, DOMAIN_WHY_MAX,
                       "domain configuration %s is DISABLED: enable it, or use another name", d->name);
    else if (!one_of(d->authentication, ways[way].authentication, ""))
        (void)snprintf(why, DOMAIN_WHY_MAX,
                       "domain configuration %s has authenticationType %s: %s is not let in", d->name,
                       d->authentication, ways[way].authentication);
    else if (!one_of(d->protocol, ways[way].protocol, ways[way].or_protocol))
        (void)snprintf(why, DOMAIN_WHY_MAX,
                       "domain configuration %s has applicationProtocol %s: %s is not let in", d->name,
                       d->protocol, ways[way].protocol);
    else
        return true;
    return false;
}

bool domain_authorizer(const struct domain *d, const char *wanted, const char **ret, char why[DOMAIN_WHY_MAX])
{
    *ret = wanted ? wanted : d->authorizer[0] ? d->authorizer : NULL;
    if (!d->authorizer[0] || d->may_override || strcmp(*ret, d->authorizer) == 0)
        return true;
    (void)snprintf(why, DOMAIN_WHY_MAX, "domain configuration %s allows no other authorizer than its own",
                   d->name);
    return false;
}

/* ---- uses ---- */

struct count {
    const char *domain, *service;
    int64_t n;
};

static void count_same(void *ctx, const char *name, const json_t *content)
{
    struct count *k = ctx;
    const char *domain = json_get_str(content, "domainName"), *service = json_get_str(content, "serviceType");

    (void)name;
    if (domain && strcasecmp(domain, k->domain) == 0 && service && strcmp(service, k->service) == 0)
        k->n++;
}

err_t domain_count(struct db *db, const char *domain, const char *service, int64_t *ret)
{
    struct count k = { domain, service, 0 };
    err_t e = walk(db, count_same, &k);

    if (!e)
        *ret = k.n;
    return e;
}

struct use {
    const char *authorizer;
    bool found;
};

static void use_of(void *ctx, const char *name, const json_t *content)
{
    struct use *u = ctx;
    const char *its = json_get_str(json_get_obj(content, "authorizerConfig"), "defaultAuthorizerName");

    (void)name;
    u->found = u->found || (its && strcmp(its, u->authorizer) == 0);
}

err_t domains_use_authorizer(struct api_call *c, const char *authorizer, bool *ret)
{
    struct use u = { .authorizer = authorizer };
    err_t e = walk(c->db, use_of, &u);

    *ret = u.found;
    return e;
}
