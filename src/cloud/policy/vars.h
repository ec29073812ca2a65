/* src/cloud/policy/vars.h - the facts of one request that a policy may name: `${iot:ClientId}` and friends.
 *
 * Pure; one thread at a time per set. Names are compared without case, as condition keys are.
 * Spec: docs/spec/cloud.md CL-20..24 (AWS IoT developer guide, "Policy variables").
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#define POLICY_VALUES_MAX 5u /* values of one certificate attribute that count */
#define POLICY_VALUE_LEN_MAX 1024u
#define POLICY_VARS_MAX 128u

struct policy_var {
    char *name;
    char *values[POLICY_VALUES_MAX];
    size_t n;
};

struct policy_vars {
    struct policy_var *v;
    size_t n, cap;
};

#define auto_policy_vars __attribute__((cleanup(policy_vars_done))) struct policy_vars
void policy_vars_done(struct policy_vars *vars);

/* Add a value (a further one when the name is there already). Values past the fifth are dropped, as the
 * service does. Copies. ERR_NOMEM, ERR_TOO_BIG over POLICY_VARS_MAX names. */
err_t policy_vars_add(struct policy_vars *vars, const char *name, struct slice value);

/* The same for a value taken from a certificate: over 1024 characters or with one of `* $ + ? #` it is
 * not substituted (left out here: the variable is missing, so no statement matches by it), and
 * `, " \ + = < > ;` are written with a backslash (iot-core trap 8). */
err_t policy_vars_add_cert(struct policy_vars *vars, const char *name, struct slice value);

/* The variable's first value; with the suffix `.1` the second one (counting starts at zero). NULL if missing.
 * Borrowed from vars. */
const char *policy_vars_first(const struct policy_vars *vars, struct slice name);

/* All values, for conditions: of `name` or `name.List`, or the one that `name.N` means.
 * Returns their number and sets *ret to the first of them. Borrowed from vars. */
size_t policy_vars_all(const struct policy_vars *vars, struct slice name, char *const **ret);
