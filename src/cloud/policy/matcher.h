/* src/cloud/policy/matcher.h - the policies of one connection, compiled for the questions MQTT asks.
 *
 * Everything a statement says but the resource is the same for the whole connection: its action list either
 * holds an MQTT action or not, its conditions and variables are about the certificate, the thing and the
 * CONNECT. So all of that is decided once; what is left is a list of texts with wildcards for each action,
 * denials first. The answers are policy_evaluate's (evaluate.h), which a fuzz target holds against these.
 *
 * Pure; a compiled matcher is read-only and may be used from any thread. It borrows nothing.
 */
#pragma once
#include "cloud/policy/evaluate.h"

enum policy_right {
    POLICY_CONNECT,        /* client/ID */
    POLICY_PUBLISH,        /* topic/NAME */
    POLICY_RETAIN_PUBLISH, /* topic/NAME */
    POLICY_SUBSCRIBE,      /* topicfilter/FILTER */
    POLICY_RECEIVE,        /* topic/NAME */
    POLICY_RIGHTS
};

struct policy_matcher;

/* `prefix` is what every resource begins with: arn:aws:iot:REGION:ACCOUNT: ERR_NOMEM, ERR_TOO_BIG (more text
 * than POLICY_MATCHER_MAX). */
#define POLICY_MATCHER_MAX (1u << 20)
err_t policy_matcher_new(struct policy_doc *const *docs, size_t n, const struct policy_vars *vars,
                         struct slice prefix, struct policy_matcher **ret);
void policy_matcher_free(struct policy_matcher *m); /* NULL is fine */

/* `resource` is what stands behind the prefix. A NULL matcher denies. ret_where, if not NULL, gets the
 * statement that decided: document * POLICY_WHERE_DOC + statement, both from 0; -1 when none did. */
enum policy_verdict policy_matcher_check(const struct policy_matcher *m, enum policy_right right,
                                         struct slice resource, int *ret_where);
