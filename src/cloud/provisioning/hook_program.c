#include "cloud/provisioning/hook_program.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 5 /* between the end of its output and its own */

struct hook_program {
    struct net_loop *loop;
    pid_t pid; /* and process group; 0: reaped */
    int fd;
    struct net_watch *watch;
    struct net_timer *timer;
    int64_t ends_ms; /* monotonic */
    struct buf out;
    hook_program_done_fn done;
    void *ctx;
};

void hook_program_free(struct hook_program *p)
{
    if (!p)
        return;
    net_watch_free(p->watch);
    net_timer_free(p->timer);
    if (p->pid > 0) {
        (void)kill(-p->pid, SIGKILL);
        (void)kill(p->pid, SIGKILL); /* the group may not be there yet */
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    mem_close_fd(&p->fd);
    buf_done(&p->out);
    free(p);
}

/* The callee frees p. */
static void finish(struct hook_program *p, const char *why)
{
    p->done(p->ctx, buf_slice(&p->out), why);
}

static void ended(struct hook_program *p, int status)
{
    char why[64];

    p->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        finish(p, NULL);
        return;
    }
    (void)snprintf(why, sizeof(why), WIFEXITED(status) ? "it ended with status %d" : "signal %d ended it",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    finish(p, why);
}

/* Its output has ended: it does so itself any moment. */
static void look(struct hook_program *p)
{
    int status;
    pid_t pid = waitpid(p->pid, &status, WNOHANG);

    if (pid == p->pid)
        ended(p, status);
    else if (clock_mono_ms() >= p->ends_ms)
        finish(p, "it took longer than five seconds");
    else
        net_timer_set(p->timer, LOOK_AGAIN_MS);
}

static void on_timer(void *ctx)
{
    struct hook_program *p = ctx;

    if (p->watch)
        finish(p, "it took longer than five seconds");
    else
        look(p);
}

static void on_readable(void *ctx, bool readable, bool writable)
{
    struct hook_program *p = ctx;
    uint8_t part[4096];
    ssize_t n = read(p->fd, part, sizeof(part));

    (void)readable;
    (void)writable;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && buf_add_mem(&p->out, part, (size_t)n)) {
        finish(p, "its answer is too long");
        return;
    }
    if (n > 0)
        return;
    net_watch_free(p->watch);
    p->watch = NULL;
    look(p);
}

/* A file in memory that reads from its start: the whole event, whatever a pipe would take. */
static int input_of(struct slice in)
{
    int fd = memfd_create("event", MFD_CLOEXEC);

    if (fd >= 0 && (file_write_all(fd, in) || lseek(fd, 0, SEEK_SET) != 0))
        mem_close_fd(&fd), fd = -1;
    return fd;
}

static int spawn(const char *path, int in, int out, pid_t *ret)
{
    static char path_env[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LC_ALL=C.UTF-8";
    char *argv[] = { (char *)(uintptr_t)path, NULL }, *env[] = { path_env, lang, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t defaults;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc)
        return rc;
    if ((rc = posix_spawnattr_init(&attr))) {
        (void)posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    if (!(rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF)) &&
        !(rc = posix_spawnattr_setsigdefault(&attr, &defaults)) &&
        !(rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO)) &&
        !(rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO)))
        rc = posix_spawn(ret, path, &files, &attr, argv, env);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

static err_t run(struct hook_program *p, const char *path, struct slice in, int64_t deadline_ms)
{
    autoclose int input = input_of(in);
    int fds[2], rc;
    err_t e;

    if (input < 0 || pipe2(fds, O_CLOEXEC) != 0)
        return ERR_IO;
    p->fd = fds[0];
    rc = spawn(path, input, fds[1], &p->pid);
    mem_close_fd(&fds[1]);
    if (rc) {
        p->pid = 0;
        return ERR_IO;
    }
    if (fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0)
        return ERR_IO;
    if ((e = net_watch_new(p->loop, p->fd, on_readable, p, &p->watch)) ||
        (e = net_watch_set(p->watch, true, false)) || (e = net_timer_new(p->loop, on_timer, p, &p->timer)))
        return e;
    p->ends_ms = clock_mono_ms() + deadline_ms;
    net_timer_set(p->timer, deadline_ms);
    return ERR_OK;
}

err_t hook_program_start(struct net_loop *loop, const char *path, struct slice in, int64_t deadline_ms,
                         hook_program_done_fn done, void *ctx, struct hook_program **ret)
{
    struct hook_program *p = mem_calloc(1, sizeof(*p));
    err_t e;

    if (!p)
        return ERR_NOMEM;
    *p = (struct hook_program){
        .loop = loop, .fd = -1, .out = BUF_INIT(HOOK_ANSWER_MAX), .done = done, .ctx = ctx
    };
    if ((e = run(p, path, in, deadline_ms))) {
        hook_program_free(p);
        return e;
    }
    *ret = p;
    return ERR_OK;
}
