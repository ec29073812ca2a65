/* src/cloud/greengrass/functions.h - the functions of a definition: names of the core's own ones, and the
 * check of what a user writes about one.
 *
 * Pure; any thread. Spec: greengrass-v1 reference 4.1, 4.6, 7.3.
 */
#pragma once
#include "base/json.h"

#define GG_EXECUTABLE "arn:aws:greengrass:::runtime/function/executable"
#define GG_CONTAINER "GreengrassContainer"
#define GG_NO_CONTAINER "NoContainer"
#define GG_SPOOLER "arn:aws:lambda:::function:GGCloudSpooler:1"

/* Does the ARN name a function of the core itself? Their code is not ours to send. */
bool gg_is_system_function(const char *arn);

/* The isolation mode of a function (an entity of a definition) in a definition with these defaults. */
const char *gg_isolation(const json_t *entity, const json_t *defaults);

/* NULL, or what is wrong with the entity; `detail` is room for it. */
#define GG_DETAIL_MAX 320u
const char *gg_function_wrong(const json_t *entity, const json_t *defaults, char detail[GG_DETAIL_MAX]);
/* The same for DefaultConfig. */
const char *gg_defaults_wrong(const json_t *defaults, char detail[GG_DETAIL_MAX]);
