/* src/cloud/registry/expected.h - optimistic versions: iot-core reference 4.3 to 4.5. */
#pragma once
#include "cloud/api/call.h"

/* The expectedVersion of query or body, where there is one, must be the object's `version`. `what` is what
 * the service calls it: "thing". VersionConflictException; InvalidRequestException for what is no number. */
err_t expected_version(struct api_call *c, const char *what, const char *name, int64_t version);
