/* src/cloud/greengrass/build.h - carry a deployment from Building to InProgress: put its documents together,
 * sign and store them, and tell the core by the desired state of CORE-gda. On the database thread.
 *
 * All in one transaction: a process that dies on the way finds the deployment still Building and does it
 * again.
 */
#pragma once
#include "cloud/api/call.h"

/* A handler (api/call.h) whose parameter "deploymentId" names a deployment. One that is no longer Building is
 * left alone. When it cannot be built its status becomes Failure, with the reason. */
err_t deployment_build(struct api_call *c);

/* A handler that asks for every deployment still Building to be built: at start. */
err_t deployment_resume(struct api_call *c);

/* The core's name from its thing ARN (borrowed), NULL when it is none of this account. */
const char *gg_core_name(const struct cloud_env *env, const char *thing_arn);
