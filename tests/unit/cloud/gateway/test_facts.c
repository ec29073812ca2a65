#include "../fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cloud/gateway/facts.h"

#include <string.h>

#define DOCUMENT(resource)                                                                         \
    "{\"policyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":{\\\"Effect\\\":" \
    "\\\"Allow\\\",\\\"Action\\\":\\\"iot:*\\\","                                                  \
    "\\\"Resource\\\":\\\"arn:aws:iot:us-east-1:123456789012:" resource "\\\"}}\"}"

struct scene {
    char id[65], arn[160];
};

static void make(struct fixture *f, struct scene *s, const char *document)
{
    char principal[200];

    fixture_certificate(f, s->id, s->arn);
    (void)snprintf(principal, sizeof(principal), "x-amzn-principal=%s", s->arn);
    autofree char *target = mem_printf("{\"target\":\"%s\"}", s->arn);
    assert_int_equal(CALL(f, "CreateThing", "{\"attributePayload\":{\"attributes\":{\"site\":\"north\"}}}",
                          "thingName=core"),
                     API_OK);
    assert_int_equal(CALL(f, "AttachThingPrincipal", NULL, "thingName=core", principal), API_OK);
    assert_int_equal(CALL(f, "CreatePolicy", document, "policyName=p"), API_OK);
    assert_int_equal(CALL(f, "AttachPolicy", target, "policyName=p"), API_OK);
}

static bool may(struct fixture *f, const struct scene *s, const char *client, const char *resource)
{
    const struct policy_vars none = { 0 };
    auto_facts facts = { 0 };

    assert_int_equal(facts_load(f->db, s->id, client, &facts), ERR_OK);
    return facts_judge(&facts, &f->env, &none, "iot:Publish", slice_str(resource), NULL) == POLICY_ALLOW;
}

/* Trap 8: client id = thing name and attached, and only then. */
static void thing_variables(void **state)
{
    struct fixture *f = *state;
    struct scene s;
    char principal[200];

    make(f, &s, DOCUMENT("topic/${iot:Connection.Thing.ThingName}/${iot:Connection.Thing.Attributes[site]}"));
    assert_true(may(f, &s, "core", "topic/core/north"));
    assert_false(may(f, &s, "core", "topic/core/south"));
    assert_false(may(f, &s, "other", "topic/other/north")); /* no such thing */
    assert_int_equal(CALL(f, "CreateThing", NULL, "thingName=other"), API_OK);
    assert_false(may(f, &s, "other", "topic/other/north")); /* there, not attached */
    assert_false(may(f, &s, NULL, "topic/core/north"));     /* HTTP has no thing variables */
    (void)snprintf(principal, sizeof(principal), "x-amzn-principal=%s", s.arn);
    assert_int_equal(CALL(f, "DetachThingPrincipal", NULL, "thingName=core", principal), API_OK);
    assert_false(may(f, &s, "core", "topic/core/north"));
}

static void admission(void **state)
{
    struct fixture *f = *state;
    struct scene s;
    auto_facts facts = { 0 };
    char why[FACTS_WHY_MAX];
    int64_t now = clock_wall_ms();

    make(f, &s, DOCUMENT("*"));
    assert_int_equal(facts_load(f->db, "0000", NULL, &facts), ERR_OK);
    assert_false(facts_admit(&facts, "0000", now, why));
    assert_non_null(strstr(why, "not registered"));
    assert_int_equal(facts_load(f->db, s.id, NULL, &facts), ERR_OK);
    assert_true(facts_admit(&facts, s.id, now, why));
    assert_false(facts_admit(&facts, s.id, facts.not_after_ms + 1, why));
    assert_non_null(strstr(why, "expired"));
    assert_false(facts_admit(&facts, s.id, facts.not_before_ms - 1, why));
    assert_non_null(strstr(why, "valid only from"));
    autofree char *label = mem_printf("certificateId=%s", s.id);
    assert_int_equal(CALL(f, "UpdateCertificate", NULL, label, "newStatus=REVOKED"), API_OK);
    assert_int_equal(facts_load(f->db, s.id, NULL, &facts), ERR_OK);
    assert_false(facts_admit(&facts, s.id, now, why));
    assert_non_null(strstr(why, "REVOKED"));
}

/* A resource longer than any of ours is refused, not cut to something that might match. */
static void overlong_resources(void **state)
{
    struct fixture *f = *state;
    struct scene s;
    char resource[2000];

    make(f, &s, DOCUMENT("topic/*"));
    memset(resource, 'x', sizeof(resource));
    memcpy(resource, "topic/", 6);
    resource[sizeof(resource) - 1] = 0;
    assert_false(may(f, &s, "core", resource));
    resource[600] = 0;
    assert_true(may(f, &s, "core", resource));
}

/* What cannot be read must not be passed over: it might be what denies. */
static void an_unreadable_policy_allows_nothing(void **state)
{
    struct fixture *f = *state;
    struct scene s;
    auto_facts facts = { 0 };

    make(f, &s, DOCUMENT("*"));
    assert_int_equal(db_run(f->db, "UPDATE policies SET document = 'broken'", DB_NO_ARGS, NULL), ERR_OK);
    assert_int_not_equal(facts_load(f->db, s.id, NULL, &facts), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(thing_variables, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(admission, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(overlong_resources, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_policy_allows_nothing, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
