#include "../../cm.h"

#include "base/mem.h"
#include "cloud/policy/glob.h"

static const struct {
    const char *pattern, *subject;
    bool want;
} cases[] = {
    { "", "", true },
    { "", "a", false },
    { "*", "", true },
    { "*", "any/thing", true },
    { "?", "", false },
    { "?", "\xc3\xa9", true }, /* a character is not a byte */
    { "??", "\xc3\xa9", false },
    { "a", "a", true },
    { "a", "ab", false },
    { "ab", "a", false },
    { "a*", "a", true },
    { "a*", "ba", false },
    { "*a", "bbba", true },
    { "*a", "bbab", false },
    { "a*b*c", "a-b-b-c", true },
    { "a*b*c", "a-c-b", false },
    { "*aab", "aaaab", true },
    { "a?*", "a", false },
    { "a?*", "ab", true },
    { "**", "x", true },
    { "+/#", "+/#", true }, /* MQTT's wildcards mean nothing */
    { "+", "a", false },
    { "${*}${?}${$}", "*?$", true },
    { "${*}", "x", false },
    { "t/${name}/x", "t/core/x", true },
    { "t/${name}/*", "t/other/x", false },
};

static err_t make(const char *text, const struct policy_vars *vars, struct buf *out)
{
    struct pattern p;
    err_t e = pattern_compile(slice_str(text), &p);

    assert_int_equal(e, ERR_OK);
    e = glob_add(out, &p, vars);
    pattern_done(&p);
    return e;
}

static void each_case(void **state)
{
    auto_policy_vars vars = { 0 };

    (void)state;
    assert_int_equal(policy_vars_add(&vars, "name", SLICE_LIT("core")), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf glob = BUF_INIT(1000);
        print_message("  %s %s\n", cases[i].pattern, cases[i].subject);
        assert_int_equal(make(cases[i].pattern, &vars, &glob), ERR_OK);
        assert_int_equal(glob_match(buf_slice(&glob), slice_str(cases[i].subject)), cases[i].want);
    }
}

static void the_head_is_what_stands_before_a_wildcard(void **state)
{
    static const struct policy_vars none;
    static const struct {
        const char *pattern;
        size_t want;
    } heads[] = { { "", 0 }, { "abc", 3 }, { "ab*", 2 }, { "a?c", 1 }, { "*", 0 }, { "${*}b*", 2 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        autobuf glob = BUF_INIT(1000);
        assert_int_equal(make(heads[i].pattern, &none, &glob), ERR_OK);
        assert_int_equal(glob_head(buf_slice(&glob)), heads[i].want);
    }
}

/* A value is text, never a wildcard; one that cannot be text is missing. */
static void what_a_variable_may_stand_for(void **state)
{
    auto_policy_vars vars = { 0 };
    autobuf glob = BUF_INIT(1000);

    (void)state;
    assert_int_equal(policy_vars_add(&vars, "star", SLICE_LIT("*")), ERR_OK);
    assert_int_equal(policy_vars_add(&vars, "odd", SLICE_LIT("a\xff")), ERR_OK);
    assert_int_equal(buf_add_str(&glob, "kept"), ERR_OK);
    assert_int_equal(make("a${odd}", &vars, &glob), ERR_NOT_FOUND);
    assert_int_equal(make("a${nobody}", &vars, &glob), ERR_NOT_FOUND);
    assert_string_equal(buf_str(&glob), "kept");
    buf_clear(&glob);
    assert_int_equal(make("${star}", &vars, &glob), ERR_OK);
    assert_true(glob_match(buf_slice(&glob), SLICE_LIT("*")));
    assert_false(glob_match(buf_slice(&glob), SLICE_LIT("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(the_head_is_what_stands_before_a_wildcard),
        cmocka_unit_test(what_a_variable_may_stand_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
