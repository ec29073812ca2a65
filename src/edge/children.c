/* src/edge/children.c */
#include "edge/children.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNNER_END_MS 10000

/* ---- in the child ---- */

static void keep_open(int fd)
{
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, 0);
}

/* Both die with the supervisor: no core without it, no function without the core. */
static void become(const char *program, const char *const *argv, pid_t parent)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_CODE_CRASH);
    (void)execv(program, (char *const *)(uintptr_t)argv);
    (void)fprintf(stderr, "cannot start %s: %s\n", program, strerror(errno));
    _exit(EXIT_CODE_CONFIG);
}

static void become_core(const struct children *c, pid_t parent, int runner_fd)
{
    char pid[32], status[32], runner[32];
    const char *argv[14] = { c->core_program, "-core-dir", c->core_dir, "-daemonPid", pid,
                             "-daemonRoot",   c->root };
    size_t n = 7;

    (void)snprintf(pid, sizeof(pid), "%ld", (long)parent);
    (void)snprintf(status, sizeof(status), "%d", c->status_fd);
    (void)snprintf(runner, sizeof(runner), "%d", runner_fd);
    if (c->status_fd >= 0) {
        argv[n++] = "-status-fd";
        argv[n++] = status;
    }
    if (runner_fd >= 0) {
        argv[n++] = "-runner-fd";
        argv[n++] = runner;
    }
    argv[n] = NULL;
    keep_open(c->status_fd);
    keep_open(runner_fd);
    become(c->core_program, argv, parent);
}

static void become_runner(const struct children *c, const char *program, pid_t parent, int fd)
{
    char text[32];
    const char *argv[] = { program, "-core-dir",  c->core_dir, "-daemonRoot",
                           c->root, "-socket-fd", text,        c->allow_root ? "-allow-root" : NULL,
                           NULL };

    (void)snprintf(text, sizeof(text), "%d", fd);
    keep_open(fd);
    become(program, argv, parent);
}

/* ---- in the supervisor ---- */

/* .../bin/core -> .../bin/runner, .../greengrass-core -> .../greengrass-runner */
static char *runner_program(const struct children *c)
{
    size_t n = strlen(c->core_program);

    if (n < 4 || strcmp(c->core_program + n - 4, "core") != 0)
        return NULL;
    return mem_printf("%.*srunner", (int)(n - 4), c->core_program);
}

static err_t start_runner(struct children *c, const char *program, pid_t self, int *ret_core_end)
{
    int fds[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return file_err(errno);
    pid = fork();
    if (pid == 0)
        become_runner(c, program, self, fds[0]);
    mem_close_fd(&fds[0]);
    if (pid < 0) {
        mem_close_fd(&fds[1]);
        return ERR_IO;
    }
    c->runner = pid;
    *ret_core_end = fds[1];
    return ERR_OK;
}

err_t children_start(struct children *c)
{
    autofree char *program = runner_program(c);
    autoclose int runner_fd = -1;
    pid_t self = getpid(), pid;
    err_t e = program && access(program, X_OK) == 0 ? start_runner(c, program, self, &runner_fd) : ERR_OK;

    if (e)
        return e;
    pid = fork();
    if (pid == 0)
        become_core(c, self, runner_fd);
    if (pid < 0)
        return ERR_IO; /* the runner ends by itself: nobody holds the other end */
    c->core = pid;
    return ERR_OK;
}

bool children_reap(struct children *c, int *ret_status)
{
    if (c->runner > 0 && waitpid(c->runner, NULL, WNOHANG) == c->runner)
        c->runner = 0;
    if (c->core <= 0 || waitpid(c->core, ret_status, WNOHANG) != c->core)
        return false;
    c->core = 0;
    c->core_ended_ms = clock_mono_ms();
    return true;
}

bool children_gone(const struct children *c)
{
    return c->core <= 0 && c->runner <= 0;
}

int64_t children_overdue(struct children *c, int64_t now_ms)
{
    int64_t left = c->core_ended_ms + RUNNER_END_MS - now_ms;

    if (c->core > 0 || c->runner <= 0)
        return -1;
    if (left > 0)
        return left;
    (void)kill(c->runner, SIGKILL);
    return RUNNER_END_MS;
}
