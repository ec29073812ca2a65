/* src/cloud/registry/domains.h - what other resources ask about domain configurations. On the database
 * thread. */
#pragma once
#include "cloud/api/call.h"

/* Is this authorizer the default one of a domain configuration? */
err_t domains_use_authorizer(struct api_call *c, const char *authorizer, bool *ret);
