/* Where a program finds its root, its PID file, and whether the socket's name fits. */
#include "../cm.h"
#include "base/mem.h"
#include "edge/layout.h"

#include <stdio.h>

static const struct {
    const char *program, *root;
} roots[] = {
    { "/greengrass/ggc/core/greengrassd", "/greengrass" },
    { "/greengrass/ggc/packages/1.11.6/greengrassd", "/greengrass" },
    { "/greengrass/ggc/packages/1.11.6/bin/daemon", "/greengrass" },
    { "/a/b/c/ggc/packages/1.11.6/bin/core", "/a/b/c" },
    { "/ggc/core/greengrassd", "/" },
    { "/work/build/bin/greengrassd", NULL },
    { "/greengrass/packages/1.11.6/greengrassd", NULL },
    { "/greengrass/ggc/other/1.11.6/greengrassd", NULL },
    { "greengrassd", NULL },
    { "", NULL },
};

static void each_root(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        autofree char *root = layout_root_of(roots[i].program);
        print_message("  %s\n", roots[i].program);
        if (roots[i].root)
            assert_string_equal(root, roots[i].root);
        else
            assert_null(root);
    }
}

static void pid_folder(void **state)
{
    char wd[] = "/w", pid[] = "/p";
    struct config c = { .write_dir = wd };
    autofree char *standard = layout_pid_dir(&c, "/greengrass");
    autofree char *elsewhere = layout_pid_dir(&c, "/opt/g");
    c.pid_dir = pid;
    autofree char *given = layout_pid_dir(&c, "/greengrass");

    (void)state;
    assert_string_equal(standard, "/var/run");
    assert_string_equal(elsewhere, "/w/var/run");
    assert_string_equal(given, "/p");
}

/* sun_path holds 108 bytes with its NUL; /socket/greengrass_ipc.sock is 27: the guide's 79 and 83 less "/ggc"
 * and up. */
static void socket_name(void **state)
{
    char wd[200];
    struct config c = { .write_dir = wd };
    struct problem why;

    (void)state;
    memset(wd, 'w', sizeof(wd));
    wd[80] = '\0';
    assert_int_equal(layout_check_socket(&c, &why), ERR_OK);
    wd[80] = 'w';
    wd[81] = '\0';
    assert_int_equal(layout_check_socket(&c, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "ds server failed to start listening to socket: listen unix w"));
    assert_non_null(strstr(why.text, "bind: invalid argument"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_root),
        cmocka_unit_test(pid_folder),
        cmocka_unit_test(socket_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
