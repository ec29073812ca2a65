/* src/cloud/auth/permission.h - may the holder of this access key do this? IAM-style policies of keys.
 *
 * Runs on the database thread as a call's `authorize`; spec: docs/spec/cloud.md CL-125..127.
 */
#pragma once
#include "cloud/api/call.h"

/* By c->caller.policy: AccessDeniedException (data plane: ForbiddenException) with the service's message. */
err_t permission_check(struct api_call *c);
