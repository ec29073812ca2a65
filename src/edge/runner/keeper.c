#include "edge/runner/keeper.h"

#include "base/clock.h"
#include "base/mem.h"
#include "edge/runner/descendants.h"
#include "edge/runner/socket.h"
#include "edge/runner/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGAIN_MS 5 /* between two looks at what will not die */

struct keeper {
    uint64_t worker;
    int fd;          /* to the runner; -1: it is gone */
    int children;    /* a signalfd of SIGCHLD */
    pid_t pid;       /* of the worker; 0: reaped */
    int status;      /* as from waitpid */
    int64_t kill_ms; /* monotonic; 0: nobody asked */
};

static void tell(const struct keeper *k, enum runner_kind kind, int64_t number, const char *text)
{
    struct runner_message m = { .kind = kind, .worker = k->worker, .number = number };
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);

    for (size_t i = 0; text && text[i] && i < sizeof(m.text) - 1; i++)
        m.text[i] = text[i];
    if (!runner_write(&packet, &m))
        (void)runner_send(k->fd, buf_slice(&packet), NULL, 0); /* a runner that is gone is seen below */
}

/* The worker's own end is its status; others are just counted off. */
static void reap(struct keeper *k)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == k->pid) {
            k->pid = 0;
            k->status = status;
        }
    }
}

static void on_order(struct keeper *k)
{
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX + 1);
    struct runner_message m = { 0 };
    int fds[RUNNER_FDS_MAX];
    size_t n = 0;
    err_t e = runner_receive(k->fd, &packet, fds, &n);
    int64_t at;

    if (e == ERR_MORE || e == ERR_NOMEM)
        return;
    if (!e)
        e = runner_read(buf_slice(&packet), &m);
    runner_close_fds(fds, n);
    if (e) {
        mem_close_fd(&k->fd);
        k->fd = -1;
        k->kill_ms = clock_mono_ms();
        return;
    }
    at = clock_mono_ms() + (m.kind == RUNNER_STOP && m.number > 0 ? m.number : 0);
    if (m.number > 0 && k->pid)
        (void)kill(-k->pid, SIGTERM);
    if (!k->kill_ms || at < k->kill_ms)
        k->kill_ms = at;
    runner_message_done(&m);
}

static void on_child(struct keeper *k)
{
    struct signalfd_siginfo info;

    while (read(k->children, &info, sizeof(info)) > 0)
        ;
    reap(k);
}

static int patience(const struct keeper *k)
{
    int64_t left = k->kill_ms - clock_mono_ms();

    if (!k->kill_ms)
        return -1;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Until the worker has ended, or its time is over. */
static void watch(struct keeper *k)
{
    reap(k);
    while (k->pid && patience(k) != 0) {
        struct pollfd fds[2] = { { k->children, POLLIN, 0 }, { k->fd, POLLIN, 0 } };
        if (poll(fds, ARRAY_LEN(fds), patience(k)) < 0 && errno != EINTR)
            break; /* out of memory: end it */
        if (fds[0].revents)
            on_child(k);
        if (fds[1].revents)
            on_order(k);
    }
}

/* Everything that is left of it, until nothing is. */
static void clean_up(struct keeper *k)
{
    for (;;) {
        if (k->pid)
            (void)kill(-k->pid, SIGKILL);
        reap(k);
        if (!k->pid && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
            return;
        (void)descendants_kill(NULL, 0);
        (void)poll(NULL, 0, AGAIN_MS);
    }
}

static void take_signals(struct keeper *k)
{
    sigset_t child;

    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &child, NULL);
    k->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

void keeper_run(const struct runner_message *start, bool allow_root, int fd)
{
    struct keeper k = { .worker = start->worker, .fd = fd };
    char why[RUNNER_TEXT_MAX] = "";

    take_signals(&k);
    if (k.children < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        tell(&k, RUNNER_NOT_STARTED, 0, "the system refuses what a function's keeper needs");
        _exit(1);
    }
    if (spawn_worker(&start->command, allow_root, &k.pid, why)) {
        tell(&k, RUNNER_NOT_STARTED, 0, why);
        _exit(0);
    }
    runner_close_fds((int *)(uintptr_t)start->command.fds, start->command.fd_count);
    tell(&k, RUNNER_STARTED, k.pid, NULL);
    watch(&k);
    clean_up(&k);
    tell(&k, RUNNER_ENDED, k.status, NULL);
    _exit(0);
}
