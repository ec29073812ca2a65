/* src/edge/route/table.c - one tree for all sources: a source's number is the first level of its filters.
 *
 * Subjects that begin with $ are below a node of their own, "N$", so that the tree's rule for $ (a wildcard
 * in the first level does not match it, [MQTT-4.7.2-1]) holds although the first level is the number.
 */
#include "edge/route/table.h"

#include "base/mem.h"
#include "broker/tree.h"
#include "edge/route/topics.h"

#include <stdio.h>

#define PREFIX_MAX 16

struct entry {
    struct broker_leaf leaf;
    const struct route_target *target;
};

struct route_table {
    struct broker_tree tree;
    bool has_tree;
    struct entry *entries;
    size_t n;
    char **sources; /* sorted, each once */
    size_t n_sources;
    struct route_target *targets; /* sorted by name, each once */
    size_t n_targets;
    bool uses_cloud;
};

enum route_kind route_kind_of(const char *endpoint)
{
    if (strcmp(endpoint, ROUTE_CLOUD_NAME) == 0)
        return ROUTE_CLOUD;
    if (strcmp(endpoint, ROUTE_SHADOWS_NAME) == 0)
        return ROUTE_SHADOWS;
    return strstr(endpoint, ":lambda:") ? ROUTE_FUNCTION : ROUTE_DEVICE;
}

bool route_goes_round(const struct group_subscription *s)
{
    return route_kind_of(s->source) <= ROUTE_SHADOWS && strcmp(s->source, s->target) == 0;
}

/* ---- making ---- */

typedef const struct group_subscription *sub_ptr;

static int by_target(const void *a, const void *b)
{
    return strcmp((*(const sub_ptr *)a)->target, (*(const sub_ptr *)b)->target);
}

static int by_all(const void *a, const void *b)
{
    const sub_ptr x = *(const sub_ptr *)a, y = *(const sub_ptr *)b;
    int d = strcmp(x->source, y->source);

    d = d ? d : strcmp(x->subject, y->subject);
    return d ? d : strcmp(x->target, y->target);
}

static err_t collect_targets(struct route_table *t, sub_ptr *subs, size_t n)
{
    qsort(subs, n, sizeof(sub_ptr), by_target);
    for (size_t i = 0; i < n; i++) {
        struct route_target *to = &t->targets[t->n_targets];
        if (i && strcmp(subs[i]->target, subs[i - 1]->target) == 0)
            continue;
        *to = (struct route_target){ route_kind_of(subs[i]->target), mem_strdup(subs[i]->target) };
        if (!to->name)
            return ERR_NOMEM;
        t->n_targets++;
    }
    return ERR_OK;
}

static int compare_target(const void *name, const void *target)
{
    return strcmp(name, ((const struct route_target *)target)->name);
}

/* "N/" or "N$/", then the filter or topic. */
static struct slice with_source(char *out, size_t room, size_t source, struct slice topic)
{
    int n = snprintf(out, room, "%zu%s/", source, topic.n && topic.p[0] == '$' ? "$" : "");

    memcpy(out + n, topic.p, topic.n);
    return slice_of(out, (size_t)n + topic.n);
}

static err_t add_entry(struct route_table *t, sub_ptr sub)
{
    char room[PREFIX_MAX + ROUTE_TOPIC_MAX];
    struct slice subject = slice_str(sub->subject);
    struct entry *e = &t->entries[t->n];
    err_t err;

    if (subject.n > ROUTE_TOPIC_MAX)
        return ERR_INVALID;
    e->target = bsearch(sub->target, t->targets, t->n_targets, sizeof(*t->targets), compare_target);
    err = broker_tree_add(&t->tree, with_source(room, sizeof(room), t->n_sources - 1, subject), &e->leaf);
    if (err)
        return err;
    t->n++;
    t->uses_cloud =
        t->uses_cloud || e->target->kind == ROUTE_CLOUD || route_kind_of(sub->source) == ROUTE_CLOUD;
    return ERR_OK;
}

static err_t add_source(struct route_table *t, const char *name)
{
    char *copy = mem_strdup(name);

    if (!copy)
        return ERR_NOMEM;
    t->sources[t->n_sources++] = copy;
    return ERR_OK;
}

static err_t compile(struct route_table *t, sub_ptr *subs, size_t n)
{
    err_t e = collect_targets(t, subs, n);

    qsort(subs, n, sizeof(sub_ptr), by_all);
    for (size_t i = 0; i < n && !e; i++) {
        if ((i && by_all(&subs[i], &subs[i - 1]) == 0) || route_goes_round(subs[i]))
            continue;
        if (!t->n_sources || strcmp(subs[i]->source, t->sources[t->n_sources - 1]) != 0)
            e = add_source(t, subs[i]->source);
        e = e ? e : add_entry(t, subs[i]);
    }
    return e;
}

static err_t make(struct route_table *t, const struct group_subscription *subs, size_t n)
{
    autofree sub_ptr *sorted = mem_calloc(n + 1, sizeof(sub_ptr));
    err_t e;

    t->entries = mem_calloc(n + 1, sizeof(*t->entries));
    t->sources = mem_calloc(n + 1, sizeof(*t->sources));
    t->targets = mem_calloc(n + 1, sizeof(*t->targets));
    if (!sorted || !t->entries || !t->sources || !t->targets)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &subs[i];
    e = broker_tree_init(&t->tree);
    if (e)
        return e;
    t->has_tree = true;
    return compile(t, sorted, n);
}

err_t route_table_new(const struct group_subscription *subs, size_t n, struct route_table **ret)
{
    struct route_table *t = mem_calloc(1, sizeof(*t));
    err_t e = t ? make(t, subs, n) : ERR_NOMEM;

    if (e) {
        route_table_free(t);
        return e;
    }
    *ret = t;
    return ERR_OK;
}

void route_table_free(struct route_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        broker_tree_remove(&t->tree, &t->entries[i].leaf);
    if (t->has_tree)
        broker_tree_done(&t->tree);
    for (size_t i = 0; i < t->n_sources; i++)
        free(t->sources[i]);
    for (size_t i = 0; i < t->n_targets; i++)
        free((char *)t->targets[i].name);
    free(t->entries);
    free(t->sources);
    free(t->targets);
    free(t);
}

/* ---- matching ---- */

static int compare_source(const void *name, const void *source)
{
    return strcmp(name, *(char *const *)source);
}

struct match {
    route_found_fn found;
    void *ctx;
};

static void on_leaf(void *ctx, struct broker_leaf *leaf)
{
    const struct match *m = ctx;

    m->found(m->ctx, CONTAINER_OF(leaf, struct entry, leaf)->target);
}

void route_table_match(struct route_table *t, const char *source, struct slice topic, route_found_fn found,
                       void *ctx)
{
    char room[PREFIX_MAX + ROUTE_TOPIC_MAX];
    struct match m = { found, ctx };
    char **s = bsearch(source, t->sources, t->n_sources, sizeof(*t->sources), compare_source);

    if (!s || topic.n > ROUTE_TOPIC_MAX)
        return;
    broker_tree_match(&t->tree, with_source(room, sizeof(room), (size_t)(s - t->sources), topic), true,
                      &(struct broker_tree_visitor){ .leaf = on_leaf, .ctx = &m });
}

bool route_table_uses_cloud(const struct route_table *t)
{
    return t->uses_cloud;
}

uint64_t route_table_visits(const struct route_table *t)
{
    return t->tree.visits;
}
