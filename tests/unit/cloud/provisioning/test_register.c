/* RegisterThing: what a template makes, what it does to what is there (docs/spec/provisioning.md PV-20..29).
 */
#include "../fixture.h"

#define POLICY                                                                                             \
    "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" \
    "\\\"iot:*\\\",\\\"Resource\\\":\\\"*\\\"}]}"

/* A template in a request: its quotation marks escaped. */
static const char *body(const char *template, const char *params)
{
    static char out[16384];
    size_t n = (size_t)sprintf(out, "{\"templateBody\":\"");

    for (; *template; template ++) {
        if (*template == '"' || *template == '\\')
            out[n++] = '\\';
        out[n++] = *template;
    }
    (void)snprintf(out + n, sizeof(out) - n, "\",\"parameters\":%s}", params);
    return out;
}

#define TEMPLATE(overrides, status)                                                                         \
    "{\"Parameters\":{\"Name\":{\"Type\":\"String\"},\"Id\":{\"Type\":\"String\"},\"V\":{\"Type\":"         \
    "\"String\","                                                                                           \
    "\"Default\":\"1\"}},\"Resources\":{\"t\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":" \
    "{\"Ref\":\"Name\"},\"AttributePayload\":{\"v\":{\"Ref\":\"V\"}},\"ThingGroups\":[\"g\"],"              \
    "\"BillingGroup\":\"b\"}" overrides "},\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{"      \
    "\"CertificateId\":{\"Ref\":\"Id\"}" status "}},\"p\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{"  \
    "\"PolicyDocument\":\"" POLICY "\"}}}}"

static void world(struct fixture *f, char id[65])
{
    char arn[160];

    fixture_certificate(f, id, arn);
    assert_int_equal(CALL(f, "CreateThingGroup", NULL, "thingGroupName=g"), API_OK);
    assert_int_equal(CALL(f, "CreateThingGroup", NULL, "thingGroupName=h"), API_OK);
    assert_int_equal(CALL(f, "CreateBillingGroup", NULL, "billingGroupName=b"), API_OK);
}

static enum api_error run(struct fixture *f, const char *template, const char *id, const char *more)
{
    char params[512];

    (void)snprintf(params, sizeof(params), "{\"Name\":\"n\",\"Id\":\"%s\"%s}", id, more);
    return CALL(f, "RegisterThing", body(template, params));
}

static void makes_everything(void **state)
{
    struct fixture *f = *state;
    char id[65];

    world(f, id);
    assert_int_equal(run(f, TEMPLATE("", ""), id, ""), API_OK);
    assert_string_equal(fixture_text(f, "resourceArns.t"), "arn:aws:iot:us-east-1:123456789012:thing/n");
    assert_non_null(strstr(fixture_text(f, "resourceArns.c"), id));
    assert_non_null(strstr(fixture_text(f, "resourceArns.p"), ":policy/"));
    assert_non_null(strstr(fixture_text(f, "certificatePem"), "BEGIN CERTIFICATE"));
    assert_true(f->call.effects.n > 0); /* the gateway hears of it */
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=n"), API_OK);
    assert_string_equal(fixture_text(f, "attributes.v"), "1");
    assert_string_equal(fixture_text(f, "billingGroupName"), "b");
    assert_int_equal(CALL(f, "ListThingGroupsForThing", NULL, "thingName=n"), API_OK);
    assert_int_equal(json_array_size(fixture_member(f, "thingGroups")), 1);
    assert_int_equal(CALL(f, "ListThingPrincipals", NULL, "thingName=n"), API_OK);
    assert_int_equal(json_array_size(fixture_member(f, "principals")), 1);
    assert_int_equal(run(f, TEMPLATE("", ""), id, ""), API_OK); /* again: nothing twice */
    assert_int_equal(CALL(f, "ListPolicies", NULL), API_OK);
    assert_int_equal(json_array_size(fixture_member(f, "policies")), 1);
}

static void a_failure_makes_nothing(void **state)
{
    struct fixture *f = *state;
    char id[65];

    world(f, id);
    assert_int_equal(CALL(f, "DeleteBillingGroup", NULL, "billingGroupName=b"), API_OK);
    assert_int_equal(run(f, TEMPLATE("", ""), id, ""), API_REGISTRATION_FAILURE);
    assert_non_null(strstr(f->call.message, "b"));
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=n"), API_NOT_FOUND);
    assert_int_equal(run(f, TEMPLATE("", ""), "0123", ""), API_REGISTRATION_FAILURE);
    assert_int_equal(CALL(f, "RegisterThing", body(TEMPLATE("", ""), "{}")), API_REGISTRATION_FAILURE);
    assert_int_equal(CALL(f, "RegisterThing", body("{}", "{}")), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "RegisterThing", "{}"), API_INVALID_REQUEST);
}

static const struct {
    const char *overrides, *v;
    enum api_error error;
    size_t groups;
} cases[] = {
    { "", "0", API_OK, 1 },
    { ",\"OverrideSettings\":{\"AttributePayload\":\"DO_NOTHING\"}", "0", API_OK, 1 },
    { ",\"OverrideSettings\":{\"AttributePayload\":\"MERGE\"}", "1", API_OK, 1 },
    { ",\"OverrideSettings\":{\"AttributePayload\":\"REPLACE\"}", "1", API_OK, 1 },
    { ",\"OverrideSettings\":{\"AttributePayload\":\"FAIL\"}", "0", API_CONFLICTING_UPDATE, 1 },
    { ",\"OverrideSettings\":{\"ThingGroups\":\"MERGE\"}", "0", API_OK, 2 },
    { ",\"OverrideSettings\":{\"ThingGroups\":\"REPLACE\"}", "0", API_OK, 1 },
    { ",\"OverrideSettings\":{\"ThingGroups\":\"FAIL\"}", "0", API_CONFLICTING_UPDATE, 1 },
};

/* A thing that is there: attributes v and other, in group h. */
static void there_already(struct fixture *f)
{
    assert_int_equal(CALL(f, "CreateThing",
                          "{\"attributePayload\":{\"attributes\":{\"v\":\"0\",\"other\":\"o\"}}}",
                          "thingName=n"),
                     API_OK);
    assert_int_equal(CALL(f, "AddThingToThingGroup", "{\"thingName\":\"n\",\"thingGroupName\":\"h\"}"),
                     API_OK);
}

static void tear_down(struct fixture *f, const char *id)
{
    char principal[256];

    (void)snprintf(principal, sizeof(principal),
                   "x-amzn-principal=arn:aws:iot:us-east-1:123456789012:cert/%s", id);
    assert_int_equal(CALL(f, "DetachThingPrincipal", NULL, "thingName=n", principal), API_OK);
    assert_int_equal(CALL(f, "DeleteThing", NULL, "thingName=n"), API_OK);
}

static void overrides_say_what_happens_to_what_is_there(void **state)
{
    struct fixture *f = *state;
    char id[65];

    world(f, id);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char template[4096];
        bool replaced = strstr(cases[i].overrides, "Payload\":\"REPLACE") != NULL;
        print_message("  %s\n", cases[i].overrides);
        there_already(f);
        (void)snprintf(
            template, sizeof(template), "%s%s%s",
            "{\"Parameters\":{\"Name\":{\"Type\":\"String\"},\"Id\":{\"Type\":\"String\"}},\"Resources\":{"
            "\"t\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":{\"Ref\":\"Name\"},"
            "\"AttributePayload\":{\"v\":\"1\"},\"ThingGroups\":[\"g\"]}",
            cases[i].overrides,
            "},\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{\"CertificateId\":{\"Ref\":\"Id\"}}}"
            "}}");
        assert_int_equal(run(f, template, id, ""), cases[i].error);
        assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=n"), API_OK);
        assert_string_equal(fixture_text(f, "attributes.v"), cases[i].v);
        assert_int_equal(json_object_size(fixture_member(f, "attributes")), replaced ? 1 : 2);
        assert_int_equal(CALL(f, "ListThingGroupsForThing", NULL, "thingName=n"), API_OK);
        assert_int_equal(json_array_size(fixture_member(f, "thingGroups")), cases[i].groups);
        tear_down(f, id);
    }
}

static const char *status_of(struct fixture *f, const char *id)
{
    char param[100];

    (void)snprintf(param, sizeof(param), "certificateId=%s", id);
    assert_int_equal(CALL(f, "DescribeCertificate", NULL, param), API_OK);
    return fixture_text(f, "certificateDescription.status");
}

/* The status of a certificate that is in use stays, unless the override says otherwise. */
static void status_follows_its_override(void **state)
{
    struct fixture *f = *state;
    char id[65];
    const char *inactive = ",\"Status\":\"inactive\"}";

    world(f, id);
    assert_int_equal(run(f, TEMPLATE("", ",\"Status\":\"inactive\""), id, ""), API_OK);
    assert_string_equal(status_of(f, id), "ACTIVE");
    char template[4096];
    for (int fail = 0; fail < 2; fail++) {
        (void)snprintf(
            template, sizeof(template),
            "{\"Parameters\":{\"Name\":{\"Type\":\"String\"},\"Id\":{\"Type\":\"String\"}},\"Resources\":{"
            "\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{\"CertificateId\":{\"Ref\":\"Id\"}%s,"
            "\"OverrideSettings\":{\"Status\":\"%s\"}}}}",
            inactive, fail ? "REPLACE" : "FAIL");
        assert_int_equal(run(f, template, id, ""), fail ? API_OK : API_CONFLICTING_UPDATE);
        assert_string_equal(status_of(f, id), fail ? "INACTIVE" : "ACTIVE");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_everything, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_failure_makes_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(overrides_say_what_happens_to_what_is_there, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(status_follows_its_override, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
