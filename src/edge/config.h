/* src/edge/config.h - ROOT/config/config.json as Greengrass V1.11 defines it.
 *
 * config_parse is pure; config_load reads the file. One thread at a time per object.
 * Spec: Greengrass V1 developer guide, "AWS IoT Greengrass core configuration file" and "Hardware security
 * integration".
 */
#pragma once
#include "base/secret.h"
#include "base/slice.h"
#include "edge/keyref.h"
#include "edge/problem.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_MAX_BYTES (256 * 1024)
#define CONFIG_MAX_WARNINGS 16

struct config {
    /* coreThing */
    char *ca_path, *cert_path, *key_path; /* names below ROOT/certs; used without a crypto object only */
    char *thing_arn;
    char *iot_host, *gg_host;
    int64_t iot_mqtt_port, iot_http_port, gg_http_port, gg_mqtt_port, gg_daemon_port;
    int64_t keep_alive_s, mqtt_operation_timeout_s, component_auth_timeout_ms;
    char *client_id; /* coreClientId, or the thing's name */
    char *proxy_url, *proxy_user, *no_proxy;
    struct secret *proxy_password;
    /* runtime */
    int64_t max_work_items, max_concurrent, lru_size, health_check_timeout_ms;
    bool mount_block_devices, allow_root_functions, cgroup_systemd;
    /* crypto */
    bool has_crypto;
    char *p11_module, *slot_label, *openssl_engine;
    struct secret *pin;
    char *ca_file, *cert_file; /* absolute, from crypto or from the legacy names */
    struct keyref iot_key, mqtt_key,
        secret_key; /* MQTTServerCertificate and SecretsManager: KEYREF_NONE when absent */
    /* top level */
    bool managed_respawn, overlay_tmpfs;
    char *write_dir; /* absolute; ROOT/ggc when not given */
    bool has_write_dir;
    char *pid_dir; /* NULL when not given */
    int64_t max_retry_interval_s, shadow_sync_timeout_s;
    /* taken from thingArn */
    char *thing_name, *region, *account, *partition;
    /* what was tolerated: unknown members and attributes, one sentence each */
    char *warnings[CONFIG_MAX_WARNINGS];
    size_t warning_count;
};

/* Heap object; NULL is fine. Wipes the PIN and passwords. */
void config_free(struct config *c);
void config_free_ptr(struct config **c);
#define auto_config __attribute__((cleanup(config_free_ptr))) struct config

/* Parse `text`. `path` names the file in messages, `root` is the Greengrass root (absolute).
 * ERR_INVALID with *why filled: broken JSON (file, line, column, what was left open), a required member
 * missing, wrong type, value out of range. ERR_NOMEM. */
err_t config_parse(struct slice text, const char *path, const char *root, struct config **ret,
                   struct problem *why);

/* Read and parse ROOT/config/config.json. Also ERR_NOT_FOUND, ERR_DENIED, ERR_IO, ERR_TOO_BIG with *why
 * filled. */
err_t config_load(const char *root, struct config **ret, struct problem *why);

/* A key in a token is configured: crypto.PKCS11 matters. */
bool config_uses_token(const struct config *c);
