#include "../fixture.h"

#include "base/mem.h"
#include "cloud/registry/names.h"

#include <string.h>

static void thing_names(void **state)
{
    char longest[130];

    (void)state;
    assert_true(name_thing_ok("a"));
    assert_true(name_thing_ok("aZ09:_-"));
    assert_false(name_thing_ok(""));
    assert_false(name_thing_ok("a b"));
    assert_false(name_thing_ok("a/b"));
    assert_false(name_thing_ok("\xc3\xa9"));
    memset(longest, 'x', sizeof(longest));
    longest[128] = 0;
    assert_true(name_thing_ok(longest));
    longest[128] = 'x';
    longest[129] = 0;
    assert_false(name_thing_ok(longest));
    assert_true(name_policy_ok("a_+=,.@-"));
    assert_false(name_policy_ok("a:b"));
}

static void certificate_ids(void **state)
{
    char id[CERT_ID_LEN + 2];

    (void)state;
    memset(id, 'a', sizeof(id));
    id[CERT_ID_LEN] = 0;
    assert_true(name_cert_ok(id));
    id[3] = 'A';
    assert_false(name_cert_ok(id));
    id[3] = 'a';
    id[CERT_ID_LEN - 1] = 0;
    assert_false(name_cert_ok(id));
    assert_false(name_cert_ok(""));
}

static void arns(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *arn, *name;
    } cases[] = {
        { "arn:aws:iot:us-east-1:123456789012:thing/core", "core" },
        { "arn:aws-cn:iot:cn-north-1:123456789012:thing/core", "core" }, /* any partition and region */
        { "arn:aws:iot:us-east-1:123456789012:thing/a:b", "a:b" },
        { "arn:aws:iot:us-east-1:123456789013:thing/core", NULL }, /* another account */
        { "arn:aws:iot:us-east-1:123456789012:cert/core", NULL },
        { "arn:aws:iot:us-east-1:123456789012:thing/", NULL },
        { "arn:aws:iot:us-east-1:123456789012:things/core", NULL },
        { "arn:aws:s3:us-east-1:123456789012:thing/core", NULL },
        { "arn:aws:iot:us-east-1:123456789012", NULL },
        { "arn:aws:iot::123456789012:thing/core", NULL },
        { "arn", NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *name = arn_name(&f->env, cases[i].arn, "thing");
        print_message("  %s\n", cases[i].arn);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
        else
            assert_null(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thing_names),
        cmocka_unit_test(certificate_ids),
        cmocka_unit_test_setup_teardown(arns, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
