/* src/broker/tree.h - subscriptions by filter: add, remove, find those that match a topic. Inside src/broker
 * only.
 *
 * Pure but for memory and the hash's random key; one thread. A trie of topic levels; all its edges are in one
 * hash table, because hundreds of thousands of devices meet below $aws/things/: what a match costs depends on
 * the levels of the topic and on what matches, not on how many subscriptions there are.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct broker_node;
struct broker_group;

/* What is hung into the tree, embedded in its owner. */
struct broker_leaf {
    struct broker_node *node;   /* NULL: not in a tree */
    struct broker_group *group; /* of a shared subscription */
    struct broker_leaf *next, *prev;
};

struct broker_tree {
    struct broker_node *root;
    struct broker_node **slots; /* the edges: chains of nodes by (parent, level) */
    size_t room, n;             /* room: a power of two */
    uint32_t key, last_id;
    uint64_t visits; /* nodes looked at by matches so far, for tests */
};

/* Two kinds of hit. `group` is asked once for each shared group: the callee picks a member, beginning at the
 * leaf given and going along its next pointers, and returns it (NULL: none); the next message begins behind
 * it. */
struct broker_tree_visitor {
    void (*leaf)(void *ctx, struct broker_leaf *leaf);
    struct broker_leaf *(*group)(void *ctx, struct broker_leaf *first);
    void *ctx;
};

err_t broker_tree_init(struct broker_tree *t); /* ERR_NOMEM, ERR_IO no random bytes */
void broker_tree_done(struct broker_tree *t);  /* leaves must have been removed */
/* filter: valid, $share/GROUP/ included for a shared one. ERR_NOMEM: not added. */
err_t broker_tree_add(struct broker_tree *t, struct slice filter, struct broker_leaf *leaf);
void broker_tree_remove(struct broker_tree *t,
                        struct broker_leaf *leaf); /* one that is not in a tree is fine */
/* Visit all that match `topic` (valid). The tree must not be changed meanwhile. hash_below: a/# does not
 * match a. */
void broker_tree_match(struct broker_tree *t, struct slice topic, bool hash_below,
                       const struct broker_tree_visitor *v);
