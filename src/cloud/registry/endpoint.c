#include "cloud/registry/handlers.h"

#include "base/mem.h"

/* The host only: no scheme, port or path (iot-core trap 27). All types live on one host here. */
err_t endpoint_describe(struct api_call *c)
{
    static const char *const types[] = { "iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs" };
    const char *type = api_param(c, "endpointType");

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!type || strcmp(type, types[i]) == 0)
            return api_reply(c, json_pack("{s:s}", "endpointAddress", c->env->host));
    }
    return api_fail(c, API_INVALID_REQUEST, "Endpoint type %.60s is not valid", type);
}
