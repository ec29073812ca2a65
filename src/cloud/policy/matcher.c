#include "cloud/policy/matcher.h"

#include "base/mem.h"
#include "cloud/policy/glob.h"

#include <string.h>

#define ARN_MAX 2048u
#define PREFIX_MAX 512u
#define ENTRIES_MAX 65536u

static const char *const actions[POLICY_RIGHTS] = {
    [POLICY_CONNECT] = "iot:Connect",     [POLICY_PUBLISH] = "iot:Publish",
    [POLICY_SUBSCRIBE] = "iot:Subscribe", [POLICY_RETAIN_PUBLISH] = "iot:RetainPublish",
    [POLICY_RECEIVE] = "iot:Receive",
};

/* One resource of a statement, or the end of a statement's Resource or NotResource list. */
struct entry {
    uint32_t at; /* its glob in `text` */
    uint16_t len;
    uint16_t head; /* literal bytes in front */
    uint64_t tail; /* the last eight of them, if there are so many: where resources differ soonest */
    bool whole;    /* to be matched with the ARN, not with what stands behind the prefix */
    bool negated;  /* of a NotResource */
    bool last;     /* of its statement */
    int where;     /* the statement */
};

struct entries {
    struct entry *e;
    size_t n, cap;
};

struct policy_matcher {
    struct buf text;                         /* the globs, one behind the other */
    struct entries rights[POLICY_RIGHTS][2]; /* [1]: denials */
    struct buf prefix;
};

/* Of one matcher in the making. */
struct maker {
    struct policy_matcher *m;
    const struct policy_vars *vars;
    struct slice prefix;
    const struct policy_statement *st;
    enum policy_right right;
    int where;
};

void policy_matcher_free(struct policy_matcher *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < POLICY_RIGHTS; i++) {
        free(m->rights[i][0].e);
        free(m->rights[i][1].e);
    }
    buf_done(&m->text);
    buf_done(&m->prefix);
    free(m);
}

static void matcher_free_ptr(struct policy_matcher **m)
{
    policy_matcher_free(*m);
}

/* ---- making ---- */

static struct entries *list_of(const struct maker *k)
{
    return &k->m->rights[k->right][k->st->deny];
}

static err_t add_entry(const struct maker *k, struct entry e)
{
    struct entries *l = list_of(k);
    err_t err = mem_grow(&l->e, &l->cap, l->n + 1, ENTRIES_MAX, sizeof(*l->e));

    if (err)
        return err;
    e.negated = k->st->resources.negated;
    e.where = k->where;
    l->e[l->n++] = e;
    return ERR_OK;
}

/* The glob at the end of `text` that began at `at`: without the prefix if it can be had, or with it if a
 * wildcard stands in the prefix, or not at all if no resource begins like that. */
static err_t take_glob(const struct maker *k, size_t at)
{
    struct buf *text = &k->m->text;
    struct slice glob = slice_skip(buf_slice(text), at);
    size_t head = glob_head(glob), shared = head < k->prefix.n ? head : k->prefix.n;
    bool any = glob.n == 1 && glob.p[0] == GLOB_RUN;
    bool whole = head < k->prefix.n && glob.n > head && !any;

    if (memcmp(glob.p, k->prefix.p, shared) != 0 || (head < k->prefix.n && glob.n == head)) {
        buf_cut(text, at);
        return ERR_OK;
    }
    if (!whole && !any) {
        at += k->prefix.n;
        head -= k->prefix.n;
        glob = slice_skip(glob, k->prefix.n);
    }
    if (glob.n > UINT16_MAX)
        return ERR_TOO_BIG;
    struct entry e = { .at = (uint32_t)at, .len = (uint16_t)glob.n, .head = (uint16_t)head, .whole = whole };
    if (head >= sizeof(e.tail))
        memcpy(&e.tail, glob.p + head - sizeof(e.tail), sizeof(e.tail));
    return add_entry(k, e);
}

/* ERR_NOT_FOUND: a variable of it is missing. CL-22: one with a wildcard in its value counts as missing where
 * an Allow would hand out a filter. */
static err_t add_resource(const struct maker *k, const struct pattern *p)
{
    size_t at = k->m->text.n;
    err_t e;

    if (!k->st->deny && k->right == POLICY_SUBSCRIBE && pattern_has_wild_value(p, k->vars))
        return ERR_NOT_FOUND;
    e = glob_add(&k->m->text, p, k->vars);
    return e ? e : take_glob(k, at);
}

/* The resources of one statement for one right. A missing variable takes its entry from a Resource list, and
 * the whole statement away under NotResource, where it would match everything. */
static err_t add_resources(const struct maker *k)
{
    const struct policy_list *l = &k->st->resources;
    struct entries *out = list_of(k);
    size_t before = out->n;

    for (size_t i = 0; i < l->n; i++) {
        err_t e = add_resource(k, &l->p[i]);
        if (e == ERR_NOT_FOUND && l->negated) {
            out->n = before;
            return ERR_OK;
        }
        if (e && e != ERR_NOT_FOUND)
            return e;
    }
    /* A NotResource whose entries match nothing here excludes nothing: an entry that never matches says so.
     */
    if (l->negated && out->n == before) {
        err_t e = add_entry(k, (struct entry){ .at = 0, .len = 0, .whole = true });
        if (e)
            return e;
    }
    if (out->n > before)
        out->e[out->n - 1].last = true;
    return ERR_OK;
}

static err_t add_statement(struct maker *k)
{
    err_t e = ERR_OK;

    if (!conditions_hold(&k->st->conditions, k->vars, k->st->deny))
        return ERR_OK;
    for (size_t i = 0; i < POLICY_RIGHTS && !e; i++) {
        k->right = (enum policy_right)i;
        if (policy_list_matches(&k->st->actions, k->vars, slice_str(actions[i]), true, false))
            e = add_resources(k);
    }
    return e;
}

err_t policy_matcher_new(struct policy_doc *const *docs, size_t n, const struct policy_vars *vars,
                         struct slice prefix, struct policy_matcher **ret)
{
    __attribute__((cleanup(matcher_free_ptr))) struct policy_matcher *m = mem_calloc(1, sizeof(*m));
    struct maker k = { .m = m, .vars = vars, .prefix = prefix };
    err_t e = ERR_OK;

    if (!m)
        return ERR_NOMEM;
    buf_init(&m->text, POLICY_MATCHER_MAX);
    buf_init(&m->prefix, PREFIX_MAX);
    e = buf_add(&m->prefix, prefix);
    for (size_t i = 0; i < n && !e; i++) {
        for (size_t s = 0; s < docs[i]->n && !e; s++) {
            k.st = &docs[i]->st[s];
            k.where = (int)(i * POLICY_WHERE_DOC + s);
            e = add_statement(&k);
        }
    }
    if (!e)
        *ret = steal(&m);
    return e;
}

/* ---- asking ---- */

struct question {
    const struct policy_matcher *m;
    struct slice resource;
    uint8_t arn[ARN_MAX]; /* made when it is first needed */
    size_t arn_n;
};

static struct slice whole_arn(struct question *q)
{
    if (!q->arn_n) {
        memcpy(q->arn, q->m->prefix.p, q->m->prefix.n);
        memcpy(q->arn + q->m->prefix.n, q->resource.p, q->resource.n);
        q->arn_n = q->m->prefix.n + q->resource.n;
    }
    return slice_of(q->arn, q->arn_n);
}

/* Resources of one policy begin alike and differ at the end of their literal part: look there first. */
static bool tail_differs(const struct entry *e, struct slice subject)
{
    uint64_t tail;

    if (e->head < sizeof(tail))
        return false;
    memcpy(&tail, subject.p + e->head - sizeof(tail), sizeof(tail));
    return tail != e->tail;
}

static bool entry_matches(struct question *q, const struct entry *e)
{
    struct slice glob = slice_of(q->m->text.p + e->at, e->len), subject = q->resource;

    if (e->whole)
        subject = whole_arn(q);
    if (subject.n < e->head || tail_differs(e, subject) || memcmp(glob.p, subject.p, e->head) != 0)
        return false;
    return glob_match(slice_skip(glob, e->head), slice_skip(subject, e->head));
}

/* Does a statement of the list apply? Its number, or -1. */
static int find(struct question *q, const struct entries *l)
{
    bool matched = false;

    for (size_t i = 0; i < l->n; i++) {
        const struct entry *e = &l->e[i];
        matched = matched || entry_matches(q, e);
        if (matched && !e->negated)
            return e->where;
        if (!e->last)
            continue;
        if (!matched && e->negated)
            return e->where;
        matched = false;
    }
    return -1;
}

enum policy_verdict policy_matcher_check(const struct policy_matcher *m, enum policy_right right,
                                         struct slice resource, int *ret_where)
{
    struct question q;
    int where = -1;
    enum policy_verdict v = POLICY_IMPLICIT_DENY;

    q.m = m;
    q.resource = resource;
    q.arn_n = 0;
    if (!m || resource.n > ARN_MAX - m->prefix.n) /* longer than any resource of ours */
        v = POLICY_IMPLICIT_DENY;
    else if ((where = find(&q, &m->rights[right][1])) >= 0)
        v = POLICY_EXPLICIT_DENY;
    else if ((where = find(&q, &m->rights[right][0])) >= 0)
        v = POLICY_ALLOW;
    if (ret_where)
        *ret_where = where;
    return v;
}
