#include "../cm.h"
#include "base/mem.h"
#include "broker/tree.h"
#include "mqtt/topic.h"

#include <stdio.h>
#include <stdlib.h>

/* The tree must find what mqtt_topic_matches says, for every filter and topic over a small alphabet. */

static const char *const levels[] = { "a", "b", "", "+", "#", "$x" };

struct entry {
    struct broker_leaf leaf; /* first */
    char filter[16];
    unsigned hits;
};

static void on_leaf(void *ctx, struct broker_leaf *leaf)
{
    ((struct entry *)(void *)leaf)->hits++;
}

static struct broker_leaf *first_of_group(void *ctx, struct broker_leaf *first)
{
    ((struct entry *)(void *)first)->hits++;
    return first;
}

static const struct broker_tree_visitor visitor = { on_leaf, first_of_group, NULL };

/* The i-th word of one to three levels. */
static bool word(unsigned i, char *out, size_t size)
{
    unsigned n = ARRAY_LEN(levels), depth = 1 + i % 3;

    i /= 3;
    out[0] = '\0';
    for (unsigned d = 0; d < depth; d++, i /= n) {
        strncat(out, d ? "/" : "", size - strlen(out) - 1);
        strncat(out, levels[i % n], size - strlen(out) - 1);
    }
    return i == 0;
}

#define WORDS (3 * 216)

static void agrees_with_the_matcher(void **state)
{
    static struct entry e[WORDS];
    struct broker_tree t;
    unsigned n = 0;
    char topic[16];
    (void)state;

    assert_int_equal(broker_tree_init(&t), ERR_OK);
    for (unsigned i = 0; i < WORDS; i++)
        if (word(i, e[n].filter, sizeof(e[n].filter)) && mqtt_filter_valid(slice_str(e[n].filter))) {
            assert_int_equal(broker_tree_add(&t, slice_str(e[n].filter), &e[n].leaf), ERR_OK);
            n++;
        }
    assert_true(n > 100);
    for (unsigned i = 0; i < WORDS * 2; i++) {
        bool below = i >= WORDS;

        if (!word(i % WORDS, topic, sizeof(topic)) || !mqtt_topic_valid(slice_str(topic)))
            continue;
        for (unsigned k = 0; k < n; k++)
            e[k].hits = 0;
        broker_tree_match(&t, slice_str(topic), below, &visitor);
        for (unsigned k = 0; k < n; k++)
            assert_int_equal(e[k].hits, mqtt_topic_matches(slice_str(e[k].filter), slice_str(topic),
                                                           below ? MQTT_MATCH_HASH_BELOW : MQTT_MATCH_SPEC));
    }
    for (unsigned k = 0; k < n; k++)
        broker_tree_remove(&t, &e[k].leaf);
    broker_tree_done(&t); /* LeakSanitizer sees a level left behind */
}

static void groups_take_turns(void **state)
{
    static struct entry e[3];
    struct broker_tree t;
    (void)state;

    assert_int_equal(broker_tree_init(&t), ERR_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(broker_tree_add(&t, SLICE_LIT("$share/g/a/+"), &e[i].leaf), ERR_OK);
    for (unsigned i = 0; i < 9; i++)
        broker_tree_match(&t, SLICE_LIT("a/b"), false, &visitor);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(e[i].hits, 3);
    broker_tree_remove(&t, &e[1].leaf);
    broker_tree_remove(&t, &e[1].leaf); /* twice is fine */
    for (unsigned i = 0; i < 4; i++)
        broker_tree_match(&t, SLICE_LIT("a/b"), false, &visitor);
    assert_int_equal(e[0].hits + e[2].hits, 10);
    assert_int_equal(e[0].hits, 5);
    broker_tree_remove(&t, &e[0].leaf);
    broker_tree_remove(&t, &e[2].leaf);
    broker_tree_done(&t);
}

/* 100,000 subscriptions with wildcards: what a match looks at grows with the levels of the topic and with
 * what matches, not with their number. Counted in nodes, for time says nothing on a busy machine. */
static void cost_is_by_levels_not_by_number(void **state)
{
    static struct entry e[100000], deep;
    struct broker_tree t;
    uint64_t few = 0, before;
    char filter[40], topic[40];
    (void)state;

    assert_int_equal(broker_tree_init(&t), ERR_OK);
    for (unsigned i = 0; i < ARRAY_LEN(e); i++) {
        snprintf(filter, sizeof(filter), i % 2 ? "site/%u/+/temp" : "site/%u/#", i);
        assert_int_equal(broker_tree_add(&t, slice_str(filter), &e[i].leaf), ERR_OK);
        if (i == 9 || i == ARRAY_LEN(e) - 1) {
            before = t.visits;
            for (unsigned k = 0; k < 10; k++) {
                snprintf(topic, sizeof(topic), "site/%u/dev/temp", k * (i / 10));
                broker_tree_match(&t, slice_str(topic), false, &visitor);
            }
            assert_true(t.visits - before <= 10 * 5); /* root and at most four levels */
            assert_true(i == 9 || t.visits - before <= few + 10 * 2);
            few = t.visits - before;
        }
    }
    assert_int_equal(broker_tree_add(&t, SLICE_LIT("a/b/c/d/e/f/g/h"), &deep.leaf), ERR_OK);
    before = t.visits;
    broker_tree_match(&t, SLICE_LIT("a/b/c/d/e/f/g/h"), false, &visitor);
    assert_int_equal(t.visits - before, 9); /* control: more levels do cost more */
    for (unsigned i = 0; i < ARRAY_LEN(e); i++)
        broker_tree_remove(&t, &e[i].leaf);
    broker_tree_remove(&t, &deep.leaf);
    assert_int_equal(t.n, 0);
    broker_tree_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_the_matcher),
                                        cmocka_unit_test(cost_is_by_levels_not_by_number),
                                        cmocka_unit_test(groups_take_turns) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
