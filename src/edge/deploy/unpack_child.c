/* src/edge/deploy/unpack_child.c */
#include "edge/deploy/unpack_child.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 100 /* how often *cancel is looked at */

/* The zip is its standard input, what it has to say its standard output. Nothing else is inherited: all our
 * descriptors close on exec. */
static int spawn(const char *program, const char *dir, int zip, int say, pid_t *ret)
{
    const char *argv[] = { "greengrass-unpack", dir, NULL }, *envp[] = { NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int error;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attr);
    error = posix_spawn_file_actions_adddup2(&files, zip, STDIN_FILENO);
    error = error ? error : posix_spawn_file_actions_adddup2(&files, say, STDOUT_FILENO);
    error = error ? error : posix_spawnattr_setsigmask(&attr, &none);
    error = error ? error : posix_spawnattr_setsigdefault(&attr, &all);
    error = error ? error : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = error ? error
                  : posix_spawn(ret, program, &files, &attr, (char *const *)(uintptr_t)argv,
                                (char *const *)(uintptr_t)envp);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Until the child closes its end. */
static void listen_to(int fd, pid_t pid, const atomic_bool *cancel, struct buf *said)
{
    uint8_t block[512];
    ssize_t n = 1;

    while (n != 0) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (cancel && atomic_load(cancel))
            (void)kill(pid, SIGKILL);
        if (poll(&p, 1, LOOK_MS) <= 0)
            continue;
        n = read(fd, block, sizeof(block));
        if (n > 0)
            (void)buf_add_mem(said, block, (size_t)n); /* more than a problem holds: the rest is dropped */
        else if (n < 0 && errno != EINTR)
            return;
    }
}

static err_t verdict(int status, const atomic_bool *cancel, const struct buf *said, struct problem *why)
{
    if (cancel && atomic_load(cancel))
        return problem_set(why, ERR_CANCELLED, "unpacking was cancelled");
    /* 1 is ERR_MORE, which it never says, and what programs end with that have other troubles. */
    if (WIFEXITED(status) && WEXITSTATUS(status) != ERR_MORE && WEXITSTATUS(status) <= ERR_CANCELLED)
        return WEXITSTATUS(status) ? problem_set(why, (err_t)WEXITSTATUS(status), "%s", buf_str(said))
                                   : ERR_OK;
    return problem_set(why, ERR_IO, "the program that unpacks it ended with %s %d",
                       WIFSIGNALED(status) ? "signal" : "status",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

err_t unpack_in_child(const char *program, int fd, const char *dir, const atomic_bool *cancel,
                      struct problem *why)
{
    autobuf said = BUF_INIT(PROBLEM_MAX - 1);
    int ends[2], error, status = 0;
    pid_t pid = 0;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return problem_set(why, file_err(errno), "no pipe to the program that unpacks");
    error = spawn(program, dir, fd, ends[1], &pid);
    mem_close_fd(&ends[1]);
    if (!error) {
        listen_to(ends[0], pid, cancel, &said);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    mem_close_fd(&ends[0]);
    return error ? problem_set(why, file_err(error), "%s cannot be started", program)
                 : verdict(status, cancel, &said, why);
}
