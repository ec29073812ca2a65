/* src/cloud/gateway/authorization.h - asking about policies without connecting: TestAuthorization and
 * GetEffectivePolicies. On the database thread; see api/call.h for how handlers run.
 *
 * They load and judge with the code the gateway uses (facts.h, evaluate.h). Spec: iot-core reference 3.6,
 * CL-26.
 */
#pragma once
#include "cloud/api/call.h"

err_t authorization_test(struct api_call *c);
err_t authorization_effective(struct api_call *c);
