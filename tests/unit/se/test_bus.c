/* The mark on a bus: put under the lock, found again only while nobody else marked
 * (docs/decisions/bus-sharing.md). */
#include "../cm.h"
#include "base/mem.h"
#include "se/bus_open.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int node(void)
{
    char path[] = "/tmp/sedge-mark-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)fchmod(fd, 0666);
    (void)unlink(path);
    return fd;
}

static void a_mark_is_found_until_another_is_put(void **state)
{
    struct se_bus_mark mine = { 0 }, theirs = { 0 };
    autoclose int fd = node();

    assert_false(se_bus_fd_is_marked(fd, &mine)); /* none was put */
    for (int i = 0; i < 50; i++) {
        se_bus_fd_mark(fd, &mine);
        assert_true(se_bus_fd_is_marked(fd, &mine));
        assert_true(se_bus_fd_is_marked(fd, &mine)); /* looking changes nothing */
        se_bus_fd_mark(fd, &theirs);
        assert_false(se_bus_fd_is_marked(fd, &mine));
        assert_true(se_bus_fd_is_marked(fd, &theirs));
    }
}

static void any_change_of_the_times_takes_it_away(void **state)
{
    struct timespec back[2] = { { .tv_sec = 1 }, { 0 } };
    struct se_bus_mark mine = { 0 };
    autoclose int fd = node();

    se_bus_fd_mark(fd, &mine);
    back[1] = mine.modified; /* the same time put by somebody else: the change time tells */
    back[1].tv_nsec ^= 1;
    assert_int_equal(futimens(fd, back), 0);
    assert_false(se_bus_fd_is_marked(fd, &mine));
}

/* Who may only write to the node can set its times to now, and no other. */
static int marks_of_others_nodes(int fd)
{
    struct se_bus_mark mine = { 0 }, old;

    if (setegid(65534) || seteuid(65534))
        return 2;
    for (int i = 0; i < 10; i++) {
        old = mine;
        se_bus_fd_mark(fd, &mine);
        if (!se_bus_fd_is_marked(fd, &mine) || se_bus_fd_is_marked(fd, &old))
            return 1;
    }
    return 0;
}

static void a_node_of_somebody_else_is_marked_too(void **state)
{
    autoclose int fd = node();
    int status = -1;
    pid_t child;

    if (geteuid() != 0)
        skip();
    child = fork();
    if (child == 0)
        _exit(marks_of_others_nodes(fd));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void what_cannot_be_marked_is_never_mine(void **state)
{
    struct se_bus_mark mine = { .changed = { .tv_sec = 1 } };

    se_bus_fd_mark(-1, &mine);
    assert_int_equal(mine.changed.tv_sec, 0);
    assert_false(se_bus_fd_is_marked(-1, &mine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_found_until_another_is_put),
        cmocka_unit_test(any_change_of_the_times_takes_it_away),
        cmocka_unit_test(a_node_of_somebody_else_is_marked_too),
        cmocka_unit_test(what_cannot_be_marked_is_never_mine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
