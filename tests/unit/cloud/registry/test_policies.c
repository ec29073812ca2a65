#include "../fixture.h"

#include "base/mem.h"

#define DOCUMENT                                                                                   \
    "{\"policyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":" \
    "\\\"Allow\\\",\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}}\"}"

static char *target(const char *arn)
{
    return mem_printf("{\"target\":\"%s\"}", arn);
}

static void attach_and_detach(void **state)
{
    struct fixture *f = *state;
    char id[65], arn[160];

    fixture_certificate(f, id, arn);
    autofree char *body = target(arn);
    assert_int_equal(CALL(f, "CreatePolicy", DOCUMENT, "policyName=p"), API_OK);
    assert_int_equal(CALL(f, "AttachPolicy", body, "policyName=p"), API_OK);
    assert_int_equal(f->call.effects.n, 1);
    assert_int_equal(CALL(f, "AttachPolicy", body, "policyName=p"), API_OK); /* idempotent: nothing changed */
    assert_int_equal(f->call.effects.n, 0);
    assert_int_equal(CALL(f, "DeletePolicy", NULL, "policyName=p"), API_DELETE_CONFLICT);
    assert_int_equal(CALL(f, "DetachPolicy", body, "policyName=p"), API_OK);
    assert_int_equal(f->call.effects.n, 1);
    assert_int_equal(CALL(f, "DeletePolicy", NULL, "policyName=p"), API_OK);
    assert_int_equal(CALL(f, "DeletePolicy", NULL, "policyName=p"), API_NOT_FOUND);
}

static void ten_policies_a_principal(void **state)
{
    struct fixture *f = *state;
    char id[65], arn[160];

    fixture_certificate(f, id, arn);
    autofree char *body = target(arn);
    for (int i = 0; i <= 10; i++) {
        autofree char *name = mem_printf("policyName=p%d", i);
        assert_int_equal(CALL(f, "CreatePolicy", DOCUMENT, name), API_OK);
        assert_int_equal(CALL(f, "AttachPolicy", body, name), i < 10 ? API_OK : API_LIMIT);
    }
    autofree char *label = mem_printf("target=%s", arn);
    assert_int_equal(CALL(f, "ListAttachedPolicies", NULL, label), API_OK);
    assert_int_equal(json_array_size(fixture_member(f, "policies")), 10); /* the eleventh was rolled back */
}

static void bad_input(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "CreatePolicy", DOCUMENT, "policyName=a b"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "CreatePolicy", "{}", "policyName=p"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "CreatePolicy", "{\"policyDocument\":\"x\"}", "policyName=p"),
                     API_MALFORMED_POLICY);
    assert_int_equal(CALL(f, "CreatePolicy", DOCUMENT, "policyName=p"), API_OK);
    assert_int_equal(CALL(f, "CreatePolicy", DOCUMENT, "policyName=p"), API_EXISTS);
    assert_int_equal(CALL(f, "AttachPolicy", "{}", "policyName=p"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "AttachPolicy", "{\"target\":\"x\"}", "policyName=q"), API_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attach_and_detach, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(ten_policies_a_principal, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(bad_input, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
