/* src/cloud/greengrass/handlers.h - Greengrass V1 groups: control plane and the cores' data plane, a handler
 * each.
 *
 * Spec: greengrass-v1 reference 3 and 7, docs/spec/edge-cloud.md EC-5, EC-9, EC-14. How handlers run:
 * api/call.h.
 */
#pragma once
#include "cloud/api/call.h"

/* One implementation for the seven kinds of definitions: see kinds.h. */
err_t definition_create(struct api_call *c);
err_t definition_list(struct api_call *c);
err_t definition_get(struct api_call *c);
err_t definition_version_create(struct api_call *c);
err_t definition_version_get(struct api_call *c);

err_t group_create(struct api_call *c);
err_t group_list(struct api_call *c);
err_t group_get(struct api_call *c);
err_t group_version_create(struct api_call *c);
err_t group_version_get(struct api_call *c);

err_t deployment_create(struct api_call *c);
err_t deployment_list(struct api_call *c);
err_t deployment_status(struct api_call *c);

/* For cores, on the device port. */
err_t core_document(struct api_call *c);
err_t core_artifact(struct api_call *c);
err_t core_status(struct api_call *c);
