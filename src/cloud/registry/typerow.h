/* src/cloud/registry/typerow.h - what things need to know of thing types. On the database thread. */
#pragma once
#include "cloud/api/call.h"

#define TYPE_NAME_MAX 128u

/* May a thing get this type? ResourceNotFoundException, or InvalidRequestException when it is deprecated. */
err_t type_require_usable(struct api_call *c, const char *name);
