/* src/cloud/policy/condition.h - the Condition block of a policy statement.
 *
 * Pure; any thread once parsed. Operators are a table; each may carry `IfExists` and a `ForAllValues:` or
 * `ForAnyValue:` prefix. Keys and operators are ANDed, the values of one key ORed; for the negated operators
 * none of the values may match (AWS IAM user guide, "Condition operators").
 */
#pragma once
#include "base/err.h"
#include "cloud/policy/pattern.h"

#include <jansson.h>

struct condition_op; /* a row of the operator table */

enum condition_set { SET_NONE, SET_ALL, SET_ANY };

struct condition {
    const struct condition_op *op;
    enum condition_set set;
    bool if_exists;
    char *key;
    struct pattern *values;
    size_t n;
};

struct conditions {
    struct condition *c;
    size_t n, cap;
};

void conditions_done(struct conditions *cs);

/* Parse the value of "Condition". ERR_INVALID: unknown operator, wrong types; `why` (of `why_n` bytes) says
 * which. *ret untouched then. */
err_t conditions_parse(const json_t *j, struct conditions *ret, char *why, size_t why_n);

/* Do all of them hold for this request? No conditions: true. A negated operator whose value names a variable
 * that the request does not have cannot be answered: then the condition holds for a Deny and not for an Allow
 * (CL-25). */
bool conditions_hold(const struct conditions *cs, const struct policy_vars *vars, bool deny);
