/* sedgectl doctor: config.json, and what the other checks take from it. */
#include "base/file.h"
#include "cli/doctor.h"
#include "crypto/cert.h"
#include "se/conf.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_FILE_MAX = 256 * 1024, CONFIG_DEPTH = 16, PIN_MAX = 256, MQTT_PORT = 8883, PORT_MAX = 65535 };

#define DEFAULT_ROOT "/greengrass"
#define MODULE_NAME "libsss_pkcs11.so"

/* Ours lies beside the program: PREFIX/bin and PREFIX/lib. */
static char *own_module(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    for (int up = 0; n > 0 && up < 2; up++) {
        path[n] = '\0';
        char *slash = strrchr(path, '/');
        n = slash ? slash - path : 0;
    }
    if (n <= 0)
        return mem_strdup("/usr/local/lib/" MODULE_NAME);
    path[n] = '\0';
    return mem_printf("%s/lib/" MODULE_NAME, path);
}

static const json_t *principal(const struct doctor *d)
{
    return json_get_obj(json_get_obj(json_get_obj(d->config, "crypto"), "principals"), "IoTCertificate");
}

/* A file:// URI of the crypto object, or a name below ROOT/certs of coreThing. */
static char *file_named(const struct doctor *d, const char *uri, const char *legacy)
{
    const char *path = uri ? crypto_file_path(uri) : NULL;
    const char *name = json_get_str(json_get_obj(d->config, "coreThing"), legacy);

    if (path)
        return mem_strdup(path);
    return !uri && name ? mem_printf("%s/certs/%s", d->root ? d->root : DEFAULT_ROOT, name) : NULL;
}

static char *key_uri(const struct doctor *d)
{
    const char *uri = json_get_str(principal(d), "privateKeyPath");
    autofree char *path = NULL;

    if (d->key)
        return mem_printf("pkcs11:object=%s;type=private", d->key);
    if (uri)
        return mem_strdup(uri);
    path = file_named(d, NULL, "keyPath");
    return path ? mem_printf("file://%s", path) : NULL;
}

static char *text_or(const char *first, const char *second)
{
    return first || second ? mem_strdup(first ? first : second) : NULL;
}

static void take_paths(struct doctor *d)
{
    const json_t *crypto = json_get_obj(d->config, "crypto"), *token = json_get_obj(crypto, "PKCS11"),
                 *core = json_get_obj(d->config, "coreThing");
    int64_t port = json_get_int(core, "iotMqttPort", MQTT_PORT);

    d->module_path = text_or(d->module, json_get_str(token, "P11Provider"));
    if (!d->module_path)
        d->module_path = own_module();
    d->token_label = text_or(d->label, json_get_str(token, "slotLabel"));
    d->key_uri = key_uri(d);
    d->cert_path = d->cert ? mem_strdup(d->cert)
                           : file_named(d, json_get_str(principal(d), "certificatePath"), "certPath");
    d->ca_path = file_named(d, json_get_str(crypto, "caPath"), "caPath");
    d->host = text_or(json_get_str(core, "iotHost"), NULL);
    d->mqtt_port = port > 0 && port <= PORT_MAX ? (unsigned)port : MQTT_PORT;
}

/* ---- the PIN ---- */

static err_t keep_pin(struct doctor *d, const char *text)
{
    return secret_new(slice_str(text), &d->pin);
}

static err_t pin_from_file(struct doctor *d)
{
    autobuf text = BUF_SECRET(PIN_MAX);
    err_t e = file_read_private(d->pin_file, &text);

    if (e)
        return e;
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        buf_cut(&text, text.n - 1);
    return secret_new(buf_slice(&text), &d->pin);
}

static err_t take_pin(struct doctor *d)
{
    const char *pin = json_get_str(json_get_obj(json_get_obj(d->config, "crypto"), "PKCS11"), "slotUserPin");
    char text[PIN_MAX];
    err_t e;

    if (d->pin_file)
        return pin_from_file(d);
    if (pin)
        return keep_pin(d, pin);
    e = se_conf_value("pin", text, sizeof(text));
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    e = keep_pin(d, text);
    mem_wipe(text, sizeof(text));
    return e;
}

/* ---- the check ---- */

/* False: a finding was left. */
static bool load(struct doctor *d, struct doctor_finding *f)
{
    autofree char *path = mem_printf("%s/config/config.json", d->root ? d->root : DEFAULT_ROOT);
    autobuf text = BUF_SECRET(CONFIG_FILE_MAX);
    struct json_where where;
    err_t e = path ? file_read(path, &text) : ERR_NOMEM;

    if (e == ERR_NOT_FOUND && !d->root) {
        doctor_skip(f, "there is no %s: checks go by options and defaults", path);
        return true;
    }
    if (e) {
        doctor_fail(f, "name the core's root with --root, or run as its user", "cannot read %s: %s",
                    path ? path : "", err_str(e));
        return false;
    }
    if (json_parse(buf_slice(&text), CONFIG_DEPTH, &d->config, &where)) {
        doctor_fail(f, "correct the file", "%s: line %d, column %d: %s", path, where.line, where.column,
                    where.text);
        return false;
    }
    doctor_ok(f, "%s was read", path);
    return true;
}

void doctor_config(struct doctor *d, struct doctor_finding *f)
{
    bool good = load(d, f);
    err_t e;

    take_paths(d);
    e = take_pin(d);
    if (good && e)
        doctor_fail(f, "the file must belong to you and be closed to others (chmod 600)",
                    "cannot read the PIN from %s: %s", d->pin_file ? d->pin_file : se_conf_path(),
                    err_str(e));
}
