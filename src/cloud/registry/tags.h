/* src/cloud/registry/tags.h - the tags of resources, by the kind and name of their ARN. On the database
 * thread.
 *
 * Spec: iot-core reference 4.2 (limits).
 */
#pragma once
#include "cloud/api/call.h"

/* Give a resource that was just created the `tags` of the request's body. InvalidRequestException,
 * LimitExceededException. */
err_t tags_of_creation(struct api_call *c, const char *kind, const char *name);
/* The resource is gone. */
err_t tags_drop(struct api_call *c, const char *kind, const char *name);
