/* src/cli/sedgectl_config.h - the config.json of a new core, as the V1 console wrote it. Pure. */
#pragma once
#include "base/buf.h"

struct core_config {
    const char *hash; /* first ten characters of the certificate id: names the files */
    const char *thing_arn;
    const char *iot_host, *gg_host;
    unsigned mqtt_port, https_port; /* written only when not 8883 and 8443 */
};

/* A core whose key is in a token, and whose folder is not /greengrass. */
struct core_token_config {
    struct core_config core;
    const char *root;                      /* absolute */
    const char *module, *slot_label, *pin; /* crypto.PKCS11 */
    const char *key_uri;                   /* pkcs11:object=...;type=private */
};

/* The same as the published walk prints it for a key in a token. */
err_t core_config_write_token(const struct core_token_config *c, struct buf *out);
/* Append the JSON text, members in the published order. ERR_NOMEM, ERR_TOO_BIG. */
err_t core_config_write(const struct core_config *c, struct buf *out);
