/* sedgectl enrol: the command line. */
#include "base/file.h"
#include "cli/enrol.h"
#include "net/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIN_MAX 64u

const char enrol_usage[] =
    "usage: sedgectl enrol --cloud HOST[:MQTT[:HTTPS]] --ca FILE --pin-file FILE [OPTION...] WAY\n"
    "\n"
    "Makes a key in the chip, has a certificate issued for it, and writes config.json and certs below the "
    "core's\n"
    "root. The private key never leaves the chip. Run again after a failure it goes on where it was.\n"
    "\n"
    "By claim:\n"
    "  --template NAME --claim-cert FILE --claim-key FILE [--parameter NAME=VALUE]...\n"
    "By a CA of your own:\n"
    "  --thing NAME --write-csr FILE     write the signing request, and no more\n"
    "  --thing NAME --certificate FILE   go on with what the CA signed (it must be registered in the cloud)\n"
    "\n"
    "  --cloud HOST[:MQTT[:HTTPS]]  the device ports, default 8883 and 8443\n"
    "  --ca FILE         the cloud's root certificate (PEM)\n"
    "  --root DIR        the core's folder, default /greengrass\n"
    "  --module FILE     the PKCS#11 module, default /usr/local/lib/libsss_pkcs11.so\n"
    "  --slot LABEL      its token, default SSS_PKCS11\n"
    "  --pin-file FILE   the user PIN, its first line; mode 0600\n"
    "  --key LABEL       the key in the token, default sss:20181001; made unless it is there\n"
    "  --key-type TYPE   ec (P-256, default) or rsa (2048)\n"
    "  --account ID      twelve digits of the thing's ARN, default 123456789012\n"
    "  --region R        of the same, default us-east-1\n";

static err_t take(struct enrol *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **to;
    } options[] = { { "--root", &o->root },           { "--module", &o->module },
                    { "--slot", &o->slot },           { "--pin-file", &o->pin_file },
                    { "--key", &o->key_label },       { "--key-type", &o->key_type },
                    { "--cloud", &o->cloud },         { "--ca", &o->ca_file },
                    { "--account", &o->account },     { "--region", &o->region },
                    { "--template", &o->template },   { "--claim-cert", &o->claim_cert },
                    { "--claim-key", &o->claim_key }, { "--thing", &o->thing },
                    { "--write-csr", &o->write_csr }, { "--certificate", &o->certificate } };

    if (strcmp(name, "--parameter") == 0) {
        if (!value || !strchr(value, '=') || o->n_parameters == ENROL_PARAMETERS_MAX)
            return ENROL_FAIL(o, ERR_INVALID, "--parameter needs NAME=VALUE, %u at most",
                              ENROL_PARAMETERS_MAX);
        o->parameters[o->n_parameters++] = value;
        return ERR_OK;
    }
    for (size_t k = 0; k < ARRAY_LEN(options); k++) {
        if (strcmp(options[k].name, name) != 0)
            continue;
        *options[k].to = value;
        return value ? ERR_OK : ENROL_FAIL(o, ERR_INVALID, "%s needs a value", name);
    }
    return ENROL_FAIL(o, ERR_INVALID, "%s is no option", name);
}

static err_t check_way(struct enrol *o)
{
    bool claim = o->template && o->claim_cert && o->claim_key;
    bool own = o->thing && (o->write_csr || o->certificate);

    if (claim == own || (o->write_csr && o->certificate) || (claim && o->thing) ||
        (own && (o->template || o->claim_cert || o->claim_key || o->n_parameters)))
        return ENROL_FAIL(o, ERR_INVALID,
                          "either --template, --claim-cert and --claim-key, or --thing with --write-csr or "
                          "--certificate");
    if (!o->pin_file || (!o->write_csr && (!o->cloud || !o->ca_file)))
        return ENROL_FAIL(o, ERR_INVALID, "--pin-file, --cloud and --ca are required");
    if (strcmp(o->key_type, "ec") != 0 && strcmp(o->key_type, "rsa") != 0)
        return ENROL_FAIL(o, ERR_INVALID, "--key-type is ec or rsa");
    if (strlen(o->account) != 12 || strspn(o->account, "0123456789") != 12)
        return ENROL_FAIL(o, ERR_INVALID, "--account has twelve digits");
    return ERR_OK;
}

static bool port_of(const char *text, uint16_t *ret)
{
    char *end;
    long n = strtol(text, &end, 10);

    *ret = (uint16_t)n;
    return end != text && (*end == 0 || *end == ':') && n > 0 && n < 65536;
}

/* HOST, HOST:PORT or HOST:PORT:PORT; a numeric IPv6 address in brackets. */
static err_t split_cloud(struct enrol *o)
{
    const char *text = o->cloud, *close = *text == '[' ? strchr(text, ']') : NULL;
    const char *colon = strchr(close ? close : text, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
    size_t n = colon ? (size_t)(colon - text) : strlen(text);

    o->mqtt_port = 8883;
    o->https_port = 8443;
    if (close) {
        text++;
        n = (size_t)(close - text);
    }
    if (n == 0 || n >= sizeof(o->host) || (colon && !port_of(colon + 1, &o->mqtt_port)) ||
        (second && !port_of(second + 1, &o->https_port)))
        return ENROL_FAIL(o, ERR_INVALID, "--cloud %.200s: HOST, HOST:PORT or HOST:PORT:PORT", o->cloud);
    memcpy(o->host, text, n);
    o->host[n] = 0;
    return ERR_OK;
}

static err_t read_pin(struct enrol *o)
{
    autobuf text = BUF_SECRET(PIN_MAX);
    err_t e = file_read_private(o->pin_file, &text);

    if (e)
        return ENROL_FAIL(o, e, "%s cannot be read: %s%s", o->pin_file, err_str(e),
                          e == ERR_DENIED ? " (chmod 600)" : "");
    return secret_new(slice_of(text.p, strcspn(buf_str(&text), "\r\n")), &o->pin);
}

/* Relative paths do not belong into config.json. */
static err_t make_root(struct enrol *o)
{
    err_t e = file_mkdirs(o->root, 0700);

    if (e)
        return ENROL_FAIL(o, e, "%s cannot be made: %s", o->root, err_str(e));
    if (!realpath(o->root, o->root_path))
        return ENROL_FAIL(o, ERR_IO, "%s: %s", o->root, strerror(errno));
    return ERR_OK;
}

err_t enrol_options(struct enrol *o, int argc, char **argv)
{
    err_t e = ERR_OK;

    *o = (struct enrol){ .root = "/greengrass",
                         .module = "/usr/local/lib/libsss_pkcs11.so",
                         .slot = "SSS_PKCS11",
                         .key_label = "sss:20181001",
                         .key_type = "ec",
                         .account = "123456789012",
                         .region = "us-east-1" };
    for (int i = 1; i < argc && !e; i += 2)
        e = take(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
    if (e || (e = check_way(o)) || (o->cloud && (e = split_cloud(o))))
        return e;
    if (snprintf(o->key_uri, sizeof(o->key_uri), "pkcs11:object=%s;type=private", o->key_label) >=
        (int)sizeof(o->key_uri))
        return ENROL_FAIL(o, ERR_INVALID, "--key is too long");
    if (strcspn(o->key_label, ";?%&#/ ") != strlen(o->key_label))
        return ENROL_FAIL(o, ERR_INVALID, "--key %.60s: no ; ? %% & # / or blanks", o->key_label);
    if ((e = read_pin(o)))
        return e == ERR_NOMEM ? e : ERR_INVALID;
    return make_root(o) ? ERR_INVALID : ERR_OK;
}
