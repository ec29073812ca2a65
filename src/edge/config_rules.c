/* src/edge/config_rules.c - config.json: the rules between members. */
#include "base/mem.h"
#include "edge/config_impl.h"

#include <stdio.h>

void config_warn(struct config *c, char *text)
{
    if (text && c->warning_count < CONFIG_MAX_WARNINGS)
        c->warnings[c->warning_count++] = text;
    else
        free(text);
}

/* arn:PARTITION:iot:REGION:ACCOUNT:thing/NAME. Region and partition of everything else come from here. */
static err_t split_arn(struct parse *p)
{
    struct config *c = p->c;
    char partition[32], region[64], account[32], name[129];
    int used = 0;

    if (sscanf(c->thing_arn, "arn:%31[^:]:iot:%63[^:]:%31[0-9]:thing/%128[a-zA-Z0-9:_-]%n", partition, region,
               account, name, &used) != 4 ||
        c->thing_arn[used] != '\0')
        return bad(p, "%s: coreThing.thingArn must look like arn:aws:iot:REGION:ACCOUNT:thing/NAME", p->file);
    c->partition = mem_strdup(partition);
    c->region = mem_strdup(region);
    c->account = mem_strdup(account);
    c->thing_name = mem_strdup(name);
    if (!c->client_id)
        c->client_id = mem_strdup(name);
    return c->partition && c->region && c->account && c->thing_name && c->client_id ? ERR_OK : ERR_NOMEM;
}

static err_t check_proxy(struct parse *p)
{
    const char *url = p->c->proxy_url;

    if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return bad(p, "%s: coreThing.networkProxy.proxy.url must be http(s)://[user:password@]host[:port]",
                   p->file);
    if (url)
        config_warn(
            p->c,
            mem_printf("%s: coreThing.networkProxy: this release connects directly, not through the proxy",
                       p->file));
    return ERR_OK;
}

static err_t check_limits(struct parse *p)
{
    if (p->c->max_concurrent < p->c->lru_size)
        return bad(p, "%s: runtime.maxConcurrentLimit (%lld) must not be below runtime.lruSize (%lld)",
                   p->file, (long long)p->c->max_concurrent, (long long)p->c->lru_size);
    return ERR_OK;
}

bool config_uses_token(const struct config *c)
{
    return c->iot_key.kind == KEYREF_TOKEN || c->mqtt_key.kind == KEYREF_TOKEN ||
           c->secret_key.kind == KEYREF_TOKEN;
}

static err_t check_token_uri(struct parse *p, const struct keyref *k, const char *principal)
{
    if (k->warning)
        config_warn(
            p->c, mem_printf("%s: crypto.principals.%s.privateKeyPath: %s", p->file, principal, k->warning));
    if (k->kind == KEYREF_TOKEN && k->token && strcmp(k->token, p->c->slot_label) != 0)
        return bad(p,
                   "%s: crypto.principals.%s.privateKeyPath names the token %.64s, crypto.PKCS11.slotLabel "
                   "is %s: all keys are in one slot",
                   p->file, principal, k->token, p->c->slot_label);
    return ERR_OK;
}

static err_t check_token(struct parse *p)
{
    struct config *c = p->c;
    err_t e;

    if (!config_uses_token(c))
        return ERR_OK;
    if (!c->p11_module || !c->slot_label)
        return bad(p, "%s: a privateKeyPath is a pkcs11: URI, so crypto.PKCS11.%s is needed", p->file,
                   c->p11_module ? "slotLabel (the token's label)"
                                 : "P11Provider (the absolute path of the PKCS#11 module)");
    if (!c->pin && !c->iot_key.pin)
        return bad(p, "%s: a privateKeyPath is a pkcs11: URI, so crypto.PKCS11.slotUserPin is needed",
                   p->file);
    e = check_token_uri(p, &c->iot_key, "IoTCertificate");
    e = e ? e : check_token_uri(p, &c->mqtt_key, "MQTTServerCertificate");
    return e ? e : check_token_uri(p, &c->secret_key, "SecretsManager");
}

static err_t check_crypto(struct parse *p)
{
    struct config *c = p->c;

    if (!c->ca_file)
        return bad(p, "%s: crypto.caPath is missing", p->file);
    if (!c->cert_file)
        return bad(p, "%s: crypto.principals.IoTCertificate.certificatePath is missing", p->file);
    if (c->iot_key.kind == KEYREF_NONE)
        return bad(p, "%s: crypto.principals.IoTCertificate.privateKeyPath is missing", p->file);
    return check_token(p);
}

static char *below_certs(const struct parse *p, const char *name)
{
    return name[0] == '/' ? mem_strdup(name) : mem_printf("%s/certs/%s", p->root, name);
}

/* Without a crypto object the three names of core software before 1.7 are used. */
static err_t legacy_paths(struct parse *p)
{
    struct config *c = p->c;
    autofree char *key = c->key_path ? below_certs(p, c->key_path) : NULL;

    if (!c->ca_path || !c->cert_path || !c->key_path)
        return bad(p,
                   "%s: The configuration file is missing the CaPath, CertPath or KeyPath: give "
                   "coreThing.caPath, certPath and keyPath, or a crypto object",
                   p->file);
    c->ca_file = below_certs(p, c->ca_path);
    c->cert_file = below_certs(p, c->cert_path);
    return c->ca_file && c->cert_file && key ? keyref_from_path(key, &c->iot_key) : ERR_NOMEM;
}

static err_t set_write_dir(struct parse *p)
{
    struct config *c = p->c;

    c->has_write_dir = c->write_dir != NULL;
    if (!c->write_dir)
        c->write_dir = mem_printf("%s/ggc", p->root);
    return c->write_dir ? ERR_OK : ERR_NOMEM;
}

static err_t (*const rules[])(struct parse *) = { split_arn, check_proxy, check_limits, set_write_dir };

err_t config_apply_rules(struct parse *p)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        err_t e = rules[i](p);
        if (e)
            return e;
    }
    return p->c->has_crypto ? check_crypto(p) : legacy_paths(p);
}
