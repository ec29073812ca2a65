#include "cli/sedgectl_config.h"

#include "base/json.h"

#define CERTS "file:///greengrass/certs/"

static json_t *core_thing(const struct core_config *c)
{
    json_t *j = json_pack("{s:s,s:s++,s:s++,s:s,s:s,s:s}", "caPath", "root.ca.pem", "certPath", c->hash,
                          ".cert", ".pem", "keyPath", c->hash, ".private", ".key", "thingArn", c->thing_arn,
                          "iotHost", c->iot_host, "ggHost", c->gg_host);

    if (j && c->mqtt_port != 8883)
        (void)json_object_set_new(j, "iotMqttPort", json_integer(c->mqtt_port));
    if (j && c->https_port != 8443) {
        (void)json_object_set_new(j, "iotHttpPort", json_integer(c->https_port));
        (void)json_object_set_new(j, "ggHttpPort", json_integer(c->https_port));
    }
    if (j)
        (void)json_object_set_new(j, "keepAlive", json_integer(600));
    return j;
}

static json_t *crypto(const struct core_config *c)
{
    return json_pack("{s:{s:{s:s++},s:{s:s++,s:s++}},s:s}", "principals", "SecretsManager", "privateKeyPath",
                     CERTS, c->hash, ".private.key", "IoTCertificate", "privateKeyPath", CERTS, c->hash,
                     ".private.key", "certificatePath", CERTS, c->hash, ".cert.pem", "caPath",
                     CERTS "root.ca.pem");
}

/* keyPath stays what the published file has: nobody reads it where crypto names a key. */
static json_t *token_crypto(const struct core_token_config *c)
{
    return json_pack("{s:{s:s,s:s,s:s},s:{s:{s:s},s:{s:s,s:s++++},s:{s:s}},s:s++}", "PKCS11", "P11Provider",
                     c->module, "slotLabel", c->slot_label, "slotUserPin", c->pin, "principals",
                     "SecretsManager", "privateKeyPath", c->key_uri, "IoTCertificate", "privateKeyPath",
                     c->key_uri, "certificatePath", "file://", c->root, "/certs/", c->core.hash, ".cert.pem",
                     "MQTTServerCertificate", "privateKeyPath", c->key_uri, "caPath", "file://", c->root,
                     "/certs/root.ca.pem");
}

err_t core_config_write_token(const struct core_token_config *c, struct buf *out)
{
    auto_json *j = json_pack("{s:o,s:{s:{s:s}},s:b,s:o}", "coreThing", core_thing(&c->core), "runtime",
                             "cgroup", "useSystemd", "yes", "managedRespawn", 0, "crypto", token_crypto(c));
    err_t e = j ? json_write(out, j, 2) : ERR_NOMEM;

    return e ? e : buf_add_u8(out, '\n');
}

err_t core_config_write(const struct core_config *c, struct buf *out)
{
    auto_json *j = json_pack("{s:o,s:{s:{s:s}},s:b,s:o}", "coreThing", core_thing(c), "runtime", "cgroup",
                             "useSystemd", "yes", "managedRespawn", 0, "crypto", crypto(c));
    err_t e;

    if (!j)
        return ERR_NOMEM;
    if ((e = json_write(out, j, 2)))
        return e;
    return buf_add_u8(out, '\n');
}
