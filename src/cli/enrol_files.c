/* sedgectl enrol: what it leaves below the core's root, and what it keeps there until it is done. */
#include "base/file.h"
#include "cli/enrol.h"
#include "cli/sedgectl_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATE_MAX 65536u
#define STATE "certs/enrol.json"

char *enrol_path(const struct enrol *o, const char *name)
{
    return mem_printf("%s/%s", o->root_path, name);
}

static err_t write_file(struct enrol *o, const char *name, struct slice bytes, mode_t mode)
{
    autofree char *path = enrol_path(o, name);
    autofree char *folder = path ? mem_str(slice_of(path, (size_t)(strrchr(path, '/') - path))) : NULL;
    err_t e;

    if (!folder)
        return ERR_NOMEM;
    if ((e = file_mkdirs(folder, 0700)) || (e = file_write_durable(path, bytes, mode)))
        return ENROL_FAIL(o, e, "cannot write %s: %s", path, err_str(e));
    return ERR_OK;
}

err_t enrol_take_certificate(struct enrol *o, struct slice pem, const char *where)
{
    auto_x509 X509 *cert = NULL;
    struct crypto_error why = { .text = "" };
    char id[CRYPTO_SHA256_HEX];
    err_t e;

    if ((e = crypto_cert_parse_pem(o->crypto, pem, &cert, &why)))
        return ENROL_FAIL(o, e, "%s: %.800s", where, why.text);
    if (crypto_cert_matches_key(cert, o->key, &why))
        return ENROL_FAIL(o, ERR_CONFLICT, "%s: the certificate is not of the key %s in the token: %.600s",
                          where, o->key_label, why.text);
    if ((e = crypto_cert_id(o->crypto, cert, id)))
        return e;
    (void)snprintf(o->hash, sizeof(o->hash), "%.10s", id);
    X509_free(o->cert);
    o->cert = steal(&cert);
    return ERR_OK;
}

/* ---- between the steps ---- */

err_t enrol_state_drop(struct enrol *o)
{
    autofree char *path = enrol_path(o, STATE);

    if (!path)
        return ERR_NOMEM;
    return unlink(path) == 0 || errno == ENOENT
               ? ERR_OK
               : ENROL_FAIL(o, ERR_IO, "cannot delete %s: %s", path, strerror(errno));
}

err_t enrol_state_write(struct enrol *o, const json_t *state)
{
    autobuf text = BUF_SECRET(STATE_MAX);
    err_t e = json_write(&text, state, 2);

    return e ? e : write_file(o, STATE, buf_slice(&text), 0600);
}

err_t enrol_state_read(struct enrol *o, json_t **ret)
{
    autofree char *path = enrol_path(o, STATE);
    autobuf text = BUF_SECRET(STATE_MAX);
    auto_json *state = NULL;
    const char *pem;
    err_t e = path ? file_read_private(path, &text) : ERR_NOMEM;

    if (e == ERR_NOT_FOUND || e == ERR_NOMEM)
        return e;
    if (e)
        return ENROL_FAIL(o, e, "%s cannot be read: %s", path, err_str(e));
    if (json_parse(buf_slice(&text), 4, &state, NULL) || !(pem = json_get_str(state, "certificatePem")) ||
        enrol_take_certificate(o, slice_str(pem), path)) {
        o->why[0] = 0; /* of another key, or broken: begin anew */
        e = enrol_state_drop(o);
        return e ? e : ERR_NOT_FOUND;
    }
    *ret = steal(&state);
    return ERR_OK;
}

/* ---- what stays ---- */

static err_t write_config(struct enrol *o)
{
    autofree char *pin = mem_str(secret_expose_bytes(o->pin));
    autofree char *arn =
        mem_printf("arn:aws:iot:%s:%s:thing/%s", o->region, o->account, o->thing_name ? o->thing_name : "");
    autobuf text = BUF_SECRET(STATE_MAX);
    err_t e = ERR_NOMEM;

    if (pin && arn) {
        const struct core_token_config c = {
            .core = { o->hash, arn, o->host, o->host, o->mqtt_port, o->https_port },
            .root = o->root_path,
            .module = o->module,
            .slot_label = o->slot,
            .pin = pin,
            .key_uri = o->key_uri,
        };
        e = core_config_write_token(&c, &text);
    }
    if (pin)
        mem_wipe(pin, strlen(pin));
    return e ? e : write_file(o, "config/config.json", buf_slice(&text), 0600);
}

static err_t copy_ca(struct enrol *o)
{
    autobuf text = BUF_INIT(STATE_MAX);
    err_t e = file_read(o->ca_file, &text);

    if (e)
        return ENROL_FAIL(o, e, "%s cannot be read: %s", o->ca_file, err_str(e));
    return write_file(o, "certs/root.ca.pem", buf_slice(&text), 0644);
}

static err_t write_certificate(struct enrol *o)
{
    autobuf pem = BUF_INIT(CRYPTO_CERT_MAX);
    char name[64];
    err_t e = crypto_cert_pem(o->cert, &pem);

    (void)snprintf(name, sizeof(name), "certs/%s.cert.pem", o->hash);
    return e ? e : write_file(o, name, buf_slice(&pem), 0644);
}

/* config.json last: who finds it finds what it names. */
err_t enrol_install(struct enrol *o)
{
    err_t e;

    if ((e = write_certificate(o)) || (e = copy_ca(o)) || (e = write_config(o)))
        return e;
    return enrol_state_drop(o);
}

static bool config_names(const struct enrol *o, const json_t *config, char path[PATH_MAX])
{
    const json_t *crypto = json_get_obj(config, "crypto");
    const json_t *own = json_get_obj(json_get_obj(crypto, "principals"), "IoTCertificate");
    const char *key = json_get_str(own, "privateKeyPath"), *cert = json_get_str(own, "certificatePath");

    if (!key || !cert || strcmp(key, o->key_uri) != 0 || strncmp(cert, "file://", 7) != 0)
        return false;
    (void)snprintf(path, PATH_MAX, "%s", cert + 7);
    return true;
}

bool enrol_is_installed(struct enrol *o)
{
    autofree char *path = enrol_path(o, "config/config.json"), *state = enrol_path(o, STATE);
    autobuf text = BUF_SECRET(STATE_MAX), pem = BUF_INIT(CRYPTO_CERT_MAX);
    auto_json *config = NULL;
    char cert[PATH_MAX];
    const char *arn, *name;

    if (!path || !state || access(state, F_OK) == 0 || file_read(path, &text) ||
        json_parse(buf_slice(&text), 8, &config, NULL) || !config_names(o, config, cert) ||
        file_read(cert, &pem) || enrol_take_certificate(o, buf_slice(&pem), cert)) {
        o->why[0] = 0;
        return false;
    }
    arn = json_get_str(json_get_obj(config, "coreThing"), "thingArn");
    name = arn ? strstr(arn, ":thing/") : NULL;
    free(o->thing_name);
    o->thing_name = mem_strdup(name ? name + strlen(":thing/") : "");
    return o->thing_name != NULL;
}
