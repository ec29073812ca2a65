#include "../../cm.h"

#include "base/file.h"
#include "base/mem.h"
#include "cloud/pki/hosts.h"

#include <string.h>

static void lists(void **state)
{
    static const struct {
        const char *text, *want; /* joined by spaces */
    } cases[] = {
        { "localhost", "localhost 127.0.0.1 ::1" },
        { "a.example", "a.example" },
        { "a,b", "a b" },
        { "a,a", "a" },
        { "a,localhost", "a localhost 127.0.0.1 ::1" },
        { "localhost,127.0.0.1", "localhost 127.0.0.1 ::1" },
        { "10.0.0.1,::2", "10.0.0.1 ::2" },
        { "", NULL },
        { ",", NULL },
        { "a,", NULL },
        { "a b", NULL },
        { "a/b", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hosts h = { 0 };
        char got[256] = "";
        print_message("  %s\n", cases[i].text);
        assert_int_equal(hosts_parse(cases[i].text, &h), cases[i].want ? ERR_OK : ERR_INVALID);
        for (size_t k = 0; k < h.n; k++)
            (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", k ? " " : "", h.list[k]);
        assert_string_equal(got, cases[i].want ? cases[i].want : "");
        hosts_done(&h);
    }
}

static void limits(void **state)
{
    struct hosts h = { 0 };
    char name[256];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[253] = 0;
    assert_int_equal(hosts_parse(name, &h), ERR_OK);
    hosts_done(&h);
    name[253] = 'x';
    name[254] = 0;
    assert_int_equal(hosts_parse(name, &h), ERR_INVALID);
    char many[1024] = "h0";
    for (unsigned i = 1; i < HOSTS_MAX; i++)
        (void)snprintf(many + strlen(many), sizeof(many) - strlen(many), ",h%u", i);
    assert_int_equal(hosts_parse(many, &h), ERR_OK);
    hosts_done(&h);
    strcat(many, ",more");
    assert_int_equal(hosts_parse(many, &h), ERR_INVALID);
}

static void remembered(void **state)
{
    char dir[] = "/tmp/sedge-hosts-XXXXXX";
    struct hosts a = { 0 }, b = { 0 };
    bool changed = false;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(hosts_parse("a,b", &a), ERR_OK);
    assert_int_equal(hosts_parse("b,a", &b), ERR_OK);
    assert_int_equal(hosts_changed(dir, &a, &changed), ERR_OK);
    assert_true(changed);
    assert_int_equal(hosts_remember(dir, &a), ERR_OK);
    assert_int_equal(hosts_changed(dir, &a, &changed), ERR_OK);
    assert_false(changed);
    assert_int_equal(hosts_changed(dir, &b, &changed), ERR_OK);
    assert_true(changed); /* the first name is the certificate's common name */
    hosts_done(&a);
    hosts_done(&b);
    assert_int_equal(file_remove_tree(dir), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lists), cmocka_unit_test(limits),
                                        cmocka_unit_test(remembered) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
