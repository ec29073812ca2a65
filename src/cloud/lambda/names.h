/* src/cloud/lambda/names.h - names, ARNs and errors of the Lambda API. Pure; any thread.
 *
 * Spec: docs/spec/lambda.md LA-1..4.
 */
#pragma once
#include "cloud/api/call.h"
#include "cloud/registry/names.h"

#define FUNCTION_NAME_MAX 64u
#define FUNCTION_QUALIFIER_MAX 128u
#define FUNCTION_LATEST "$LATEST"

struct function_name {
    char name[FUNCTION_NAME_MAX + 1];
    char qualifier[FUNCTION_QUALIFIER_MAX + 1]; /* a version, an alias, $LATEST; "" when none was given */
};

/* Take a name apart: NAME, NAME:QUALIFIER, ACCOUNT:function:NAME... or the whole ARN. ERR_INVALID: none of
 * these, or another account's. */
err_t function_name_parse(const struct cloud_env *env, const char *text, struct function_name *ret);
/* The function a request is about: the label FunctionName and the query's Qualifier, which must not
 * contradict. InvalidParameterValueException. */
err_t function_name_of(struct api_call *c, struct function_name *ret);

bool function_alias_ok(const char *s);   /* [a-zA-Z0-9-_]{1,128}, not only digits */
bool function_version_ok(const char *s); /* a number from 1, at most 9 digits */

/* arn:aws:lambda:REGION:ACCOUNT:function:NAME, with :QUALIFIER unless that is "". */
const char *function_arn(const struct api_call *c, const char *name, const char *qualifier,
                         char ret[ARN_MAX]);

/* Lambda's errors have a Type besides the message. Never ERR_OK. */
#define function_fail(c, e, ...) (api_note((c), (e), __VA_ARGS__), function_fail_type(c))
err_t function_fail_type(struct api_call *c); /* ERR_INVALID */
err_t function_not_found(struct api_call *c, const char *name, const char *qualifier);
/* What the shared tables of members call an InvalidRequestException is named otherwise here. */
err_t function_rename_error(struct api_call *c, err_t e);
