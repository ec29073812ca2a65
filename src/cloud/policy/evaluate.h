/* src/cloud/policy/evaluate.h - may this principal do this? Deny wins, then Allow, else no.
 *
 * Pure; any thread. Spec: iot-core reference 3.6.
 */
#pragma once
#include "base/slice.h"
#include "cloud/policy/document.h"
#include "cloud/policy/vars.h"

enum policy_verdict {
    POLICY_IMPLICIT_DENY, /* no statement allows it */
    POLICY_EXPLICIT_DENY,
    POLICY_ALLOW,
};

struct policy_request {
    struct slice action;   /* iot:Publish */
    struct slice resource; /* the whole ARN */
    const struct policy_vars *vars;
};

enum policy_verdict policy_evaluate(struct policy_doc *const *docs, size_t n,
                                    const struct policy_request *rq);
#define POLICY_WHERE_DOC 1000u
/* The same, and *ret_where (may be NULL) is the statement that denies, as policy_matcher_check tells it; -1:
 * none does. */
enum policy_verdict policy_evaluate_where(struct policy_doc *const *docs, size_t n,
                                          const struct policy_request *rq, int *ret_where);

/* Does a statement's Action or Resource list hold for `subject`? An entry with a variable this request does
 * not have grants nothing; under Not... the statement as a whole does not apply, or a missing variable would
 * match everything (iot-core trap 8). fold: without case; no_wild: a variable with a wildcard in its value
 * counts as missing. */
bool policy_list_matches(const struct policy_list *l, const struct policy_vars *vars, struct slice subject,
                         bool fold, bool no_wild);
