#include "../cm.h"

#include "base/mem.h"
#include "cloud/options.h"

#include <string.h>

static err_t parse(const char *const *argv, struct options *ret, char why[200])
{
    int n = 0;

    while (argv[n])
        n++;
    why[0] = 0;
    return options_parse(n, (char *const *)(uintptr_t)argv, 0, ret, why, 200);
}

static void defaults_and_values(void **state)
{
    struct options o;
    char why[200];

    (void)state;
    assert_int_equal(parse((const char *const[]){ "--data", "d", NULL }, &o, why), ERR_OK);
    assert_string_equal(o.host, "localhost");
    assert_string_equal(o.account, "123456789012");
    assert_string_equal(o.region, "us-east-1");
    assert_string_equal(o.mqtt, "127.0.0.1:8883");
    assert_false(o.insecure_dev);
    assert_int_equal(parse((const char *const[]){ "--data=d", "--insecure-dev", "--region", "eu-west-1",
                                                  "--api=[::1]:1", NULL },
                           &o, why),
                     ERR_OK);
    assert_string_equal(o.api, "[::1]:1");
    assert_string_equal(o.region, "eu-west-1");
    assert_true(o.insecure_dev);
    assert_int_equal(o.n_accounts, 1);
    assert_int_equal(
        parse((const char *const[]){ "--data=d", "--account=000000000001,000000000002", NULL }, &o, why),
        ERR_OK);
    assert_int_equal(o.n_accounts, 2);
    assert_string_equal(o.accounts[0], "000000000001");
    assert_string_equal(o.accounts[1], "000000000002");
}

static void resumption_by_profile_unless_given(void **state)
{
    static const struct {
        const char *argv[5];
        bool on;
    } cases[] = {
        { { "--data=d" }, false },
        { { "--data=d", "--profile=standard" }, true },
        { { "--data=d", "--tls-resumption=on" }, true },
        { { "--data=d", "--tls-resumption", "off", "--profile=standard" }, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct options o;
        char why[200];
        assert_int_equal(parse(cases[i].argv, &o, why), ERR_OK);
        assert_int_equal(o.resumption, cases[i].on);
    }
}

static void refused(void **state)
{
    static const char *const cases[][4] = {
        { NULL },
        { "--data", NULL },
        { "--data=", NULL },
        { "--data=d", "x", NULL },
        { "--data=d", "--dat=x", NULL },
        { "--data=d", "--account=12345678901", NULL },
        { "--data=d", "--account=1234567890123", NULL },
        { "--data=d", "--account=12345678901x", NULL },
        { "--data=d", "--account=123456789012,", NULL },
        { "--data=d", "--account=123456789012,123456789012", NULL },
        { "--data=d", "--account=123456789012,1", NULL },
        { "--data=d", "--region=EU", NULL },
        { "--data=d", "--tls-resumption=yes", NULL },
        { "--data=d", "--region=", NULL },
        { "--data=d", "--insecure-dev=yes", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct options o = { .data = "untouched" };
        char why[200];
        print_message("  %zu\n", i);
        assert_int_equal(parse(cases[i], &o, why), ERR_INVALID);
        assert_string_equal(o.data, "untouched");
        assert_true(why[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(defaults_and_values),
                                        cmocka_unit_test(resumption_by_profile_unless_given),
                                        cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
