#include "../../cm.h"

#include "base/mem.h"
#include "cloud/policy/matcher.h"

#include <string.h>
#include <strings.h>

#define T "arn:aws:iot:us-east-1:123456789012:"
#define ST(effect, action, resource) \
    "{\"Effect\":\"" effect "\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}"
#define IMPLICIT POLICY_IMPLICIT_DENY
#define EXPLICIT POLICY_EXPLICIT_DENY
#define ALLOW POLICY_ALLOW

struct question {
    const char *action, *resource;
    enum policy_verdict want;
};

/* Documents are split by a line feed: policies attached to one principal. */
static const struct {
    const char *what, *statements;
    struct question q[8];
} cases[] = {
    { "no statement", NULL, { { "iot:Connect", T "client/core", IMPLICIT } } },
    { "allow",
      "[" ST("Allow", "iot:Connect", T "client/core") "]",
      { { "iot:Connect", T "client/core", ALLOW },
        { "IOT:CONNECT", T "client/core", ALLOW }, /* actions have no case */
        { "iot:Connect", T "client/Core", IMPLICIT },
        { "iot:Publish", T "client/core", IMPLICIT } } },
    { "deny wins, whatever the order",
      "[" ST("Deny", "iot:Publish",
             T "topic/secret/*") "," ST("Allow", "iot:*", "*") "]\n[" ST("Allow", "iot:Publish", "*") "]",
      { { "iot:Publish", T "topic/secret/x", EXPLICIT },
        { "iot:Publish", T "topic/open", ALLOW },
        { "iot:Receive", T "topic/secret/x", ALLOW } } },
    { "wildcards in actions",
      "[" ST("Allow", "iot:*Shadow", "*") "," ST("Allow", "greengrass:Get?eployment", "*") "]",
      { { "iot:GetThingShadow", T "thing/t", ALLOW },
        { "iot:GetThingShadows", T "thing/t", IMPLICIT },
        { "greengrass:GetDeployment", "x", ALLOW },
        { "greengrass:GetDeploymentArtifacts", "x", IMPLICIT } } },
    { "trap 9: a Deny on a sub-filter does not stop the broader one",
      "[" ST("Allow", "iot:Subscribe", T "topicfilter/a/*") "," ST("Deny", "iot:Subscribe",
                                                                   T "topicfilter/a/secret/*") "]",
      { { "iot:Subscribe", T "topicfilter/a/#", ALLOW },
        { "iot:Subscribe", T "topicfilter/a/secret/x", EXPLICIT } } },
    { "trap 10: topic/ and topicfilter/ are different resources, $share is the whole string",
      "[" ST("Allow", "iot:*", T "topicfilter/x") "," ST("Allow", "iot:Subscribe",
                                                         T "topicfilter/$share/g/y") "]",
      { { "iot:Subscribe", T "topicfilter/x", ALLOW },
        { "iot:Receive", T "topic/x", IMPLICIT },
        { "iot:Subscribe", T "topicfilter/$share/g/x", IMPLICIT },
        { "iot:Subscribe", T "topicfilter/$share/g/y", ALLOW } } },
    { "trap 8: an unresolved variable makes an Allow useless",
      "[" ST("Allow", "iot:Connect", T "client/${iot:Nobody}*") "]",
      { { "iot:Connect", T "client/", IMPLICIT }, { "iot:Connect", T "client/x", IMPLICIT } } },
    { "a variable that is there",
      "[" ST("Allow", "iot:Connect", T "client/${iot:Connection.Thing.ThingName}") "]",
      { { "iot:Connect", T "client/core", ALLOW }, { "iot:Connect", T "client/other", IMPLICIT } } },
    { "one unresolved resource does not hurt the others",
      "[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":[\"" T "client/${iot:Nobody}\",\"" T
      "client/core\"]}]",
      { { "iot:Connect", T "client/core", ALLOW } } },
    { "NotAction",
      "[{\"Effect\":\"Allow\",\"NotAction\":[\"iot:Publish\",\"iot:Receive\"],\"Resource\":\"*\"}]",
      { { "iot:Publish", "x", IMPLICIT }, { "iot:Connect", "x", ALLOW } } },
    { "NotResource",
      "[{\"Effect\":\"Deny\",\"Action\":\"*\",\"NotResource\":\"" T
      "topic/mine/*\"}," ST("Allow", "*", "*") "]",
      { { "iot:Publish", T "topic/mine/x", ALLOW }, { "iot:Publish", T "topic/other", EXPLICIT } } },
    { "NotResource with an unresolved variable matches nothing, not everything",
      "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotResource\":\"" T "topic/${iot:Nobody}\"}]",
      { { "iot:Publish", T "topic/x", IMPLICIT } } },
    { "a condition that does not hold",
      "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Bool\":{\"iot:Connection."
      "Thing.IsAttached\":\"true\"}}}]",
      { { "iot:Connect", "x", IMPLICIT } } },
};

/* The compiled policies answer as the written ones, for what MQTT asks. */
static void ask_matcher(struct policy_doc *const *docs, size_t n, const struct question *q,
                        const struct policy_vars *vars)
{
    static const char *const rights[POLICY_RIGHTS] = { "iot:Connect", "iot:Publish", "iot:RetainPublish",
                                                       "iot:Subscribe", "iot:Receive" };
    struct policy_matcher *m = NULL;
    size_t right = 0;
    int where;

    while (right < POLICY_RIGHTS && strcasecmp(rights[right], q->action) != 0)
        right++;
    if (right == POLICY_RIGHTS || strncmp(q->resource, T, strlen(T)) != 0)
        return;
    assert_int_equal(policy_matcher_new(docs, n, vars, slice_str(T), &m), ERR_OK);
    assert_int_equal(
        policy_matcher_check(m, (enum policy_right)right, slice_str(q->resource + strlen(T)), &where),
        q->want);
    assert_int_equal(where >= 0, q->want != IMPLICIT);
    policy_matcher_free(m);
}

/* Make a document of each line and judge. */
static void judge_all(const char *statements, const struct question *q, const struct policy_vars *vars)
{
    struct policy_doc *docs[4] = { 0 };
    size_t n = 0;

    for (const char *line = statements; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char why[POLICY_WHY_MAX] = "";
        autofree char *text =
            mem_printf("{\"Version\":\"2012-10-17\",\"Statement\":%.*s}", (int)strcspn(line, "\n"), line);
        assert_int_equal(policy_doc_parse(slice_str(text), &docs[n++], why), ERR_OK);
    }
    for (; q->action; q++) {
        struct policy_request rq = { slice_str(q->action), slice_str(q->resource), vars };
        print_message("    %s %s\n", q->action, q->resource);
        assert_int_equal(policy_evaluate(docs, n, &rq), q->want);
        ask_matcher(docs, n, q, vars);
    }
    for (size_t i = 0; i < n; i++)
        policy_doc_free(docs[i]);
}

/* CL-22: a client id is whatever the client says. */
static void a_wildcard_as_a_name_subscribes_to_nothing(void **state)
{
    static const char own[] = "[" ST("Allow", "iot:*", T "*/dev/${iot:ClientId}/x") "]";
    static const char all_but[] =
        "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotResource\":\"" T "topicfilter/${iot:ClientId}\"}]";
    static const char deny[] =
        "[" ST("Allow", "iot:*", "*") "," ST("Deny", "iot:*", T "topicfilter/${iot:ClientId}") "]";
    static const char *const names[] = { "+", "#", "a*", "?" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_policy_vars vars = { 0 };
        autofree char *filter = mem_printf(T "topicfilter/dev/%s/x", names[i]);
        autofree char *topic = mem_printf(T "topic/dev/%s/x", names[i]);
        autofree char *name = mem_printf(T "topicfilter/%s", names[i]);
        assert_int_equal(policy_vars_add(&vars, "iot:ClientId", slice_str(names[i])), ERR_OK);
        judge_all(own,
                  (const struct question[]){
                      { "iot:Subscribe", filter, IMPLICIT }, { "iot:Publish", topic, ALLOW }, { 0 } },
                  &vars);
        judge_all(all_but, (const struct question[]){ { "iot:Subscribe", filter, IMPLICIT }, { 0 } }, &vars);
        judge_all(deny, (const struct question[]){ { "iot:Subscribe", name, EXPLICIT }, { 0 } }, &vars);
    }
}

static void each_case(void **state)
{
    auto_policy_vars vars = { 0 };

    (void)state;
    assert_int_equal(policy_vars_add(&vars, "iot:Connection.Thing.ThingName", SLICE_LIT("core")), ERR_OK);
    assert_int_equal(policy_vars_add(&vars, "iot:Connection.Thing.IsAttached", SLICE_LIT("false")), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        judge_all(cases[i].statements, cases[i].q, &vars);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case),
                                        cmocka_unit_test(a_wildcard_as_a_name_subscribes_to_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
