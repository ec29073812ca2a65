#include "cloud/policy/evaluate.h"

bool policy_list_matches(const struct policy_list *l, const struct policy_vars *vars, struct slice subject,
                         bool fold, bool no_wild)
{
    for (size_t i = 0; i < l->n; i++) {
        enum pattern_result r = no_wild && pattern_has_wild_value(&l->p[i], vars)
                                    ? PATTERN_UNRESOLVED
                                    : pattern_match(&l->p[i], vars, subject, fold);
        if (r == PATTERN_YES)
            return !l->negated;
        if (r == PATTERN_UNRESOLVED && l->negated)
            return false;
    }
    return l->negated;
}

static bool statement_applies(const struct policy_statement *st, const struct policy_request *rq)
{
    /* A client that calls itself "+" must not be allowed a filter with that wildcard: CL-22. */
    bool no_wild = !st->deny && slice_eq(rq->action, SLICE_LIT("iot:Subscribe"));

    return policy_list_matches(&st->actions, rq->vars, rq->action, true, false) &&
           policy_list_matches(&st->resources, rq->vars, rq->resource, false, no_wild) &&
           conditions_hold(&st->conditions, rq->vars, st->deny);
}

enum policy_verdict policy_evaluate_where(struct policy_doc *const *docs, size_t n,
                                          const struct policy_request *rq, int *ret_where)
{
    enum policy_verdict v = POLICY_IMPLICIT_DENY;
    int nowhere = -1;

    ret_where = ret_where ? ret_where : &nowhere;
    *ret_where = -1;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < docs[i]->n; k++) {
            const struct policy_statement *st = &docs[i]->st[k];
            if (!statement_applies(st, rq))
                continue;
            if (st->deny) {
                *ret_where = (int)(i * POLICY_WHERE_DOC + k);
                return POLICY_EXPLICIT_DENY;
            }
            v = POLICY_ALLOW;
        }
    }
    return v;
}

enum policy_verdict policy_evaluate(struct policy_doc *const *docs, size_t n, const struct policy_request *rq)
{
    return policy_evaluate_where(docs, n, rq, NULL);
}
