#include "broker/tree.h"

#include "base/mem.h"
#include "mqtt/topic.h"

#include <search.h>

struct broker_group {
    struct broker_group *next;
    struct broker_leaf *leaves; /* the next message goes to the first that is able */
    struct slice name;
    uint8_t bytes[];
};

struct broker_node {
    struct slice level;         /* the key among its siblings; first, for the comparison */
    struct broker_node *parent; /* NULL: the root */
    void *children;             /* tsearch(3) */
    size_t n_children;
    struct broker_node *plus, *hash; /* also among the children */
    struct broker_leaf *leaves;
    struct broker_group *groups;
    uint8_t bytes[];
};

static int node_cmp(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n ? memcmp(x->p, y->p, x->n) : 0;
}

static struct broker_node *node_new(struct broker_node *parent, struct slice level)
{
    struct broker_node *n = mem_calloc(1, sizeof(*n) + level.n);

    if (!n)
        return NULL;
    if (level.n)
        memcpy(n->bytes, level.p, level.n);
    n->level = slice_of(n->bytes, level.n);
    n->parent = parent;
    return n;
}

static struct broker_node *child_find(const struct broker_node *n, struct slice level)
{
    void *hit = tfind(&level, &n->children, node_cmp);

    return hit ? *(struct broker_node **)hit : NULL;
}

static void note_wildcard(struct broker_node *parent, struct slice level, struct broker_node *child)
{
    if (slice_eq(level, SLICE_LIT("+")))
        parent->plus = child;
    else if (slice_eq(level, SLICE_LIT("#")))
        parent->hash = child;
}

static struct broker_node *child_make(struct broker_node *n, struct slice level)
{
    struct broker_node *c = child_find(n, level);

    if (c)
        return c;
    c = node_new(n, level);
    if (!c || !tsearch(c, &n->children, node_cmp)) {
        free(c);
        return NULL;
    }
    n->n_children++;
    note_wildcard(n, level, c);
    return c;
}

/* Free n and its parents as far up as nothing hangs on them. */
static void prune(struct broker_node *n)
{
    while (n->parent && !n->n_children && !n->leaves && !n->groups) {
        struct broker_node *parent = n->parent;

        (void)tdelete(n, &parent->children, node_cmp);
        parent->n_children--;
        note_wildcard(parent, n->level, NULL);
        free(n);
        n = parent;
    }
}

err_t broker_tree_init(struct broker_tree *t)
{
    t->root = node_new(NULL, (struct slice){ 0 });
    return t->root ? ERR_OK : ERR_NOMEM;
}

void broker_tree_done(struct broker_tree *t)
{
    free(t->root);
    t->root = NULL;
}

static struct broker_group *group_make(struct broker_node *n, struct slice name)
{
    struct broker_group *g = n->groups;

    while (g && !slice_eq(g->name, name))
        g = g->next;
    if (g)
        return g;
    g = mem_calloc(1, sizeof(*g) + name.n);
    if (!g)
        return NULL;
    memcpy(g->bytes, name.p, name.n);
    g->name = slice_of(g->bytes, name.n);
    g->next = n->groups;
    n->groups = g;
    return g;
}

static void group_drop_if_empty(struct broker_node *n, struct broker_group *g)
{
    struct broker_group **at = &n->groups;

    if (g->leaves)
        return;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    free(g);
}

static struct broker_leaf **list_of(struct broker_leaf *leaf)
{
    return leaf->group ? &leaf->group->leaves : &leaf->node->leaves;
}

static struct broker_node *node_make(struct broker_tree *t, struct slice filter)
{
    struct broker_node *n = t->root, *c;
    struct slice level;
    bool more = true;

    while (mqtt_level_next(&filter, &more, &level)) {
        c = child_make(n, level);
        if (!c) {
            prune(n);
            return NULL;
        }
        n = c;
    }
    return n;
}

err_t broker_tree_add(struct broker_tree *t, struct slice filter, struct broker_leaf *leaf)
{
    struct slice group = { 0 }, inner = filter;
    bool shared = mqtt_share_parse(filter, &group, &inner) == ERR_OK;
    struct broker_node *n = node_make(t, inner);
    struct broker_group *g = n && shared ? group_make(n, group) : NULL;
    struct broker_leaf **list;

    if (n && shared && !g)
        prune(n);
    if (!n || (shared && !g))
        return ERR_NOMEM;
    *leaf = (struct broker_leaf){ .node = n, .group = g };
    list = list_of(leaf);
    leaf->next = *list;
    if (*list)
        (*list)->prev = leaf;
    *list = leaf;
    return ERR_OK;
}

void broker_tree_remove(struct broker_leaf *leaf)
{
    struct broker_node *n = leaf->node;

    if (!n)
        return;
    if (leaf->prev)
        leaf->prev->next = leaf->next;
    else
        *list_of(leaf) = leaf->next;
    if (leaf->next)
        leaf->next->prev = leaf->prev;
    if (leaf->group)
        group_drop_if_empty(n, leaf->group);
    *leaf = (struct broker_leaf){ 0 };
    prune(n);
}

/* Turn the list so that the leaf after `last` comes first and `last` last. */
static void group_rotate(struct broker_group *g, struct broker_leaf *last)
{
    struct broker_leaf *first = last->next, *end = last;

    if (!first)
        return;
    while (end->next)
        end = end->next;
    end->next = g->leaves;
    g->leaves->prev = end;
    g->leaves = first;
    first->prev = NULL;
    last->next = NULL;
}

static void visit(struct broker_node *n, const struct broker_tree_visitor *v)
{
    for (struct broker_leaf *l = n->leaves; l; l = l->next)
        v->leaf(v->ctx, l);
    for (struct broker_group *g = n->groups; g; g = g->next) {
        struct broker_leaf *picked = v->group(v->ctx, g->leaves);

        if (picked)
            group_rotate(g, picked);
    }
}

/* `rest` is what is left of the topic below n; wild: may a wildcard match here (not before $ in the first
 * level)? Recursion is as deep as the filters are. */
static void match(struct broker_node *n, struct slice rest, bool more, bool wild, bool hash_below,
                  const struct broker_tree_visitor *v)
{
    struct slice level;
    struct broker_node *c;

    /* MQTT §4.7.1.2: # includes the parent level */
    if (n->hash && wild && (more || !hash_below))
        visit(n->hash, v);
    if (!mqtt_level_next(&rest, &more, &level)) {
        visit(n, v);
        return;
    }
    c = child_find(n, level);
    if (c)
        match(c, rest, more, true, hash_below, v);
    if (n->plus && wild)
        match(n->plus, rest, more, true, hash_below, v);
}

void broker_tree_match(struct broker_tree *t, struct slice topic, bool hash_below,
                       const struct broker_tree_visitor *v)
{
    /* [MQTT-4.7.2-1] */
    match(t->root, topic, true, !(topic.n && topic.p[0] == '$'), hash_below, v);
}
