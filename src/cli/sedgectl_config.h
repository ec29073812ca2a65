/* src/cli/sedgectl_config.h - the config.json of a new core, as the V1 console wrote it. Pure. */
#pragma once
#include "base/buf.h"

struct core_config {
    const char *hash; /* first ten characters of the certificate id: names the files */
    const char *thing_arn;
    const char *iot_host, *gg_host;
    unsigned mqtt_port, https_port; /* written only when not 8883 and 8443 */
};

/* Append the JSON text, members in the published order. ERR_NOMEM, ERR_TOO_BIG. */
err_t core_config_write(const struct core_config *c, struct buf *out);
