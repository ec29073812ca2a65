#include "cloud/options.h"

#include "base/mem.h"
#include "broker/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_usage[] =
    "usage: sedge-cloud serve --data DIR [--host NAME,...] [--account ID,...] [--region R]\n"
    "                   [--mqtt ADDR:PORT] [--https ADDR:PORT] [--api ADDR:PORT] [--db URL] "
    "[--ca-key URI] [--signing-key URI] [--profile aws|standard] [--limit NAME=N,...]\n"
    "                   [--plain-mqtt ADDR:PORT] [--threads N] [--tls-resumption on|off] [--insecure-dev]\n"
    "       sedge-cloud keys create|list|delete ... (sedge-cloud keys --help)\n"
    "       sedge-cloud status --data DIR [--json]\n"
    "       sedge-cloud backup|restore --data DIR FILE\n"
    "       sedge-cloud --help | --version\n"
    "\n"
    "  --data DIR          all state; made at the first start, mode 0700\n"
    "  --host NAME,...     names in the server certificate; the first is what DescribeEndpoint tells "
    "(localhost)\n"
    "  --account ID,...    twelve digits each (123456789012); every account has its own database, keys and\n"
    "                      endpoint ID.NAME, the first is the default\n"
    "  --region R          region of the device gateway's policies and of ARNs without another (us-east-1)\n"
    "  --mqtt ADDR:PORT    MQTT over mutual TLS (127.0.0.1:8883); port 0 takes a free one\n"
    "  --https ADDR:PORT   device HTTPS over mutual TLS (127.0.0.1:8443)\n"
    "  --api ADDR:PORT     control plane (127.0.0.1:4566): plain HTTP on loopback, TLS elsewhere\n"
    "  --db URL            postgresql://... instead of DIR/sedge.db; the password belongs in libpq's "
    "passfile\n"
    "  --ca-key URI        the device CA's key, --signing-key URI that of deployments (files in DIR/pki, "
    "made\n"
    "                      at the first start): file:///PATH or, in a token,\n"
    "                      pkcs11:token=T;object=K;type=private?module-path=/M.so&pin-source=/FILE\n"
    "  --profile P         aws: AWS IoT's MQTT and limits; standard: all of MQTT, QoS 2 included (aws)\n"
    "  --limit NAME=N,...  another value for a limit of the profile (sedge-cloud(8) lists them)\n"
    "  --plain-mqtt ADDR:PORT  MQTT without TLS, certificate or policy, for development; refused unless\n"
    "                      every listener is on loopback\n"
    "  --threads N         event loops, each with a thread; default: one for each CPU it may use\n"
    "  --tls-resumption on|off  may devices resume TLS sessions; their certificate's state is looked up in "
    "any\n"
    "                      case (profile standard: on, aws: off)\n"
    "  --insecure-dev      believe any access key; refused unless every listener is on loopback\n"
    "\n"
    "The first start writes DIR/admin-credentials. Use it with the AWS CLI:\n"
    "  export AWS_SHARED_CREDENTIALS_FILE=DIR/admin-credentials AWS_DEFAULT_REGION=us-east-1\n"
    "  aws --endpoint-url http://127.0.0.1:4566 iot list-things\n";

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    { "--data", offsetof(struct options, data) },
    { "--host", offsetof(struct options, host) },
    { "--account", offsetof(struct options, account) },
    { "--region", offsetof(struct options, region) },
    { "--mqtt", offsetof(struct options, mqtt) },
    { "--https", offsetof(struct options, https) },
    { "--api", offsetof(struct options, api) },
    { "--db", offsetof(struct options, db) },
    { "--ca-key", offsetof(struct options, ca_key) },
    { "--signing-key", offsetof(struct options, signing_key) },
    { "--profile", offsetof(struct options, profile) },
    { "--limit", offsetof(struct options, limits) },
    { "--plain-mqtt", offsetof(struct options, plain_mqtt) },
    { "--threads", offsetof(struct options, threads_text) },
    { "--tls-resumption", offsetof(struct options, tls_resumption) },
};

static const char **find(struct options *o, const char *name, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strlen(texts[i].name) == n && strncmp(texts[i].name, name, n) == 0)
            return (const char **)(void *)((char *)o + texts[i].offset);
    }
    return NULL;
}

static bool region_ok(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n < 64 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

bool account_id_ok(const char *s)
{
    return strlen(s) == ACCOUNT_ID_MAX - 1 && strspn(s, "0123456789") == ACCOUNT_ID_MAX - 1;
}

static bool take_account(struct options *o, const char *id, size_t n)
{
    char *at;

    if (o->n_accounts == ACCOUNTS_MAX || n != ACCOUNT_ID_MAX - 1)
        return false;
    at = o->accounts[o->n_accounts];
    (void)snprintf(at, ACCOUNT_ID_MAX, "%.*s", (int)n, id);
    for (size_t i = 0; i < o->n_accounts; i++) {
        if (strcmp(o->accounts[i], at) == 0)
            return false;
    }
    o->n_accounts++;
    return account_id_ok(at);
}

static bool take_accounts(struct options *o)
{
    for (const char *p = o->account; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        if (!take_account(o, p, strcspn(p, ",")))
            return false;
    }
    return true;
}

static bool take_resumption(struct options *o)
{
    const char *given = o->tls_resumption;

    o->resumption = strcmp(given ? given : o->profile, given ? "on" : "standard") == 0;
    return !given || o->resumption || strcmp(given, "off") == 0;
}

/* What is wrong is left in *ret_bad. */
static bool limits_ok(const struct options *o, struct slice *ret_bad)
{
    struct broker_config c;

    broker_config_aws(&c);
    return broker_config_set(&c, o->limits, ret_bad) == ERR_OK;
}

static err_t check(struct options *o, char *why, size_t why_n)
{
    struct slice bad = { 0 };

    if (!o->data || !*o->data)
        (void)snprintf(why, why_n, "--data DIR is required");
    else if (!take_accounts(o))
        (void)snprintf(why, why_n, "--account %s: one to %u different accounts of twelve digits each",
                       o->account, ACCOUNTS_MAX);
    else if (!region_ok(o->region))
        (void)snprintf(why, why_n, "--region %s: not a region's name", o->region);
    else if (strcmp(o->profile, "aws") != 0 && strcmp(o->profile, "standard") != 0)
        (void)snprintf(why, why_n, "--profile %s: there are aws and standard", o->profile);
    else if (!limits_ok(o, &bad))
        (void)snprintf(why, why_n,
                       "--limit %.*s: not a limit's name with a number it takes (see sedge-cloud(8))",
                       SLICE_FMT(bad));
    else if (!take_resumption(o))
        (void)snprintf(why, why_n, "--tls-resumption %s: on or off", o->tls_resumption);
    else
        return ERR_OK;
    return ERR_INVALID;
}

static err_t read_threads(struct options *o, char *why, size_t why_n)
{
    char *end;
    unsigned long n;

    if (!o->threads_text)
        return ERR_OK;
    n = strtoul(o->threads_text, &end, 10);
    if (strspn(o->threads_text, "0123456789") == 0 || *end || n < 1 || n > 64) {
        (void)snprintf(why, why_n, "--threads %s: a number from 1 to 64", o->threads_text);
        return ERR_INVALID;
    }
    o->threads = (unsigned)n;
    return ERR_OK;
}

err_t options_parse(int argc, char *const *argv, int from, struct options *ret, char *why, size_t why_n)
{
    struct options o = { .host = "localhost",
                         .account = "123456789012",
                         .region = "us-east-1",
                         .mqtt = "127.0.0.1:8883",
                         .https = "127.0.0.1:8443",
                         .api = "127.0.0.1:4566",
                         .profile = "aws" };
    err_t e;

    for (int i = from; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        const char **value = find(&o, argv[i], n);
        if (strcmp(argv[i], "--insecure-dev") == 0) {
            o.insecure_dev = true;
        } else if (value && argv[i][n] == '=') {
            *value = argv[i] + n + 1;
        } else if (value && i + 1 < argc) {
            *value = argv[++i];
        } else {
            (void)snprintf(why, why_n, "%s %s (see sedge-cloud --help)", argv[i],
                           value ? "needs a value" : "is no option");
            return ERR_INVALID;
        }
    }
    if ((e = check(&o, why, why_n)) || (e = read_threads(&o, why, why_n)))
        return e;
    *ret = o;
    return ERR_OK;
}
