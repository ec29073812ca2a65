/* src/cloud/registry/attributes.h - attribute maps of things and groups: read from a request, checked,
 * merged. Pure. Spec: iot-core reference 4.2, 4.3.
 */
#pragma once
#include "cloud/api/call.h"

#define ATTRIBUTE_VALUE_ROOM 808u /* a value of 800 characters and what stands behind it */

/* {"attributes": {...}, "merge": true} of a request. */
struct attribute_change {
    json_t *set; /* owned; an empty text removes the attribute */
    bool merge;  /* otherwise `set` is the whole map from now on */
};

void attribute_change_done(struct attribute_change *a);
#define auto_attribute_change __attribute__((cleanup(attribute_change_done))) struct attribute_change

/* `payload` may be NULL (nothing is set). InvalidRequestException for names and values that are not allowed.
 */
err_t attribute_change_read(struct api_call *c, const json_t *payload, struct attribute_change *ret);
/* What `have` (NULL: nothing) becomes: a new object without empty values. ERR_NOMEM. */
err_t attribute_change_apply(const struct attribute_change *a, const json_t *have, json_t **ret);
