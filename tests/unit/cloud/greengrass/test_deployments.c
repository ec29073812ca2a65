/* CreateDeployment, the build, and the states in between that the network is too fast to see. */
#include "../fixture.h"

#include "base/mem.h"
#include "cloud/greengrass/build.h"

#include <string.h>

struct group {
    char cert[65], cert_arn[160];
    char cores[200], id[40], version[40], label[60];
};

static void make_group(struct fixture *f, struct group *g, const char *core_arn)
{
    fixture_certificate(f, g->cert, g->cert_arn);
    autofree char *definition = mem_printf(
        "{\"InitialVersion\":{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"%s\",\"CertificateArn\":\"%s\"}]}}",
        core_arn, g->cert_arn);
    assert_int_equal(CALL(f, "CreateDefinition", definition, "kind=cores"), API_OK);
    (void)snprintf(g->cores, sizeof(g->cores), "%s", fixture_text(f, "LatestVersionArn"));
    autofree char *group =
        mem_printf("{\"Name\":\"g\",\"InitialVersion\":{\"CoreDefinitionVersionArn\":\"%s\"}}", g->cores);
    assert_int_equal(CALL(f, "CreateGroup", group), API_OK);
    (void)snprintf(g->id, sizeof(g->id), "%s", fixture_text(f, "Id"));
    (void)snprintf(g->version, sizeof(g->version), "%s", fixture_text(f, "LatestVersion"));
    (void)snprintf(g->label, sizeof(g->label), "groupId=%s", g->id);
}

static enum api_error create(struct fixture *f, const struct group *g, char label[64])
{
    autofree char *body =
        mem_printf("{\"DeploymentType\":\"NewDeployment\",\"GroupVersionId\":\"%s\"}", g->version);
    enum api_error e = CALL(f, "CreateDeployment", body, g->label);

    if (!e)
        (void)snprintf(label, 64, "deploymentId=%s", fixture_text(f, "DeploymentId"));
    return e;
}

static const char *status(struct fixture *f, const struct group *g, const char *label)
{
    assert_int_equal(CALL(f, "GetDeploymentStatus", NULL, g->label, label), API_OK);
    return fixture_text(f, "DeploymentStatus");
}

static err_t run(struct db *db, void *ctx)
{
    return api_call_run(ctx, db);
}

/* Run a handler that is no operation: the background's. */
static void background(struct fixture *f, api_handler_fn fn, const char *label)
{
    const struct api_op op = { "x", "", "", fn, 0 };

    api_call_done(&f->call);
    api_call_init(&f->call, &f->env, &op);
    if (label)
        assert_int_equal(api_call_add(&f->call, "deploymentId", strchr(label, '=') + 1), ERR_OK);
    assert_int_equal(db_tx(f->db, run, &f->call), ERR_OK);
}

#define CORE_ARN "arn:aws:iot:us-east-1:123456789012:thing/core"

static void building_then_in_progress(void **state)
{
    struct fixture *f = *state;
    struct group g;
    char one[64], two[64];

    make_group(f, &g, CORE_ARN);
    assert_int_equal(create(f, &g, one), API_OK);
    assert_int_equal(f->call.effects.n, 1);
    assert_int_equal(f->call.effects.e[0].kind, EFFECT_BUILD);
    assert_string_equal(status(f, &g, one), "Building");
    assert_int_equal(create(f, &g, two), API_GG_CONCURRENT);
    background(f, deployment_build, one);
    assert_int_equal(f->call.effects.n, 1);
    assert_int_equal(f->call.effects.e[0].kind, EFFECT_PUBLISH);
    assert_string_equal(f->call.effects.e[0].id, "core-gda");
    assert_string_equal(status(f, &g, one), "InProgress");
    background(f, deployment_build, one); /* again changes nothing */
    assert_int_equal(f->call.effects.n, 0);
    assert_int_equal(create(f, &g, two), API_OK);
}

/* greengrass-v1 7.5; a version is not found by its first 36 characters. */
static void versions_that_are_none(void **state)
{
    struct fixture *f = *state;
    struct group g;
    char one[64];

    make_group(f, &g, CORE_ARN);
    (void)strcat(g.version, "x");
    assert_int_equal(create(f, &g, one), API_NOT_FOUND);
    autofree char *text = mem_printf("Version %s of Group Definition %s does not exist.", g.version, g.id);
    assert_string_equal(f->call.message, text);
    g.version[35] = 0;
    assert_int_equal(create(f, &g, one), API_NOT_FOUND);
}

/* A core may not read what is not built yet. */
static void not_built_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct group g;
    char one[64];

    make_group(f, &g, CORE_ARN);
    assert_int_equal(create(f, &g, one), API_OK);
    assert_int_equal(CALL(f, "GetDeployment", NULL, g.label, one), API_NOT_FOUND);
}

static void unfinished_builds_are_found_at_start(void **state)
{
    struct fixture *f = *state;
    struct group a, b;
    char one[64], two[64];

    make_group(f, &a, CORE_ARN);
    make_group(f, &b, CORE_ARN);
    assert_int_equal(create(f, &a, one), API_OK);
    assert_int_equal(create(f, &b, two), API_OK);
    background(f, deployment_build, one);
    background(f, deployment_resume, NULL);
    assert_int_equal(f->call.effects.n, 1);
    assert_string_equal(f->call.effects.e[0].id, strchr(two, '=') + 1);
}

static void a_build_that_cannot_be_done_fails_with_the_reason(void **state)
{
    struct fixture *f = *state;
    struct group g;
    char one[64];

    make_group(f, &g, CORE_ARN);
    assert_int_equal(create(f, &g, one), API_OK);
    assert_int_equal(db_run(f->db, "DELETE FROM gg_definition_versions", DB_NO_ARGS, NULL), ERR_OK);
    background(f, deployment_build, one);
    assert_string_equal(status(f, &g, one), "Failure");
    assert_non_null(strstr(fixture_text(f, "ErrorMessage"), "does not exist any more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(building_then_in_progress, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(versions_that_are_none, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(not_built_is_not_there, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(unfinished_builds_are_found_at_start, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_build_that_cannot_be_done_fails_with_the_reason, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
