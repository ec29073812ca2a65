/* What test_evaluate.c does not ask the matcher: wildcards in the ARN's front, which statement decided,
 * limits. */
#include "../../cm.h"

#include "base/mem.h"
#include "cloud/policy/matcher.h"

#include <string.h>

#define PREFIX "arn:aws:iot:us-east-1:123456789012:"

static struct policy_matcher *matcher(const char *statements)
{
    static const struct policy_vars none;
    char why[POLICY_WHY_MAX] = "";
    autofree char *text = mem_printf("{\"Version\":\"2012-10-17\",\"Statement\":%s}", statements);
    auto_policy_doc *doc = NULL;
    struct policy_matcher *m = NULL;

    assert_int_equal(policy_doc_parse(slice_str(text), &doc, why), ERR_OK);
    assert_int_equal(policy_matcher_new(&doc, 1, &none, slice_str(PREFIX), &m), ERR_OK);
    return m; /* borrows nothing of the document */
}

static void resources_that_are_not_written_out(void **state)
{
    static const struct {
        const char *resource, *asked;
        enum policy_verdict want;
    } cases[] = {
        { "*", "topic/a", POLICY_ALLOW },
        { "arn:aws:iot:*:*:topic/a", "topic/a", POLICY_ALLOW },
        { "arn:aws:iot:*:*:topic/a", "topic/b", POLICY_IMPLICIT_DENY },
        { "arn:aws:iot:us-east-?:*:topic/*", "topic/b", POLICY_ALLOW },
        { "arn:aws:iot:eu-west-1:*:topic/*", "topic/b", POLICY_IMPLICIT_DENY },
        { "arn:aws:iot:eu-west-1:123456789012:topic/b", "topic/b", POLICY_IMPLICIT_DENY },
        { "arn:aws:iot:us-east-1:123456789012:*", "topic/b", POLICY_ALLOW },
        { "arn:aws:iot:us-east-1", "topic/b", POLICY_IMPLICIT_DENY },
        { "arn:*", "topic/b", POLICY_ALLOW },
        { "arn:aws:iot:us-east-1:123456789012:", "", POLICY_ALLOW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autofree char *st = mem_printf(
            "[{\"Effect\":\"Allow\",\"Action\":\"iot:Publish\",\"Resource\":\"%s\"}]", cases[i].resource);
        struct policy_matcher *m = matcher(st);
        print_message("  %s\n", cases[i].resource);
        assert_int_equal(policy_matcher_check(m, POLICY_PUBLISH, slice_str(cases[i].asked), NULL),
                         cases[i].want);
        assert_int_equal(policy_matcher_check(m, POLICY_RECEIVE, slice_str(cases[i].asked), NULL),
                         POLICY_IMPLICIT_DENY);
        policy_matcher_free(m);
    }
}

static void the_statement_that_decided(void **state)
{
    struct policy_matcher *m =
        matcher("[{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":[\"" PREFIX "topic/x\",\"" PREFIX
                "topic/y\"]},"
                "{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"" PREFIX "topic/*\"},"
                "{\"Effect\":\"Deny\",\"Action\":\"iot:*\",\"NotResource\":[\"" PREFIX "topic/?\",\"" PREFIX
                "client/*\"]}]");
    static const struct {
        const char *asked;
        int where;
    } cases[] = { { "topic/y", 0 }, { "topic/z", 1 }, { "topic/zz", 2 }, { "client/z", -1 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int where = -7;
        (void)policy_matcher_check(m, POLICY_PUBLISH, slice_str(cases[i].asked), &where);
        assert_int_equal(where, cases[i].where);
    }
    policy_matcher_free(m);
}

static void what_is_too_long_is_denied(void **state)
{
    struct policy_matcher *m = matcher("[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]");
    static uint8_t many[4000];

    (void)state;
    memset(many, 'a', sizeof(many));
    assert_int_equal(policy_matcher_check(m, POLICY_PUBLISH, slice_of(many, 1500), NULL), POLICY_ALLOW);
    assert_int_equal(policy_matcher_check(m, POLICY_PUBLISH, slice_of(many, 4000), NULL),
                     POLICY_IMPLICIT_DENY);
    assert_int_equal(policy_matcher_check(NULL, POLICY_PUBLISH, slice_of(many, 1), NULL),
                     POLICY_IMPLICIT_DENY);
    policy_matcher_free(m);
    policy_matcher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resources_that_are_not_written_out),
        cmocka_unit_test(the_statement_that_decided),
        cmocka_unit_test(what_is_too_long_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
