/* src/cloud/shadows/handlers.h - the REST operations on shadows. See api/call.h for how handlers run. */
#pragma once
#include "cloud/api/call.h"

err_t shadow_get(struct api_call *c);
err_t shadow_update(struct api_call *c);
err_t shadow_delete(struct api_call *c);
err_t shadow_list_named(struct api_call *c);
