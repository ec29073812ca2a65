/* src/cloud/registry/policyrow.h - what the operations on policies share. On the database thread. */
#pragma once
#include "cloud/api/call.h"

/* ResourceNotFoundException when there is no such policy. */
err_t policy_require(struct api_call *c, const char *name);
/* Must parse as a policy: InvalidRequestException (missing), MalformedPolicyException. */
err_t policy_check_document(struct api_call *c, const char *text);
/* Store a version's text. Errors of db_run. */
err_t policy_add_version(struct api_call *c, const char *name, int64_t version, const char *document);
