/* A log within its space. */
#include "../cm.h"

#include "base/file.h"
#include "base/mem.h"
#include "edge/logfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static off_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void within_its_space(void **state)
{
    char dir[] = "/tmp/logfile.XXXXXX";
    autofree char *path = mem_printf("%s/x.log", mkdtemp(dir)), *old = mem_printf("%s.1", path);
    struct logfile l = LOGFILE_CLOSED;
    struct stat st;

    (void)state;
    assert_int_equal(logfile_open(&l, path), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (int i = 0; i < 1000; i++) {
        logfile_put(&l, SLICE_LIT("0123456789012345678901234567890123456789\n"), 1); /* counts as 8 */
        assert_true(size_of(path) + (size_of(old) < 0 ? 0 : size_of(old)) <= 8192);
    }
    assert_true(size_of(old) > 4000);
    logfile_close(&l);
    logfile_close(&l);
    logfile_put(&l, SLICE_LIT("nothing\n"), 1);
    assert_int_equal(logfile_open(&l, path), ERR_OK); /* goes on where it was */
    assert_int_equal(l.size, size_of(path));
    logfile_close(&l);
    assert_int_equal(file_remove_tree(dir), ERR_OK);
}

static void never_through_a_link(void **state)
{
    char dir[] = "/tmp/logfile.XXXXXX";
    autofree char *path = mem_printf("%s/x.log", mkdtemp(dir));
    struct logfile l = LOGFILE_CLOSED;

    (void)state;
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_not_equal(logfile_open(&l, path), ERR_OK);
    assert_int_equal(l.fd, -1);
    assert_int_equal(file_remove_tree(dir), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(within_its_space),
                                        cmocka_unit_test(never_through_a_link) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
