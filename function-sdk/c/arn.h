/* function-sdk/c/arn.h - ARNs of functions: arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER].
 * Pure. */
#pragma once
#include <stdbool.h>

/* Also with empty region and account, as the core's own functions have; safe to be part of an HTTP request
 * line. */
bool arn_valid(const char *arn);
/* Its qualifier; NULL: it has none. `arn` is valid. */
const char *arn_qualifier(const char *arn);
/* What may stand behind the last colon: a version, an alias. */
bool arn_qualifier_valid(const char *qualifier);
