/* src/cloud/gateway/facts.h - what the registry says about a certificate now, and what its policies permit.
 *
 * Loaded on the database thread; a loaded one is plain data for any thread. Spec: iot-core
 * reference 3.4, 3.6.
 */
#pragma once
#include "cloud/env.h"
#include "cloud/policy/matcher.h"
#include "cloud/registry/domains.h"
#include "db/db.h"

#define FACTS_WHY_MAX 256u
#define POLICY_NAME_MAX 128u

struct facts {
    char status[32]; /* "" when the certificate is not registered */
    int64_t not_before_ms, not_after_ms;
    struct policy_doc **docs;
    char (*names)[POLICY_NAME_MAX + 1]; /* of the policies */
    size_t n, cap, names_cap;
    char closed[DOMAIN_WHY_MAX]; /* why the domain's configuration lets nobody in this way; "": it does */
    struct policy_vars thing;    /* iot:Connection.Thing.*; empty without a client id */
};

void facts_done(struct facts *f);
#define auto_facts __attribute__((cleanup(facts_done))) struct facts

/* client_id NULL: an HTTP request, which has no thing variables. *ret is to be freed in every case. */
err_t facts_load(struct db *db, const char *cert_id, const char *client_id, struct facts *ret);

/* Whether the name asked for in the TLS handshake lets in who comes this way. */
err_t facts_take_domain(struct db *db, const struct cloud_env *env, const char *server_name,
                        enum domain_way way, struct facts *f);

/* One more policy, by its text. Unreadable: the error of policy_doc_parse, and nothing may be allowed. */
err_t facts_take_policy(struct facts *f, const char *name, struct slice document);

/* Rows of name and document: the policies that apply to a certificate, with those of the groups of the thing
 * client_id names (NULL: an HTTP request). */
err_t facts_policies(struct db *db, const char *cert_id, const char *client_id, db_row_fn fn, void *ctx);

/* May this certificate connect at all: known, ACTIVE, within its dates, by this domain? Otherwise `why` says
 * what is the matter and what to do. Policies come afterwards. */
bool facts_admit(const struct facts *f, const char *cert_id, int64_t now_ms, char why[FACTS_WHY_MAX]);

/* Judge one action. `resource` is what follows arn:aws:SERVICE:REGION:ACCOUNT: in the ARN; SERVICE is the
 * action's. The thing variables of `f` and `vars` count together. *ret_where (may be NULL): for facts_where.
 */
enum policy_verdict facts_judge(const struct facts *f, const struct cloud_env *env,
                                const struct policy_vars *vars, const char *action, struct slice resource,
                                int *ret_where);

/* The policies as one connection meets them again and again: `vars` and the thing variables of `f` filled in.
 * The documents are not needed any more and freed. *ret is the caller's. ERR_NOMEM, ERR_TOO_BIG. */
err_t facts_compile(struct facts *f, const struct cloud_env *env, const struct policy_vars *vars,
                    struct policy_matcher **ret);
/* One more policy, as if it were attached. ERR_NOT_FOUND. */
err_t facts_add_policy(struct db *db, const char *name, struct facts *f);
bool facts_have_policy(const struct facts *f, const char *name);
/* A word for the log about the statement a matcher named: "statement 2 of policy NAME", or that none allows
 * it. */
#define FACTS_WHERE_MAX (POLICY_NAME_MAX + 64u)
void facts_where(const struct facts *f, int where, char text[FACTS_WHERE_MAX]);
