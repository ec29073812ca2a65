#include "../../cm.h"

#include "base/mem.h"
#include "cloud/greengrass/ids.h"

#define D "arn:aws:greengrass:us-east-1:123456789012:/greengrass/definition/"
#define U "01234567-89ab-cdef-0123-456789abcdef"
#define V "fedcba98-7654-3210-fedc-ba9876543210"

static void versions_of_arns(void **state)
{
    static const struct {
        const char *arn, *version;
    } cases[] = {
        { D "cores/" U "/versions/" V, V },
        { "arn:aws:greengrass:eu-west-1:123456789012:/greengrass/definition/cores/" U "/versions/" V, V },
        { D "loggers/" U "/versions/" V, NULL },
        { D "cores/" U "/versions/", NULL },
        { D "cores/" U "/versions/" V "0", NULL },
        { D "cores/" U, NULL },
        { D "cores/" U "/version_/" V, NULL },
        { D "cores", NULL },
        { "cores/" U "/versions/" V, NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *v = gg_version_of_arn(cases[i].arn, "cores");
        print_message("  %s\n", cases[i].arn);
        if (cases[i].version)
            assert_string_equal(v, cases[i].version);
        else
            assert_null(v);
    }
}

static void uuids(void **state)
{
    (void)state;
    assert_true(gg_uuid_ok(U));
    assert_false(gg_uuid_ok(U "0"));
    assert_false(gg_uuid_ok("01234567-89AB-cdef-0123-456789abcdef"));
    assert_false(gg_uuid_ok(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(versions_of_arns), cmocka_unit_test(uuids) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
