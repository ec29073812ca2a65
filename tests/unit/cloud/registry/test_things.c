#include "../fixture.h"

static void create_is_idempotent(void **state)
{
    struct fixture *f = *state;
    char uuid[40];
    const char *with = "{\"attributePayload\":{\"attributes\":{\"a\":\"1\",\"gone\":\"\"}}}";

    assert_int_equal(CALL(f, "CreateThing", with, "thingName=t"), API_OK);
    assert_string_equal(fixture_text(f, "thingArn"), "arn:aws:iot:us-east-1:123456789012:thing/t");
    (void)snprintf(uuid, sizeof(uuid), "%s", fixture_text(f, "thingId"));
    assert_int_equal(CALL(f, "CreateThing", with, "thingName=t"), API_OK);
    assert_string_equal(fixture_text(f, "thingId"), uuid);
    assert_int_equal(CALL(f, "CreateThing", NULL, "thingName=t"), API_EXISTS);
    assert_int_equal(json_object_size(f->call.error_members), 2);
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=t"), API_OK);
    assert_int_equal(json_object_size(fixture_member(f, "attributes")), 1); /* an empty value is not kept */
}

static void bad_input(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "CreateThing", NULL, "thingName=a b"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "CreateThing", NULL), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "CreateThing", "{\"thingTypeName\":\"x\"}", "thingName=t"), API_NOT_FOUND);
    assert_int_equal(
        CALL(f, "CreateThing", "{\"attributePayload\":{\"attributes\":{\"a\":1}}}", "thingName=t"),
        API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "CreateThing", "{\"attributePayload\":{\"attributes\":{\"a\":\"with space\"}}}",
                          "thingName=t"),
                     API_INVALID_REQUEST);
    assert_int_equal(
        CALL(f, "CreateThing", "{\"attributePayload\":{\"attributes\":{\"\":\"x\"}}}", "thingName=t"),
        API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=t"), API_NOT_FOUND);
    assert_int_equal(CALL(f, "ListThings", NULL, "maxResults=0"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "ListThings", NULL, "maxResults=251"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "ListThings", NULL, "maxResults=x"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "ListThings", NULL, "nextToken=a b"), API_INVALID_REQUEST);
}

static void a_query_does_not_replace_a_label(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(CALL(f, "CreateThing", NULL, "thingName=t", "thingName=other"), API_OK);
    assert_string_equal(fixture_text(f, "thingName"), "t");
}

static void attached_things_stay(void **state)
{
    struct fixture *f = *state;
    char id[65], arn[160], principal[200];

    fixture_certificate(f, id, arn);
    (void)snprintf(principal, sizeof(principal), "x-amzn-principal=%s", arn);
    assert_int_equal(CALL(f, "CreateThing", NULL, "thingName=t"), API_OK);
    assert_int_equal(CALL(f, "AttachThingPrincipal", NULL, "thingName=t", principal), API_OK);
    assert_int_equal(f->call.effects.n, 1); /* live connections are judged again */
    assert_int_equal(f->call.effects.e[0].kind, EFFECT_PRINCIPAL);
    assert_string_equal(f->call.effects.e[0].id, id);
    assert_int_equal(CALL(f, "DeleteThing", NULL, "thingName=t"), API_INVALID_REQUEST);
    assert_int_equal(CALL(f, "DetachThingPrincipal", NULL, "thingName=t", principal), API_OK);
    assert_int_equal(f->call.effects.n, 1);
    assert_int_equal(CALL(f, "DeleteThing", NULL, "thingName=t"), API_OK);
    assert_int_equal(CALL(f, "AttachThingPrincipal", NULL, "thingName=t", principal), API_NOT_FOUND);
    assert_int_equal(CALL(f, "AttachThingPrincipal", NULL, "thingName=t"), API_INVALID_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(create_is_idempotent, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(bad_input, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_query_does_not_replace_a_label, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(attached_things_stay, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
