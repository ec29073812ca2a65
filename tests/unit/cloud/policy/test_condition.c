#include "../../cm.h"

#include "base/json.h"
#include "base/mem.h"
#include "cloud/policy/condition.h"

#include <string.h>

static struct policy_vars vars;

static int setup(void **state)
{
    (void)state;
    return policy_vars_add(&vars, "iot:ClientId", SLICE_LIT("core")) ||
           policy_vars_add(&vars, "iot:Connection.Thing.IsAttached", SLICE_LIT("true")) ||
           policy_vars_add(&vars, "iot:ConnectAttributes", SLICE_LIT("PersistentConnect")) ||
           policy_vars_add(&vars, "iot:ConnectAttributes", SLICE_LIT("LastWill")) ||
           policy_vars_add(&vars, "iot:LastWillTopic",
                           SLICE_LIT("arn:aws:iot:us-east-1:1:topic/will/core")) ||
           policy_vars_add(&vars, "aws:SourceIp", SLICE_LIT("10.1.2.3")) ||
           policy_vars_add(&vars, "n", SLICE_LIT("7"));
}

static int teardown(void **state)
{
    (void)state;
    policy_vars_done(&vars);
    return 0;
}

static const struct {
    const char *text;
    bool holds;
} cases[] = {
    { "{}", true },
    { "{\"StringEquals\":{\"iot:ClientId\":\"core\"}}", true },
    { "{\"StringEquals\":{\"IOT:clientid\":\"core\"}}", true },
    { "{\"stringequals\":{\"iot:ClientId\":\"core\"}}", true },
    { "{\"StringEquals\":{\"iot:ClientId\":[\"x\",\"core\"]}}", true }, /* values are ORed */
    { "{\"StringEquals\":{\"iot:ClientId\":\"c*\"}}", false },
    { "{\"StringLike\":{\"iot:ClientId\":\"c*\"}}", true },
    { "{\"StringLike\":{\"iot:ClientId\":\"x*\"}}", false },
    { "{\"StringNotLike\":{\"iot:ClientId\":\"x*\"}}", true },
    { "{\"StringEqualsIgnoreCase\":{\"iot:ClientId\":\"CORE\"}}", true },
    { "{\"StringNotEqualsIgnoreCase\":{\"iot:ClientId\":\"CORE\"}}", false },
    { "{\"StringNotEquals\":{\"iot:ClientId\":[\"x\",\"core\"]}}", false }, /* none may match */
    { "{\"StringNotEquals\":{\"iot:ClientId\":[\"x\",\"y\"]}}", true },
    { "{\"StringEquals\":{\"iot:ClientId\":\"${iot:ClientId}\"}}", true },
    { "{\"StringEquals\":{\"iot:ClientId\":\"${iot:Nobody}\"}}", false },
    { "{\"Bool\":{\"iot:Connection.Thing.IsAttached\":\"true\"}}", true },
    { "{\"Bool\":{\"iot:Connection.Thing.IsAttached\":true}}", true },
    { "{\"Bool\":{\"iot:Connection.Thing.IsAttached\":\"false\"}}", false },
    { "{\"StringEquals\":{\"missing\":\"x\"}}", false },
    { "{\"StringNotEquals\":{\"missing\":\"x\"}}", true },
    { "{\"StringEqualsIfExists\":{\"missing\":\"x\"}}", true },
    { "{\"StringEqualsIfExists\":{\"iot:ClientId\":\"x\"}}", false },
    { "{\"Null\":{\"missing\":\"true\"}}", true },
    { "{\"Null\":{\"missing\":\"false\"}}", false },
    { "{\"Null\":{\"iot:ClientId\":\"true\"}}", false },
    { "{\"Null\":{\"iot:ClientId\":\"false\"}}", true },
    { "{\"NumericEquals\":{\"n\":7}}", true },
    { "{\"NumericLessThan\":{\"n\":\"7\"}}", false },
    { "{\"NumericGreaterThanEquals\":{\"n\":6.5}}", true },
    { "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}", true },
    { "{\"NotIpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}", false },
    { "{\"ArnLike\":{\"iot:LastWillTopic\":\"arn:aws:iot:*:*:topic/will/*\"}}", true },
    { "{\"ArnNotEquals\":{\"iot:LastWillTopic\":\"arn:aws:iot:us-east-1:1:topic/will/core\"}}", false },
    /* the documented patterns for connect attributes */
    { "{\"ForAllValues:StringEquals\":{\"iot:ConnectAttributes\":[\"PersistentConnect\",\"LastWill\"]}}",
      true },
    { "{\"ForAllValues:StringEquals\":{\"iot:ConnectAttributes\":[\"PersistentConnect\"]}}", false },
    { "{\"ForAllValues:StringEquals\":{\"missing\":[\"x\"]}}", true }, /* true on the empty set */
    { "{\"ForAnyValue:StringEquals\":{\"iot:ConnectAttributes\":[\"LastWill\"]}}", true },
    { "{\"ForAnyValue:StringEquals\":{\"iot:ConnectAttributes\":[\"x\"]}}", false },
    { "{\"ForAnyValue:StringEquals\":{\"missing\":[\"x\"]}}", false },
    /* keys and operators are ANDed */
    { "{\"StringEquals\":{\"iot:ClientId\":\"core\",\"n\":\"7\"}}", true },
    { "{\"StringEquals\":{\"iot:ClientId\":\"core\",\"n\":\"8\"}}", false },
    { "{\"StringEquals\":{\"iot:ClientId\":\"core\"},\"Bool\":{\"iot:Connection.Thing.IsAttached\":\"false\"}"
      "}",
      false },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct conditions cs = { 0 };
        char why[200] = "";
        auto_json *j = NULL;
        print_message("  %s\n", cases[i].text);
        assert_int_equal(json_parse(slice_str(cases[i].text), 8, &j, NULL), ERR_OK);
        assert_int_equal(conditions_parse(j, &cs, why, sizeof(why)), ERR_OK);
        assert_int_equal(conditions_hold(&cs, &vars, false), cases[i].holds);
        conditions_done(&cs);
    }
}

/* CL-25: what cannot be answered neither allows nor lifts a Deny. */
static const struct {
    const char *text;
    bool allow, deny;
} unresolved[] = {
    { "{\"StringNotEquals\":{\"iot:ClientId\":\"${iot:Nobody}\"}}", false, true },
    { "{\"StringNotLike\":{\"iot:ClientId\":\"${iot:Nobody}*\"}}", false, true },
    { "{\"StringNotLike\":{\"iot:ClientId\":[\"x\",\"${iot:Nobody}\"]}}", false, true },
    { "{\"StringNotLike\":{\"iot:ClientId\":[\"${iot:Nobody}\",\"core\"]}}", false, false },
    { "{\"StringNotEqualsIfExists\":{\"iot:ClientId\":\"${iot:Nobody}\"}}", false, true },
    { "{\"ForAnyValue:StringNotEquals\":{\"iot:ClientId\":\"${iot:Nobody}\"}}", false, true },
    { "{\"ForAllValues:StringNotEquals\":{\"iot:ClientId\":\"${iot:Nobody}\"}}", false, true },
    { "{\"StringEquals\":{\"iot:ClientId\":\"${iot:Nobody}\"}}", false, false },
    { "{\"StringNotEquals\":{\"missing\":\"x\"}}", true, true }, /* as IAM documents it */
};

static void unresolved_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(unresolved); i++) {
        struct conditions cs = { 0 };
        char why[200] = "";
        auto_json *j = NULL;
        print_message("  %s\n", unresolved[i].text);
        assert_int_equal(json_parse(slice_str(unresolved[i].text), 8, &j, NULL), ERR_OK);
        assert_int_equal(conditions_parse(j, &cs, why, sizeof(why)), ERR_OK);
        assert_int_equal(conditions_hold(&cs, &vars, false), unresolved[i].allow);
        assert_int_equal(conditions_hold(&cs, &vars, true), unresolved[i].deny);
        conditions_done(&cs);
    }
}

static void malformed(void **state)
{
    static const char *const bad[] = {
        "[]",
        "\"x\"",
        "{\"Nonsense\":{\"a\":\"b\"}}",
        "{\"ForSomeValues:StringEquals\":{\"a\":\"b\"}}",
        "{\"StringEquals\":\"x\"}",
        "{\"StringEquals\":{\"a\":[]}}",
        "{\"StringEquals\":{\"a\":{}}}",
        "{\"StringEquals\":{\"a\":null}}",
        "{\"StringEquals\":{\"a\":\"${\"}}",
        "{\"IfExists\":{\"a\":\"b\"}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct conditions cs = { .n = 77 };
        char why[200] = "";
        auto_json *j = NULL;
        print_message("  %s\n", bad[i]);
        assert_int_equal(json_parse(slice_str(bad[i]), 8, &j, NULL), ERR_OK);
        assert_int_equal(conditions_parse(j, &cs, why, sizeof(why)), ERR_INVALID);
        assert_int_equal(cs.n, 77);
        assert_true(why[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(unresolved_values),
                                        cmocka_unit_test(malformed) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
