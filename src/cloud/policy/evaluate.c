#include "cloud/policy/evaluate.h"

/* A list with a variable this request does not have grants nothing by that entry; under Not... the statement
 * as a whole does not apply, or a missing variable would match everything (iot-core trap 8). */
static bool list_matches(const struct policy_list *l, const struct policy_vars *vars, struct slice subject,
                         bool fold)
{
    for (size_t i = 0; i < l->n; i++) {
        enum pattern_result r = pattern_match(&l->p[i], vars, subject, fold);
        if (r == PATTERN_YES)
            return !l->negated;
        if (r == PATTERN_UNRESOLVED && l->negated)
            return false;
    }
    return l->negated;
}

static bool statement_applies(const struct policy_statement *st, const struct policy_request *rq)
{
    return list_matches(&st->actions, rq->vars, rq->action, true) &&
           list_matches(&st->resources, rq->vars, rq->resource, false) &&
           conditions_hold(&st->conditions, rq->vars);
}

enum policy_verdict policy_evaluate(struct policy_doc *const *docs, size_t n, const struct policy_request *rq)
{
    enum policy_verdict v = POLICY_IMPLICIT_DENY;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < docs[i]->n; k++) {
            const struct policy_statement *st = &docs[i]->st[k];
            if (!statement_applies(st, rq))
                continue;
            if (st->deny)
                return POLICY_EXPLICIT_DENY;
            v = POLICY_ALLOW;
        }
    }
    return v;
}
