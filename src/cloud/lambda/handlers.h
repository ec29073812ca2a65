/* src/cloud/lambda/handlers.h - the part of AWS Lambda's API that a Greengrass V1 fleet is managed with: code
 * packages, versions and aliases, a handler each. How handlers run: api/call.h.
 *
 * Nothing is run here: what a group version refers to is sent to its core. Spec: docs/spec/lambda.md.
 */
#pragma once
#include "cloud/api/call.h"

err_t function_create(struct api_call *c);
err_t function_get(struct api_call *c);
err_t function_get_configuration(struct api_call *c);
err_t function_update_code(struct api_call *c);
err_t function_update_configuration(struct api_call *c);
err_t function_delete(struct api_call *c);
err_t function_list(struct api_call *c);

err_t function_version_publish(struct api_call *c);
err_t function_version_list(struct api_call *c);

err_t function_alias_create(struct api_call *c);
err_t function_alias_get(struct api_call *c);
err_t function_alias_update(struct api_call *c);
err_t function_alias_delete(struct api_call *c);
err_t function_alias_list(struct api_call *c);
