#include "../../cm.h"

#include "base/mem.h"
#include "cloud/policy/vars.h"

#include <stdio.h>
#include <string.h>

static void first_second_and_list(void **state)
{
    auto_policy_vars v = { 0 };
    char *const *all;

    (void)state;
    assert_int_equal(policy_vars_add(&v, "a.b", SLICE_LIT("one")), ERR_OK);
    assert_int_equal(policy_vars_add(&v, "a.b", SLICE_LIT("two")), ERR_OK);
    assert_string_equal(policy_vars_first(&v, SLICE_LIT("A.B")), "one");
    assert_string_equal(policy_vars_first(&v, SLICE_LIT("a.b.0")), "one");
    assert_string_equal(policy_vars_first(&v, SLICE_LIT("a.b.1")), "two"); /* trap 24 */
    assert_null(policy_vars_first(&v, SLICE_LIT("a.b.2")));
    assert_null(policy_vars_first(&v, SLICE_LIT("a.b.5")));
    assert_null(policy_vars_first(&v, SLICE_LIT("a")));
    assert_null(policy_vars_first(&v, SLICE_LIT("")));
    assert_null(policy_vars_first(&v, SLICE_LIT(".1")));
    assert_int_equal(policy_vars_all(&v, SLICE_LIT("a.b.List"), &all), 2);
    assert_string_equal(all[1], "two");
    assert_int_equal(policy_vars_all(&v, SLICE_LIT("a.b"), &all), 2);
    assert_int_equal(policy_vars_all(&v, SLICE_LIT("a.b.1"), &all), 1);
    assert_string_equal(all[0], "two");
}

static void at_most_five_values(void **state)
{
    auto_policy_vars v = { 0 };
    char *const *all;

    (void)state;
    for (int i = 0; i < 7; i++)
        assert_int_equal(policy_vars_add(&v, "a", SLICE_LIT("x")), ERR_OK);
    assert_int_equal(policy_vars_all(&v, SLICE_LIT("a"), &all), POLICY_VALUES_MAX);
}

static void limit_of_names(void **state)
{
    auto_policy_vars v = { 0 };
    char name[16];

    (void)state;
    for (unsigned i = 0; i < POLICY_VARS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "n%u", i);
        assert_int_equal(policy_vars_add(&v, name, SLICE_LIT("x")), ERR_OK);
    }
    assert_int_equal(policy_vars_add(&v, "more", SLICE_LIT("x")), ERR_TOO_BIG);
    assert_int_equal(policy_vars_add(&v, "n0", SLICE_LIT("y")), ERR_OK);
}

/* Trap 8: values with wildcards are not substituted; others are escaped. */
static void certificate_values(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        { "plain", "plain" }, { "a*", NULL },
        { "a$b", NULL },      { "a+b", NULL },
        { "a?b", NULL },      { "a#b", NULL },
        { "a,b", "a\\,b" },   { "a\"b", "a\\\"b" },
        { "a\\b", "a\\\\b" }, { "a=b<c>d;", "a\\=b\\<c\\>d\\;" },
        { "", NULL },
    };
    char longest[POLICY_VALUE_LEN_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_policy_vars v = { 0 };
        const char *got;
        assert_int_equal(policy_vars_add_cert(&v, "c", slice_str(cases[i].value)), ERR_OK);
        got = policy_vars_first(&v, SLICE_LIT("c"));
        if (cases[i].want)
            assert_string_equal(got, cases[i].want);
        else
            assert_null(got);
    }
    memset(longest, ',', sizeof(longest));
    auto_policy_vars v = { 0 };
    assert_int_equal(policy_vars_add_cert(&v, "over", slice_of(longest, sizeof(longest))), ERR_OK);
    assert_null(policy_vars_first(&v, SLICE_LIT("over")));
    assert_int_equal(policy_vars_add_cert(&v, "fits", slice_of(longest, sizeof(longest) - 1)), ERR_OK);
    assert_int_equal(strlen(policy_vars_first(&v, SLICE_LIT("fits"))), 2 * POLICY_VALUE_LEN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_second_and_list),
        cmocka_unit_test(at_most_five_values),
        cmocka_unit_test(limit_of_names),
        cmocka_unit_test(certificate_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
