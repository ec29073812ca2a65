#include "broker/tree.h"

#include "base/mem.h"
#include "mqtt/topic.h"

#include <sys/random.h>

#define ROOM_FIRST 64
#define PRIME 2147483647u /* 2^31 - 1 */

struct broker_group {
    struct broker_group *next;
    struct broker_leaf *leaves, *last; /* the next message goes to the first that is able */
    struct slice name;
    uint8_t bytes[];
};

struct broker_node {
    struct slice level;
    struct broker_node *parent;      /* NULL: the root */
    struct broker_node *next;        /* of the same slot */
    struct broker_node *plus, *hash; /* among the children: the wildcards */
    struct broker_leaf *leaves;
    struct broker_group *groups;
    uint32_t id; /* stands for the node in the hash of its children */
    uint32_t n_children;
    uint8_t bytes[];
};

/* ---- the edges ---- */

/* A polynomial over a prime field with a random point: two different edges meet with a chance of their length
 * in 2^31, whoever chose them. */
static uint32_t edge_hash(const struct broker_tree *t, const struct broker_node *parent, struct slice level)
{
    uint64_t h = parent->id;

    for (size_t i = 0; i < level.n; i++)
        h = (h * t->key + level.p[i] + 1) % PRIME;
    return (uint32_t)(h * t->key % PRIME);
}

static struct broker_node **slot_of(const struct broker_tree *t, const struct broker_node *parent,
                                    struct slice level)
{
    return &t->slots[edge_hash(t, parent, level) & (t->room - 1)];
}

static struct broker_node *child_find(const struct broker_tree *t, const struct broker_node *parent,
                                      struct slice level)
{
    struct broker_node *n = parent->n_children ? *slot_of(t, parent, level) : NULL;

    while (n && (n->parent != parent || !slice_eq(n->level, level)))
        n = n->next;
    return n;
}

static void edge_add(struct broker_tree *t, struct broker_node *n)
{
    struct broker_node **slot = slot_of(t, n->parent, n->level);

    n->next = *slot;
    *slot = n;
}

static void edge_remove(struct broker_tree *t, struct broker_node *n)
{
    struct broker_node **at = slot_of(t, n->parent, n->level);

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    t->n--;
}

/* Twice the slots. */
static err_t grow(struct broker_tree *t)
{
    struct broker_node **old = t->slots;
    size_t old_room = t->room, room = old_room ? old_room * 2 : ROOM_FIRST;
    struct broker_node **slots = mem_calloc(room, sizeof(struct broker_node *));

    if (!slots)
        return ERR_NOMEM;
    t->slots = slots;
    t->room = room;
    for (size_t i = 0; i < old_room; i++) {
        for (struct broker_node *n = old[i], *next; n; n = next) {
            next = n->next;
            edge_add(t, n);
        }
    }
    free(old);
    return ERR_OK;
}

/* ---- nodes ---- */

static struct broker_node *node_new(struct broker_tree *t, struct broker_node *parent, struct slice level)
{
    struct broker_node *n = mem_calloc(1, sizeof(*n) + level.n);

    if (!n)
        return NULL;
    if (level.n)
        memcpy(n->bytes, level.p, level.n);
    n->level = slice_of(n->bytes, level.n);
    n->parent = parent;
    n->id = ++t->last_id % PRIME;
    return n;
}

static void note_wildcard(struct broker_node *parent, struct slice level, struct broker_node *child)
{
    if (slice_eq(level, SLICE_LIT("+")))
        parent->plus = child;
    else if (slice_eq(level, SLICE_LIT("#")))
        parent->hash = child;
}

static struct broker_node *child_make(struct broker_tree *t, struct broker_node *n, struct slice level)
{
    struct broker_node *c = child_find(t, n, level);

    if (c)
        return c;
    if (t->n >= t->room && grow(t))
        return NULL;
    c = node_new(t, n, level);
    if (!c)
        return NULL;
    edge_add(t, c);
    t->n++;
    n->n_children++;
    note_wildcard(n, level, c);
    return c;
}

/* Free n and its parents as far up as nothing hangs on them. */
static void prune(struct broker_tree *t, struct broker_node *n)
{
    while (n->parent && !n->n_children && !n->leaves && !n->groups) {
        struct broker_node *parent = n->parent;

        edge_remove(t, n);
        parent->n_children--;
        note_wildcard(parent, n->level, NULL);
        free(n);
        n = parent;
    }
}

err_t broker_tree_init(struct broker_tree *t)
{
    *t = (struct broker_tree){ 0 };
    if (getrandom(&t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key))
        return ERR_IO;
    t->key = t->key % (PRIME - 1) + 1;
    t->root = node_new(t, NULL, (struct slice){ 0 });
    return t->root ? ERR_OK : ERR_NOMEM;
}

void broker_tree_done(struct broker_tree *t)
{
    free(t->root);
    free(t->slots);
    *t = (struct broker_tree){ 0 };
}

/* ---- leaves ---- */

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
        c = child_make(t, n, level);
        if (!c) {
            prune(t, n);
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
        prune(t, n);
    if (!n || (shared && !g))
        return ERR_NOMEM;
    *leaf = (struct broker_leaf){ .node = n, .group = g };
    list = list_of(leaf);
    leaf->next = *list;
    if (*list)
        (*list)->prev = leaf;
    else if (g)
        g->last = leaf;
    *list = leaf;
    return ERR_OK;
}

void broker_tree_remove(struct broker_tree *t, struct broker_leaf *leaf)
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
    else if (leaf->group)
        leaf->group->last = leaf->prev;
    if (leaf->group)
        group_drop_if_empty(n, leaf->group);
    *leaf = (struct broker_leaf){ 0 };
    prune(t, n);
}

/* Turn the list so that the leaf after `last` comes first and `last` last. */
static void group_rotate(struct broker_group *g, struct broker_leaf *last)
{
    struct broker_leaf *first = last->next;

    if (!first)
        return;
    g->last->next = g->leaves;
    g->leaves->prev = g->last;
    g->leaves = first;
    first->prev = NULL;
    g->last = last;
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

struct match {
    struct broker_tree *t;
    const struct broker_tree_visitor *v;
    bool hash_below;
};

/* `rest` is what is left of the topic below n; wild: may a wildcard match here (not before $ in the first
 * level)? Recursion is as deep as the filters are. */
static void match(const struct match *m, struct broker_node *n, struct slice rest, bool more, bool wild)
{
    struct slice level;
    struct broker_node *c;

    m->t->visits++;
    /* MQTT §4.7.1.2: # includes the parent level */
    if (n->hash && wild && (more || !m->hash_below))
        visit(n->hash, m->v);
    if (!mqtt_level_next(&rest, &more, &level)) {
        visit(n, m->v);
        return;
    }
    c = child_find(m->t, n, level);
    if (c)
        match(m, c, rest, more, true);
    if (n->plus && wild)
        match(m, n->plus, rest, more, true);
}

void broker_tree_match(struct broker_tree *t, struct slice topic, bool hash_below,
                       const struct broker_tree_visitor *v)
{
    /* [MQTT-4.7.2-1] */
    match(&(struct match){ t, v, hash_below }, t->root, topic, true, !(topic.n && topic.p[0] == '$'));
}
