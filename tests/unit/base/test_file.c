#include "../cm.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sedge-test-file-XXXXXX";

static int setup(void **state)
{
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    return file_remove_tree(root) ? -1 : 0;
}

static char *under_root(const char *name)
{
    return mem_printf("%s/%s", root, name);
}

static void durable_write_replaces_whole(void **state)
{
    autofree char *path = under_root("a");
    struct stat st;

    assert_int_equal(file_write_durable(path, SLICE_LIT("one"), 0600), ERR_OK);
    assert_int_equal(file_write_durable(path, SLICE_LIT("two!"), 0640), ERR_OK);
    autobuf b = BUF_INIT(4);
    assert_int_equal(file_read(path, &b), ERR_OK);
    assert_string_equal(buf_str(&b), "two!");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void failed_write_keeps_the_old_file(void **state)
{
    autofree char *dir = under_root("d");
    autofree char *inside = under_root("d/x");
    autofree char *missing = under_root("none/x");

    assert_int_equal(file_mkdirs(inside, 0700), ERR_OK);
    assert_int_not_equal(file_write_durable(dir, SLICE_LIT("x"), 0600), ERR_OK); /* a folder is in the way */
    assert_int_equal(access(inside, F_OK), 0);
    assert_int_equal(file_write_durable(missing, SLICE_LIT("x"), 0600), ERR_NOT_FOUND);
}

static void read_is_bounded_and_untouched_on_failure(void **state)
{
    autofree char *path = under_root("b");
    autobuf b = BUF_INIT(6);

    assert_int_equal(file_write_durable(path, SLICE_LIT("12345"), 0644), ERR_OK);
    assert_int_equal(buf_add_str(&b, "ab"), ERR_OK);
    assert_int_equal(file_read(path, &b), ERR_TOO_BIG);
    assert_string_equal(buf_str(&b), "ab");
    assert_int_equal(file_read(root, &b), ERR_INVALID); /* not a regular file */
    assert_int_equal(file_read("/nonexistent/x", &b), ERR_NOT_FOUND);
}

static void private_files_are_closed_to_others(void **state)
{
    autofree char *path = under_root("p");
    autobuf b = BUF_INIT(100);

    assert_int_equal(file_write_durable(path, SLICE_LIT("k"), 0640), ERR_OK);
    assert_int_equal(file_read_private(path, &b), ERR_DENIED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(file_read_private(path, &b), ERR_OK);
}

static void removing_a_tree_does_not_follow_links(void **state)
{
    autofree char *keep = under_root("keep");
    autofree char *tree = under_root("tree/deep");
    autofree char *link = under_root("tree/deep/link");
    autofree char *top = under_root("tree");

    assert_int_equal(file_mkdirs(keep, 0700), ERR_OK);
    assert_int_equal(file_mkdirs(tree, 0700), ERR_OK);
    assert_int_equal(symlink(keep, link), 0);
    assert_int_equal(file_remove_tree(top), ERR_OK);
    assert_int_equal(access(keep, F_OK), 0);
    assert_int_equal(access(top, F_OK), -1);
    assert_int_equal(file_remove_tree(top), ERR_OK); /* missing is fine */
}

static void errno_classes(void **state)
{
    assert_int_equal(file_err(ENOSPC), ERR_NO_SPACE);
    assert_int_equal(file_err(EACCES), ERR_DENIED);
    assert_int_equal(file_err(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(file_err(EIO), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_write_replaces_whole),
        cmocka_unit_test(failed_write_keeps_the_old_file),
        cmocka_unit_test(read_is_bounded_and_untouched_on_failure),
        cmocka_unit_test(private_files_are_closed_to_others),
        cmocka_unit_test(removing_a_tree_does_not_follow_links),
        cmocka_unit_test(errno_classes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
