#include "../../cm.h"

#include "base/mem.h"
#include "cloud/policy/pattern.h"

static struct policy_vars vars;

static int setup(void **state)
{
    (void)state;
    return policy_vars_add(&vars, "iot:ClientId", SLICE_LIT("core*1")) ||
           policy_vars_add(&vars, "iot:Connection.Thing.ThingName", SLICE_LIT("core"));
}

static int teardown(void **state)
{
    (void)state;
    policy_vars_done(&vars);
    return 0;
}

#define NO PATTERN_NO
#define YES PATTERN_YES
#define UNRESOLVED PATTERN_UNRESOLVED

static const struct {
    const char *pattern, *subject;
    enum pattern_result want;
} cases[] = {
    { "", "", YES },
    { "", "a", NO },
    { "a", "a", YES },
    { "a", "A", NO },
    { "a", "ab", NO },
    { "ab", "a", NO },
    { "*", "", YES },
    { "*", "a/b/c", YES }, /* `*` crosses '/' (trap 9) */
    { "a/*", "a/", YES },
    { "a/*", "a/b/c", YES },
    { "a/*", "a", NO },
    { "a/*", "a/#", YES },
    { "a/+/b", "a/+/b", YES }, /* + and # are literal (trap 9) */
    { "a/+/b", "a/x/b", NO },
    { "a/#", "a/b", NO },
    { "?", "", NO },
    { "?", "a", YES },
    { "?", "\xc3\xa9", YES }, /* one character, two bytes */
    { "?", "ab", NO },
    { "a?c", "abc", YES },
    { "*b", "ab", YES },
    { "*b", "abc", NO },
    { "*b*", "aabbcc", YES },
    { "*ab*ab*", "ab", NO },
    { "*ab*ab*", "xabab", YES },
    { "a*b*c", "abcbc", YES },
    { "a*b*c", "abcb", NO },
    { "**", "x", YES },
    { "*?", "", NO },
    { "*?", "x", YES },
    { "${*}", "*", YES }, /* literal wildcards */
    { "${*}", "x", NO },
    { "${?}", "?", YES },
    { "${?}", "x", NO },
    { "${$}", "$", YES },
    { "$aws/things/x", "$aws/things/x", YES }, /* a bare $ is a character */
    { "t/${iot:Connection.Thing.ThingName}/*", "t/core/x", YES },
    { "t/${iot:Connection.Thing.ThingName}/*", "t/other/x", NO },
    { "t/${IOT:connection.thing.thingname}", "t/core", YES }, /* names without case */
    { "t/${iot:ClientId}", "t/core*1", YES },                 /* a value's wildcard is a character */
    { "t/${iot:ClientId}", "t/coreXX1", NO },
    { "*${iot:Connection.Thing.ThingName}", "corecore", YES },
    { "t/${iot:Nobody}", "t/", UNRESOLVED },
    { "*${iot:Nobody}*", "anything", UNRESOLVED },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pattern p = { 0 };
        print_message("  %s on %s\n", cases[i].pattern, cases[i].subject);
        assert_int_equal(pattern_compile(slice_str(cases[i].pattern), &p), ERR_OK);
        assert_int_equal(pattern_match(&p, &vars, slice_str(cases[i].subject), false), cases[i].want);
        pattern_done(&p);
    }
}

static void without_case(void **state)
{
    struct pattern p = { 0 };

    (void)state;
    assert_int_equal(pattern_compile(SLICE_LIT("iot:Pub*"), &p), ERR_OK);
    assert_int_equal(pattern_match(&p, &vars, SLICE_LIT("IOT:publish"), true), PATTERN_YES);
    assert_int_equal(pattern_match(&p, &vars, SLICE_LIT("IOT:publish"), false), PATTERN_NO);
    pattern_done(&p);
}

static void malformed(void **state)
{
    static const char *const bad[] = { "${", "${a", "a${}", "${iot:ClientId" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pattern p = { .n = 77 };
        assert_int_equal(pattern_compile(slice_str(bad[i]), &p), ERR_INVALID);
        assert_int_equal(p.n, 77); /* untouched */
    }
}

static void as_text(void **state)
{
    struct pattern p = { 0 };
    char out[16];

    (void)state;
    assert_int_equal(pattern_compile(SLICE_LIT("a${iot:Connection.Thing.ThingName}*?"), &p), ERR_OK);
    assert_int_equal(pattern_text(&p, &vars, out, sizeof(out)), ERR_OK);
    assert_string_equal(out, "acore*?");
    assert_int_equal(pattern_text(&p, &vars, out, 8), ERR_OK); /* seven and a NUL */
    assert_int_equal(pattern_text(&p, &vars, out, 7), ERR_TOO_BIG);
    pattern_done(&p);
    assert_int_equal(pattern_compile(SLICE_LIT("${iot:Nobody}"), &p), ERR_OK);
    assert_int_equal(pattern_text(&p, &vars, out, sizeof(out)), ERR_NOT_FOUND);
    pattern_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(without_case),
        cmocka_unit_test(malformed),
        cmocka_unit_test(as_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
