/* function-sdk/c/settings.h - what the core told this process in its environment. Read once by
 * gg_global_init, any thread afterwards. Spec: greengrass-v1 4.3. */
#pragma once
#include "greengrasssdk.h"

#include <stdbool.h>

struct settings {
    bool ready; /* gg_global_init was called and succeeded */
    int port;
    const char *token; /* with its scheme word, sent as it is */
    const char *function_arn, *shadow_arn, *router_arn, *secrets_arn; /* the last three NULL when not said */
};

const struct settings *settings_get(void);
