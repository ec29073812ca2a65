/* src/cloud/registry/names.h - names and ARNs of the registry: check, build, take apart. Pure; any thread.
 *
 * Spec: iot-core reference 4.2.
 */
#pragma once
#include "cloud/api/call.h"

#define CERT_ID_LEN 64u
#define ARN_MAX 512u

bool name_thing_ok(const char *s);  /* [a-zA-Z0-9:_-]{1,128} */
bool name_policy_ok(const char *s); /* [\w+=,.@-]{1,128} */
bool name_alias_ok(const char *s);  /* [\w=,@-]{1,128}: role aliases, authorizers */
bool name_cert_ok(const char *s);   /* 64 lower-case hex */

/* The label or an InvalidRequestException that says which pattern it must satisfy. */
err_t name_thing(struct api_call *c, const char *param, const char **ret);
err_t name_policy(struct api_call *c, const char *param, const char **ret);
err_t name_alias(struct api_call *c, const char *param, const char **ret);
err_t name_cert(struct api_call *c, const char *param, const char **ret);

/* The same for a query parameter that may be absent: *ret NULL then. */
err_t name_thing_optional(struct api_call *c, const char *param, const char **ret);

/* arn:aws:iot:REGION:ACCOUNT:KIND/NAME with the request's region. ret has ARN_MAX bytes. */
const char *arn_iot(const struct api_call *c, const char *kind, const char *name, char ret[ARN_MAX]);

/* The NAME of arn:PARTITION:iot:REGION:ACCOUNT:KIND/NAME of this account, borrowed from `arn`; NULL for
 * anything else. */
const char *arn_name(const struct cloud_env *env, const char *arn, const char *kind);

/* A thing's or group's name, its ARN (of `kind`), or both if they agree: two members of the body.
 * InvalidRequestException. */
err_t name_or_arn(struct api_call *c, const char *name_member, const char *arn_member, const char *kind,
                  const char **ret);
