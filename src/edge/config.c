/* src/edge/config.c - one table of members, one walk over the document. */
#include "edge/config_impl.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#define MAX_DEPTH 16
#define PORT_MAX 65535
/* Seconds that fit in milliseconds in 31 bits: a value above is a typing error. */
#define INT_CEILING 2147483

enum field_type {
    F_TEXT,     /* char *, not empty */
    F_ABS_PATH, /* char *, starts with / */
    F_FILE_URI, /* char *, the path of a file:// URI */
    F_KEY_URI,  /* struct keyref */
    F_SECRET,   /* struct secret * */
    F_INT,      /* int64_t within min..max */
    F_BOOL,     /* bool from true/false */
    F_YES_NO,   /* bool from "yes"/"no" */
};

struct field {
    const char *path; /* dots between members */
    enum field_type type;
    size_t offset;
    int32_t min, max, def; /* F_INT; for F_TEXT max is the longest length, 0 = no limit of its own */
    bool required;
};

#define AT(member) offsetof(struct config, member)

/* V1.11's members with the guide's ranges. The cloud's ports are 8883/8443/443 there; any port is taken here,
 * so that one machine can hold core and cloud. */
static const struct field fields[] = {
    { "coreThing.caPath", F_TEXT, AT(ca_path), 0, 0, 0, false },
    { "coreThing.certPath", F_TEXT, AT(cert_path), 0, 0, 0, false },
    { "coreThing.keyPath", F_TEXT, AT(key_path), 0, 0, 0, false },
    { "coreThing.thingArn", F_TEXT, AT(thing_arn), 0, 2048, 0, true },
    { "coreThing.iotHost", F_TEXT, AT(iot_host), 0, 253, 0, true },
    { "coreThing.ggHost", F_TEXT, AT(gg_host), 0, 253, 0, true },
    { "coreThing.iotMqttPort", F_INT, AT(iot_mqtt_port), 1, PORT_MAX, 8883, false },
    { "coreThing.iotHttpPort", F_INT, AT(iot_http_port), 1, PORT_MAX, 8443, false },
    { "coreThing.ggHttpPort", F_INT, AT(gg_http_port), 1, PORT_MAX, 8443, false },
    { "coreThing.ggMqttPort", F_INT, AT(gg_mqtt_port), 1024, PORT_MAX, 8883, false },
    { "coreThing.ggDaemonPort", F_INT, AT(gg_daemon_port), 1024, PORT_MAX, 8000, false },
    { "coreThing.keepAlive", F_INT, AT(keep_alive_s), 30, 1200, 600, false },
    { "coreThing.mqttOperationTimeout", F_INT, AT(mqtt_operation_timeout_s), 5, INT_CEILING, 5, false },
    { "coreThing.systemComponentAuthTimeout", F_INT, AT(component_auth_timeout_ms), 500, 5000, 5000, false },
    { "coreThing.coreClientId", F_TEXT, AT(client_id), 0, 128, 0, false },
    { "coreThing.networkProxy.noProxyAddresses", F_TEXT, AT(no_proxy), 0, 0, 0, false },
    { "coreThing.networkProxy.proxy.url", F_TEXT, AT(proxy_url), 0, 0, 0, false },
    { "coreThing.networkProxy.proxy.username", F_TEXT, AT(proxy_user), 0, 0, 0, false },
    { "coreThing.networkProxy.proxy.password", F_SECRET, AT(proxy_password), 0, 0, 0, false },
    { "runtime.maxWorkItemCount", F_INT, AT(max_work_items), 1, INT32_MAX, 1024, false },
    { "runtime.maxConcurrentLimit", F_INT, AT(max_concurrent), 1, INT32_MAX, 25, false },
    { "runtime.lruSize", F_INT, AT(lru_size), 1, INT32_MAX, 25, false },
    { "runtime.postStartHealthCheckTimeout", F_INT, AT(health_check_timeout_ms), 1, INT32_MAX, 30000, false },
    { "runtime.mountAllBlockDevices", F_YES_NO, AT(mount_block_devices), 0, 0, 0, false },
    { "runtime.allowFunctionsToRunAsRoot", F_YES_NO, AT(allow_root_functions), 0, 0, 0, false },
    { "runtime.cgroup.useSystemd", F_YES_NO, AT(cgroup_systemd), 0, 0, 0, false },
    { "crypto.caPath", F_FILE_URI, AT(ca_file), 0, 0, 0, false },
    { "crypto.PKCS11.P11Provider", F_ABS_PATH, AT(p11_module), 0, 0, 0, false },
    { "crypto.PKCS11.slotLabel", F_TEXT, AT(slot_label), 0, 32, 0, false },
    { "crypto.PKCS11.slotUserPin", F_SECRET, AT(pin), 0, 0, 0, false },
    { "crypto.PKCS11.OpenSSLEngine", F_ABS_PATH, AT(openssl_engine), 0, 0, 0, false },
    { "crypto.principals.IoTCertificate.privateKeyPath", F_KEY_URI, AT(iot_key), 0, 0, 0, false },
    { "crypto.principals.IoTCertificate.certificatePath", F_FILE_URI, AT(cert_file), 0, 0, 0, false },
    { "crypto.principals.MQTTServerCertificate.privateKeyPath", F_KEY_URI, AT(mqtt_key), 0, 0, 0, false },
    { "crypto.principals.SecretsManager.privateKeyPath", F_KEY_URI, AT(secret_key), 0, 0, 0, false },
    { "managedRespawn", F_BOOL, AT(managed_respawn), 0, 0, 0, false },
    { "writeDirectory", F_ABS_PATH, AT(write_dir), 0, 0, 0, false },
    { "pidFileDirectory", F_ABS_PATH, AT(pid_dir), 0, 0, 0, false },
    { "mqttMaxConnectionRetryInterval", F_INT, AT(max_retry_interval_s), 1, INT_CEILING, 60, false },
    { "system.shadowSyncTimeout", F_INT, AT(shadow_sync_timeout_s), 1, INT_CEILING, 5, false },
    { "system.useOverlayWithTmpfs", F_BOOL, AT(overlay_tmpfs), 0, 0, 0, false },
};

/* ---- one member ---- */

static void *member(struct parse *p, const struct field *f)
{
    return (char *)p->c + f->offset;
}

static err_t need_string(struct parse *p, const struct field *f, const json_t *v)
{
    if (!json_is_string(v) || json_string_length(v) == 0 ||
        strlen(json_string_value(v)) != json_string_length(v))
        return bad(p, "%s: %s must be a string that is not empty", p->file, f->path);
    if (f->max && json_string_length(v) > (size_t)f->max)
        return bad(p, "%s: %s is %zu characters long, at most %lld are allowed", p->file, f->path,
                   json_string_length(v), (long long)f->max);
    return ERR_OK;
}

static err_t take_text(struct parse *p, const struct field *f, const json_t *v)
{
    err_t e = need_string(p, f, v);
    char *copy = e ? NULL : mem_strdup(json_string_value(v));

    if (e)
        return e;
    if (!copy)
        return ERR_NOMEM;
    *(char **)member(p, f) = copy;
    return ERR_OK;
}

static err_t take_abs_path(struct parse *p, const struct field *f, const json_t *v)
{
    err_t e = need_string(p, f, v);

    if (e)
        return e;
    if (json_string_value(v)[0] != '/')
        return bad(p, "%s: %s must be an absolute path, starting with a slash", p->file, f->path);
    return take_text(p, f, v);
}

static err_t take_file_uri(struct parse *p, const struct field *f, const json_t *v)
{
    err_t e = need_string(p, f, v);

    return e ? e : keyref_file_path(json_string_value(v), f->path, member(p, f), p->why);
}

static err_t take_key_uri(struct parse *p, const struct field *f, const json_t *v)
{
    err_t e = need_string(p, f, v);

    return e ? e : keyref_parse(json_string_value(v), f->path, member(p, f), p->why);
}

static err_t take_secret(struct parse *p, const struct field *f, const json_t *v)
{
    err_t e = need_string(p, f, v);

    return e ? e : secret_new(slice_str(json_string_value(v)), member(p, f));
}

static err_t take_int(struct parse *p, const struct field *f, const json_t *v)
{
    if (!json_is_integer(v))
        return bad(p, "%s: %s must be a whole number, without quotes", p->file, f->path);
    if (json_integer_value(v) < f->min || json_integer_value(v) > f->max)
        return bad(p, "%s: %s is %lld, it must be between %lld and %lld", p->file, f->path,
                   (long long)json_integer_value(v), (long long)f->min, (long long)f->max);
    *(int64_t *)member(p, f) = json_integer_value(v);
    return ERR_OK;
}

static err_t take_bool(struct parse *p, const struct field *f, const json_t *v)
{
    if (!json_is_boolean(v))
        return bad(p, "%s: %s must be true or false, without quotes", p->file, f->path);
    *(bool *)member(p, f) = json_is_true(v);
    return ERR_OK;
}

static err_t take_yes_no(struct parse *p, const struct field *f, const json_t *v)
{
    const char *s = json_string_value(v);

    if (!s || (strcmp(s, "yes") != 0 && strcmp(s, "no") != 0))
        return bad(p, "%s: %s must be \"yes\" or \"no\"", p->file, f->path);
    *(bool *)member(p, f) = strcmp(s, "yes") == 0;
    return ERR_OK;
}

static err_t (*const takers[])(struct parse *, const struct field *, const json_t *) = {
    [F_TEXT] = take_text,       [F_ABS_PATH] = take_abs_path, [F_FILE_URI] = take_file_uri,
    [F_KEY_URI] = take_key_uri, [F_SECRET] = take_secret,     [F_INT] = take_int,
    [F_BOOL] = take_bool,       [F_YES_NO] = take_yes_no,
};

/* ---- the walk ---- */

static const struct field *find_field(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].path, path) == 0)
            return &fields[i];
    return NULL;
}

/* Is `path` an object on the way to a member we know? */
static bool is_parent(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strncmp(fields[i].path, path, n) == 0 && fields[i].path[n] == '.')
            return true;
    return false;
}

static err_t walk(struct parse *p, json_t *object, const char *prefix);

/* cgroup.useSystemd is "yes"/"no" in the guide, and true/false in files that worked. */
static bool legacy_bool(const struct field *f, const json_t *v)
{
    return f->type == F_YES_NO && json_is_boolean(v);
}

static err_t walk_member(struct parse *p, const char *path, json_t *v)
{
    const struct field *f = find_field(path);

    if (f && legacy_bool(f, v))
        return take_bool(p, f, v);
    if (f)
        return takers[f->type](p, f, v);
    if (is_parent(path)) {
        if (!json_is_object(v))
            return bad(p, "%s: %s must be an object { ... }", p->file, path);
        return walk(p, v, path); /* depth is capped by json_parse */
    }
    config_warn(p->c, mem_printf("%s: the member %.200s is not one of Greengrass 1.11's and is ignored",
                                 p->file, path));
    return ERR_OK;
}

static err_t walk(struct parse *p, json_t *object, const char *prefix)
{
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v)
    {
        autofree char *path = mem_printf("%s%s%s", prefix, *prefix ? "." : "", key);
        err_t e = path ? walk_member(p, path, v) : ERR_NOMEM;
        if (e)
            return e;
    }
    return ERR_OK;
}

/* ---- before and after the walk ---- */

static void set_defaults(struct config *c)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].type == F_INT)
            *(int64_t *)((char *)c + fields[i].offset) = fields[i].def;
}

static err_t check_required(struct parse *p)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].required && !*(char **)member(p, &fields[i]))
            return bad(p, "%s: %s is missing", p->file, fields[i].path);
    return ERR_OK;
}

/* ---- the whole ---- */

err_t config_parse(struct slice text, const char *path, const char *root, struct config **ret,
                   struct problem *why)
{
    auto_json *doc = NULL;
    auto_config *c = mem_calloc(1, sizeof(*c));
    struct json_where at = { 0 };
    struct parse p = { c, why, path, root };
    err_t e;

    if (!c)
        return problem_set(why, ERR_NOMEM, "Failed to parse %s: out of memory", path);
    e = json_parse(text, MAX_DEPTH, &doc, &at);
    if (e)
        return problem_set(why, e == ERR_NOMEM ? e : ERR_INVALID,
                           "Failed to parse %s: line %d, column %d: %s", path, at.line, at.column, at.text);
    if (!json_is_object(doc))
        return problem_set(why, ERR_INVALID, "Failed to parse %s: it must hold one object { ... }", path);
    set_defaults(c);
    c->has_crypto = json_object_get(doc, "crypto") != NULL;
    e = walk(&p, doc, "");
    e = e ? e : check_required(&p);
    e = e ? e : config_apply_rules(&p);
    if (e == ERR_NOMEM)
        return problem_set(why, e, "Failed to parse %s: out of memory", path);
    if (e)
        return e;
    *ret = steal(&c);
    return ERR_OK;
}

static const struct {
    err_t e;
    const char *what;
} read_failures[] = {
    { ERR_NOT_FOUND,
      "there is no such file: unpack the core's setup archive into the root, or name the root with --root" },
    { ERR_DENIED, "it may not be read by this user: start the core as the file's owner or as root" },
    { ERR_TOO_BIG, "it is larger than 256 KiB, which no config.json is" },
    { ERR_INVALID, "it is not a regular file" },
};

/* The PIN is in the file. V1 installations have it readable at times, so this is a warning and no refusal. */
static void warn_if_open(struct config *c, const char *path)
{
    struct stat st;

    if (c->pin && stat(path, &st) == 0 && (st.st_mode & 077))
        config_warn(c, mem_printf("%s holds slotUserPin and is open to others: chmod 600 it", path));
}

err_t config_load(const char *root, struct config **ret, struct problem *why)
{
    autofree char *path = mem_printf("%s/config/config.json", root);
    autobuf text = BUF_SECRET(CONFIG_MAX_BYTES); /* it holds the PIN */
    err_t e = path ? file_read(path, &text) : ERR_NOMEM;

    for (size_t i = 0; i < ARRAY_LEN(read_failures); i++)
        if (e == read_failures[i].e)
            return problem_set(why, e, "Failed to parse %s: %s", path, read_failures[i].what);
    if (e)
        return problem_set(why, e, "Failed to parse %s/config/config.json: %s (%s)", root, err_str(e),
                           strerror(errno));
    e = config_parse(buf_slice(&text), path, root, ret, why);
    if (!e)
        warn_if_open(*ret, path);
    return e;
}

static void free_strings(struct config *c)
{
    char *all[] = { c->ca_path,    c->cert_path,  c->key_path,       c->thing_arn,  c->iot_host,
                    c->gg_host,    c->client_id,  c->proxy_url,      c->proxy_user, c->no_proxy,
                    c->p11_module, c->slot_label, c->openssl_engine, c->ca_file,    c->cert_file,
                    c->write_dir,  c->pid_dir,    c->thing_name,     c->region,     c->account,
                    c->partition };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    for (size_t i = 0; i < c->warning_count; i++)
        free(c->warnings[i]);
}

void config_free(struct config *c)
{
    if (!c)
        return;
    free_strings(c);
    secret_free(c->pin);
    secret_free(c->proxy_password);
    keyref_done(&c->iot_key);
    keyref_done(&c->mqtt_key);
    keyref_done(&c->secret_key);
    free(c);
}

void config_free_ptr(struct config **c)
{
    config_free(*c);
}
