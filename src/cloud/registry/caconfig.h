/* src/cloud/registry/caconfig.h - what becomes of the devices of a CA: its registrationConfig, {templateBody,
 * roleArn} or {templateName}. On the database thread. Spec: iot-core reference 2.3.
 */
#pragma once
#include "cloud/api/call.h"

/* The request's registrationConfig, checked: a new object, NULL when there is none. InvalidRequestException,
 * ResourceNotFoundException (no such template). */
err_t ca_config_read(struct api_call *c, json_t **ret);
/* config NULL: none from now on. */
err_t ca_config_store(struct api_call *c, const char *ca_id, const json_t *config);
/* *ret NULL when the CA has none. */
err_t ca_config_load(struct db *db, const char *ca_id, json_t **ret);
