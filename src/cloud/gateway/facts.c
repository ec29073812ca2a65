#include "cloud/gateway/facts.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/provisioning/claims.h"

#include <stdio.h>

#define DOCS_MAX 64u
#define RESOURCE_MAX 1024u
#define THING "iot:Connection.Thing."

static void free_docs(struct facts *f)
{
    for (size_t i = 0; f->docs && i < f->n; i++)
        policy_doc_free(f->docs[i]);
    free(f->docs);
    f->docs = NULL;
    f->cap = 0;
}

void facts_done(struct facts *f)
{
    free_docs(f);
    free(f->names);
    policy_vars_done(&f->thing);
    *f = (struct facts){ 0 };
}

static err_t take_certificate(void *ctx, const struct db_rows *row)
{
    struct facts *f = ctx;

    (void)snprintf(f->status, sizeof(f->status), "%s", db_str(row, 0));
    f->not_before_ms = db_int(row, 1);
    f->not_after_ms = db_int(row, 2);
    return ERR_OK;
}

/* What CreatePolicy took is well formed; should one be unreadable all the same, nothing may be allowed
 * without it: it might have been the one that denies. */
err_t facts_take_policy(struct facts *f, const char *name, struct slice document)
{
    auto_policy_doc *doc = NULL;
    char why[POLICY_WHY_MAX] = "";
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
    err_t e = mem_grow(&f->docs, &f->cap, f->n + 1, DOCS_MAX, sizeof(*f->docs));

    if (!e)
        e = mem_grow(&f->names, &f->names_cap, f->n + 1, DOCS_MAX, sizeof(*f->names));
    if (e)
        return e;
    if ((e = policy_doc_parse(document, &doc, why))) {
        log_error("policy %s cannot be read: %s", name, why);
        return e;
    }
    (void)snprintf(f->names[f->n], sizeof(f->names[f->n]), "%s", name);
    f->docs[f->n++] = steal(&doc);
    return ERR_OK;
}

static err_t take_policy(void *ctx, const struct db_rows *row)
{
    return facts_take_policy(ctx, db_str(row, 0), db_text(row, 1));
}

/* The thing whose name is the client id and that the certificate is attached to (iot-core trap 8). */
static err_t take_thing(void *ctx, const struct db_rows *row)
{
    struct facts *f = ctx;
    auto_json *attributes = NULL;
    json_t *value;
    const char *key;
    char name[192];
    err_t e;

    if ((e = policy_vars_add(&f->thing, THING "ThingName", db_text(row, 0))) ||
        (e = policy_vars_add(&f->thing, "iot:Thing.ThingName", db_text(row, 0))) ||
        (!db_is_null(row, 2) && (e = policy_vars_add(&f->thing, THING "ThingTypeName", db_text(row, 2)))) ||
        (e = json_parse(db_text(row, 1), 2, &attributes, NULL)))
        return e;
    json_object_foreach(attributes, key, value)
    {
        (void)snprintf(name, sizeof(name), THING "Attributes[%s]", key);
        if ((e = policy_vars_add(&f->thing, name, slice_str(json_string_value(value)))))
            return e;
    }
    return ERR_OK;
}

static err_t load_thing(struct db *db, const char *cert_id, const char *client_id, struct facts *f)
{
    err_t e = db_one(
        db,
        "SELECT t.name, t.attributes, t.thing_type FROM thing_principals p JOIN things t ON t.name = p.thing"
        " WHERE p.cert_id = $1 AND p.thing = $2",
        DB_ARGS(DB_TEXT(cert_id), DB_TEXT(client_id)), take_thing, f);

    if (e && e != ERR_NOT_FOUND)
        return e;
    return policy_vars_add(&f->thing, THING "IsAttached", slice_str(e ? "false" : "true"));
}

/* The certificate's own policies, and those of the groups (and of the groups above them) of the thing that it
 * connects as (iot-core reference 3.6). */
#define POLICIES_OF_CERTIFICATE                                                                             \
    "SELECT p.name, p.document FROM policy_targets t JOIN policies p ON p.name = t.policy WHERE t.cert_id " \
    "= $1"                                                                                                  \
    " ORDER BY p.name"
#define POLICIES_OF_CONNECTION                                                                  \
    "WITH RECURSIVE above (name, parent) AS ("                                                  \
    "SELECT g.name, g.parent FROM thing_principals t JOIN group_members m ON m.thing = t.thing" \
    " JOIN thing_groups g ON g.name = m.grp WHERE t.cert_id = $1 AND t.thing = $2"              \
    " UNION SELECT g.name, g.parent FROM thing_groups g JOIN above ON g.name = above.parent)"   \
    " SELECT p.name, p.document FROM policies p WHERE"                                          \
    " p.name IN (SELECT t.policy FROM policy_targets t WHERE t.cert_id = $1)"                   \
    " OR p.name IN (SELECT q.policy FROM policy_groups q JOIN above ON q.grp = above.name) ORDER BY p.name"

err_t facts_policies(struct db *db, const char *cert_id, const char *client_id, db_row_fn fn, void *ctx)
{
    if (!client_id)
        return db_each(db, POLICIES_OF_CERTIFICATE, DB_ARGS(DB_TEXT(cert_id)), fn, ctx);
    return db_each(db, POLICIES_OF_CONNECTION, DB_ARGS(DB_TEXT(cert_id), DB_TEXT(client_id)), fn, ctx);
}

err_t facts_load(struct db *db, const char *cert_id, const char *client_id, struct facts *ret)
{
    err_t e;

    facts_done(ret);
    e = db_one(db, "SELECT status, not_before_ms, not_after_ms FROM certificates WHERE cert_id = $1",
               DB_ARGS(DB_TEXT(cert_id)), take_certificate, ret);
    if (e == ERR_NOT_FOUND) { /* a claim has its own rights, or nobody knows it */
        e = claim_facts(db, cert_id, ret);
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    if (e || (e = facts_policies(db, cert_id, client_id, take_policy, ret)))
        return e;
    return client_id ? load_thing(db, cert_id, client_id, ret) : ERR_OK;
}

err_t facts_take_domain(struct db *db, const struct cloud_env *env, const char *server_name,
                        enum domain_way way, struct facts *f)
{
    struct domain d;
    err_t e = domain_of(db, env, server_name, &d);

    f->closed[0] = '\0';
    if (!e)
        (void)domain_admits(&d, way, f->closed);
    return e;
}

bool facts_admit(const struct facts *f, const char *cert_id, int64_t now_ms, char why[FACTS_WHY_MAX])
{
    char when[CLOCK_ISO_MAX];

    if (f->closed[0]) {
        (void)snprintf(why, FACTS_WHY_MAX, "%s", f->closed);
    } else if (!f->status[0]) {
        (void)snprintf(why, FACTS_WHY_MAX, "certificate %s is not registered here", cert_id);
    } else if (strcmp(f->status, "ACTIVE") != 0) {
        (void)snprintf(why, FACTS_WHY_MAX,
                       "certificate %s is %s: activate it (UpdateCertificate newStatus=ACTIVE)", cert_id,
                       f->status);
    } else if (now_ms > f->not_after_ms) {
        clock_iso(when, f->not_after_ms);
        (void)snprintf(why, FACTS_WHY_MAX, "certificate %s expired at %s", cert_id, when);
    } else if (now_ms < f->not_before_ms) {
        clock_iso(when, f->not_before_ms);
        (void)snprintf(why, FACTS_WHY_MAX, "certificate %s is valid only from %s on", cert_id, when);
    } else {
        return true;
    }
    return false;
}

/* Both sets as one, borrowed: the array is ours, the values are theirs. */
static struct policy_vars join(const struct policy_vars *a, const struct policy_vars *b,
                               struct policy_var *room)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++)
        room[n++] = a->v[i];
    for (size_t i = 0; i < b->n; i++)
        room[n++] = b->v[i];
    return (struct policy_vars){ room, n, n };
}

enum policy_verdict facts_judge(const struct facts *f, const struct cloud_env *env,
                                const struct policy_vars *vars, const char *action, struct slice resource,
                                int *ret_where)
{
    struct policy_var room[2 * POLICY_VARS_MAX];
    struct policy_vars all = join(&f->thing, vars, room);
    struct slice service = slice_of(action, strcspn(action, ":"));
    char arn[RESOURCE_MAX];
    int n = snprintf(arn, sizeof(arn), "arn:aws:%.*s:%s:%s:%.*s", SLICE_FMT(service), env->region,
                     env->account, SLICE_FMT(resource));

    if (ret_where)
        *ret_where = -1;
    if (n < 0 || n >= (int)sizeof(arn))
        return POLICY_IMPLICIT_DENY; /* longer than any resource of ours */
    struct policy_request rq = { slice_str(action), slice_of(arn, (size_t)n), &all };
    return policy_evaluate_where(f->docs, f->n, &rq, ret_where);
}

err_t facts_compile(struct facts *f, const struct cloud_env *env, const struct policy_vars *vars,
                    struct policy_matcher **ret)
{
    struct policy_var room[2 * POLICY_VARS_MAX];
    struct policy_vars all = join(&f->thing, vars, room);
    autobuf prefix = BUF_INIT(RESOURCE_MAX);
    err_t e = buf_printf(&prefix, "arn:aws:iot:%s:%s:", env->region, env->account);

    if (!e)
        e = policy_matcher_new(f->docs, f->n, &all, buf_slice(&prefix), ret);
    free_docs(f);
    return e;
}

err_t facts_add_policy(struct db *db, const char *name, struct facts *f)
{
    return db_one(db, "SELECT name, document FROM policies WHERE name = $1", DB_ARGS(DB_TEXT(name)),
                  take_policy, f);
}

bool facts_have_policy(const struct facts *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->names[i], name) == 0)
            return true;
    }
    return false;
}

void facts_where(const struct facts *f, int where, char text[FACTS_WHERE_MAX])
{
    size_t doc = (size_t)where / POLICY_WHERE_DOC;

    if (where < 0 || doc >= f->n)
        (void)snprintf(text, FACTS_WHERE_MAX, "no policy of this certificate (%zu attached) allows it", f->n);
    else
        (void)snprintf(text, FACTS_WHERE_MAX, "denied by statement %u of policy %s",
                       (unsigned)where % POLICY_WHERE_DOC + 1, f->names[doc]);
}
