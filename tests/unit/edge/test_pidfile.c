/* One daemon at a time; stale files and foreign PIDs do not count. */
#include "../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/pidfile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], sub[80];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/sedge-pid-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(sub, sizeof(sub), "%s/made/here", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(dir) ? -1 : 0;
}

static void none_is_running(void **state)
{
    pid_t pid = 4711;
    struct problem why;

    (void)state;
    assert_int_equal(pidfile_find(sub, &pid, &why), ERR_NOT_FOUND);
    assert_int_equal(pid, 4711);
}

/* The holder is another process, as in life: a lock does not stop its own owner. */
static pid_t holder(void)
{
    int ready[2];
    char c;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd;
        if (pidfile_take(sub, &fd, NULL) == ERR_OK)
            (void)!write(ready[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    (void)close(ready[0]);
    return child;
}

static void a_holder_is_found_and_keeps_others_out(void **state)
{
    pid_t child = holder(), pid = 0;
    struct problem why = { "" };
    int fd = -1;

    (void)state;
    assert_int_equal(pidfile_find(sub, &pid, &why), ERR_OK);
    assert_int_equal(pid, child);
    assert_int_equal(pidfile_take(sub, &fd, &why), ERR_EXISTS);
    assert_int_equal(fd, -1);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    /* the file is still there, its process is not */
    assert_int_equal(pidfile_find(sub, &pid, &why), ERR_NOT_FOUND);
    assert_int_equal(pidfile_take(sub, &fd, &why), ERR_OK);
    pidfile_remove(sub);
    (void)close(fd);
}

static void a_stale_file_with_a_living_pid(void **state)
{
    autofree char *path = mem_printf("%s/greengrassd.pid", dir);
    struct problem why;
    pid_t pid;
    int fd;

    (void)state;
    assert_int_equal(file_write_durable(path, SLICE_LIT("1\n"), 0644), ERR_OK);
    assert_int_equal(pidfile_find(dir, &pid, &why), ERR_NOT_FOUND);
    assert_int_equal(pidfile_take(dir, &fd, &why), ERR_OK);
    (void)close(fd);
}

/* Another user may open the file for reading and lock that: the number in a stale file must not become a
 * process that `greengrassd stop` would kill. */
static void a_reader_s_lock_is_no_daemon(void **state)
{
    autofree char *path = mem_printf("%s/greengrassd.pid", dir);
    struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    struct problem why;
    pid_t pid = 4711;

    (void)state;
    assert_int_equal(file_write_durable(path, SLICE_LIT("2\n"), 0644), ERR_OK);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
    assert_int_equal(pidfile_find(dir, &pid, &why), ERR_NOT_FOUND);
    assert_int_equal(pid, 4711);
}

/* ... nor keep the daemon from starting. The lock of its own is the owner's alone; the PID may be known. */
static void a_reader_s_lock_keeps_nobody_out(void **state)
{
    autofree char *path = mem_printf("%s/greengrassd.pid", dir);
    autofree char *lock = mem_printf("%s/greengrassd.pid.lock", dir);
    struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    struct problem why = { "" };
    struct stat st;
    pid_t pid = 0;
    int taken = -1;

    (void)state;
    assert_int_equal(file_write_durable(path, SLICE_LIT("2\n"), 0644), ERR_OK);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
    assert_int_equal(pidfile_take(dir, &taken, &why), ERR_OK);
    assert_int_equal(pidfile_find(dir, &pid, &why), ERR_OK);
    assert_int_equal(pid, getpid());
    assert_int_equal(stat(lock, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    (void)close(taken);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = { T(none_is_running), T(a_holder_is_found_and_keeps_others_out),
                                        T(a_stale_file_with_a_living_pid), T(a_reader_s_lock_is_no_daemon),
                                        T(a_reader_s_lock_keeps_nobody_out) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
