/* unpack_in_child is unpack_zip with a process between: results, words, cancelling, a child that dies. The
 * zips themselves are test_unpack.c's. argv[1] is the program. */
#include "../../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/unpack_child.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *program;
static char dir[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/sedge-unpack-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(dir) ? -1 : 0;
}

/* One file, "a" with 1 byte, stored. */
static const uint8_t zip[] = "PK\3\4\x14\0\0\0\0\0\0\0\x21\0\x43\xbe\xb7\xe8\1\0\0\0\1\0\0\0\1\0\0\0aa"
                             "PK\1\2\x14\3\x14\0\0\0\0\0\0\0\x21\0\x43\xbe\xb7\xe8\1\0\0\0\1\0\0\0\1\0\0\0\0"
                             "\0\0\0\0\0\0\0\xa4\x81\0\0\0\0"
                             "a"
                             "PK\5\6\0\0\0\0\1\0\1\0\x2f\0\0\0\x20\0\0\0\0\0";

static int zip_file(size_t n)
{
    autofree char *path = mem_printf("%s/zip", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, slice_of(zip, n)), ERR_OK);
    return fd;
}

static err_t unpack(const char *with, size_t n, const atomic_bool *cancel, struct problem *why)
{
    autoclose int fd = zip_file(n);
    autofree char *to = mem_printf("%s/to", dir);

    return unpack_in_child(with, fd, to, cancel, why);
}

static void a_good_one(void **state)
{
    struct problem why = { "" };
    autofree char *a = mem_printf("%s/to/a", dir);
    struct stat st;

    (void)state;
    assert_int_equal(unpack(program, sizeof(zip) - 1, NULL, &why), ERR_OK);
    assert_int_equal(stat(a, &st), 0);
    assert_int_equal(st.st_size, 1);
    assert_int_equal(unpack(program, sizeof(zip) - 1, NULL, &why), ERR_EXISTS); /* its class comes back */
    assert_non_null(strstr(why.text, "/to"));                                   /* and its words */
}

static void a_truncated_one(void **state)
{
    struct problem why = { "" };

    (void)state;
    assert_int_equal(unpack(program, sizeof(zip) - 20, NULL, &why), ERR_INVALID);
    assert_true(strlen(why.text) > 10);
}

static void cancelled(void **state)
{
    struct problem why = { "" };
    atomic_bool cancel = true;

    (void)state;
    assert_int_equal(unpack(program, sizeof(zip) - 1, &cancel, &why), ERR_CANCELLED);
}

static void children_that_are_no_help(void **state)
{
    struct problem why = { "" };

    (void)state;
    assert_int_equal(unpack("/nowhere/unpack", sizeof(zip) - 1, NULL, &why), ERR_NOT_FOUND);
    assert_int_equal(unpack("/bin/false", sizeof(zip) - 1, NULL, &why), ERR_IO);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_truncated_one, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(children_that_are_no_help, setup, teardown),
    };

    program = argc == 2 ? argv[1] : "";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
