#include "../cm.h"
#include "base/mem.h"
#include "mqtt/topic.h"

static const struct {
    struct slice s;
    bool name, filter;
} valid[] = {
    { SLICE_LIT("a"), true, true },
    { SLICE_LIT("/"), true, true },
    { SLICE_LIT("a//b"), true, true },
    { SLICE_LIT("/finance"), true, true },
    { SLICE_LIT("Accounts payable"), true, true },
    { SLICE_LIT(""), false, false },     /* [MQTT-4.7.3-1] */
    { SLICE_LIT("a\0b"), false, false }, /* [MQTT-4.7.3-2] */
    { SLICE_LIT("a\xff"), false, false },
    { SLICE_LIT("#"), false, true },
    { SLICE_LIT("+"), false, true },
    { SLICE_LIT("sport/tennis/#"), false, true },
    { SLICE_LIT("sport/tennis#"), false, false }, /* [MQTT-4.7.1-1] */
    { SLICE_LIT("sport/tennis/#/ranking"), false, false },
    { SLICE_LIT("#/"), false, false },
    { SLICE_LIT("##"), false, false },
    { SLICE_LIT("+/tennis/#"), false, true },
    { SLICE_LIT("sport+"), false, false }, /* [MQTT-4.7.1-2] */
    { SLICE_LIT("+sport"), false, false },
    { SLICE_LIT("sport/+/player1"), false, true },
    { SLICE_LIT("/+"), false, true },
    { SLICE_LIT("+/+"), false, true },
    { SLICE_LIT("$share/g/a/#"), false, true },
    { SLICE_LIT("$share/g/"), true, false }, /* [MQTT-4.8.2-2] */
    { SLICE_LIT("$share/g"), true, false },
    { SLICE_LIT("$share//a"), true, false },
    { SLICE_LIT("$share/+/a"), false, false },
    { SLICE_LIT("$share/g#/a"), false, false },
    { SLICE_LIT("$share/g/a/b#"), false, false },
    { SLICE_LIT("$shares/g"), true, true },
};

static void validity(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
        autofree uint8_t *copy = mem_dup(valid[i].s.p, valid[i].s.n);
        struct slice s = { copy, valid[i].s.n };
        print_message("  '%.*s'\n", SLICE_FMT(valid[i].s));
        assert_int_equal(mqtt_topic_valid(s), valid[i].name);
        assert_int_equal(mqtt_filter_valid(s), valid[i].filter);
    }
}

static void length_limit(void **state)
{
    autofree uint8_t *big = mem_calloc(1, 65536);
    (void)state;
    memset(big, 'x', 65536);
    assert_true(mqtt_topic_valid(slice_of(big, 65535)));
    assert_false(mqtt_topic_valid(slice_of(big, 65536)));
    assert_false(mqtt_filter_valid(slice_of(big, 65536)));
}

/* The examples of §4.7.1 and §4.7.2; aws: with MQTT_MATCH_HASH_BELOW. */
static const struct {
    const char *filter, *topic;
    bool spec, aws;
} matches[] = {
    { "sport/tennis/player1/#", "sport/tennis/player1", true, false },
    { "sport/tennis/player1/#", "sport/tennis/player1/ranking", true, true },
    { "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true, true },
    { "sport/#", "sport", true, false },
    { "sensor/#", "sensor/", true, true },
    { "sensor/#", "sensors/a", false, false },
    { "#", "a/b/c", true, true },
    { "#", "/", true, true },
    { "sport/tennis/+", "sport/tennis/player1", true, true },
    { "sport/tennis/+", "sport/tennis/player1/ranking", false, false },
    { "sport/+", "sport", false, false },
    { "sport/+", "sport/", true, true },
    { "+/+", "/finance", true, true },
    { "/+", "/finance", true, true },
    { "+", "/finance", false, false },
    { "#", "$SYS/x", false, false }, /* [MQTT-4.7.2-1] */
    { "+/monitor/Clients", "$SYS/monitor/Clients", false, false },
    { "$SYS/#", "$SYS/x", true, true },
    { "$SYS/monitor/+", "$SYS/monitor/Clients", true, true },
    { "a/b", "a/b", true, true },
    { "a/b", "a/B", false, false }, /* §4.7.3 case sensitive */
    { "a/b", "a/b/", false, false },
    { "a/b/", "a/b", false, false },
    { "a//b", "a/+/b", false, false },
    { "a/+/b", "a//b", true, true },
    { "+/#", "a", true, false },
    { "+/#", "a/b", true, true },
    { "ab", "a", false, false },
    { "a", "ab", false, false },
};

static void matching(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
        struct slice f = slice_str(matches[i].filter), t = slice_str(matches[i].topic);
        print_message("  %s ~ %s\n", matches[i].filter, matches[i].topic);
        assert_int_equal(mqtt_topic_matches(f, t, MQTT_MATCH_SPEC), matches[i].spec);
        assert_int_equal(mqtt_topic_matches(f, t, MQTT_MATCH_HASH_BELOW), matches[i].aws);
    }
}

static void levels_and_slashes(void **state)
{
    struct slice rest = SLICE_LIT("a//b/"), level;
    bool more = true;
    static const char *const want[] = { "a", "", "b", "" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_true(mqtt_level_next(&rest, &more, &level));
        assert_true(slice_eq(level, slice_str(want[i])));
    }
    assert_false(mqtt_level_next(&rest, &more, &level));
    assert_int_equal(mqtt_topic_slashes(SLICE_LIT("a//b/")), 3);
    assert_true(mqtt_filter_has_wildcard(SLICE_LIT("a/+")));
    assert_false(mqtt_filter_has_wildcard(SLICE_LIT("a/b")));
}

static void shared(void **state)
{
    struct slice g = SLICE_LIT("?"), f = SLICE_LIT("?");
    (void)state;
    assert_int_equal(mqtt_share_parse(SLICE_LIT("a/b"), &g, &f), ERR_NOT_FOUND);
    assert_int_equal(mqtt_share_parse(SLICE_LIT("$share//b"), &g, &f), ERR_PROTO);
    assert_true(g.n == 1 && f.n == 1); /* untouched */
    assert_int_equal(mqtt_share_parse(SLICE_LIT("$share/g/x/+"), &g, &f), ERR_OK);
    assert_true(slice_eq(g, SLICE_LIT("g")) && slice_eq(f, SLICE_LIT("x/+")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity),           cmocka_unit_test(length_limit), cmocka_unit_test(matching),
        cmocka_unit_test(levels_and_slashes), cmocka_unit_test(shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
