/* src/edge/runner/main.c - the runner: starts functions for the core. Started by daemon.c.
 *
 * It may be root. It has no key, no network, no OpenSSL, and reads nothing but the core's packets (wire.h).
 * Each worker gets a keeper; the runner carries what the two say to each other.
 */
#include "base/mem.h"
#include "edge/runner/descendants.h"
#include "edge/runner/keeper.h"
#include "edge/runner/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPERS_MAX 4096u

struct keeper_of {
    uint64_t worker;
    pid_t pid;
    int fd;
    bool final; /* the last word about this worker was passed on */
};

struct runner {
    int core; /* packets from and to the core */
    bool allow_root;
    struct keeper_of *keepers;
    size_t n, cap;
    struct pollfd *polled;
    size_t polled_cap;
};

/* ---- telling the core ---- */

/* A core that is gone is seen in the main loop. */
static void tell(const struct runner *r, const struct runner_message *m)
{
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);

    if (!runner_write(&packet, m))
        (void)runner_send(r->core, buf_slice(&packet), NULL, 0);
}

static void tell_not_started(const struct runner *r, uint64_t worker, const char *why)
{
    struct runner_message m = { .kind = RUNNER_NOT_STARTED, .worker = worker };

    (void)snprintf(m.text, sizeof(m.text), "%s", why);
    tell(r, &m);
}

/* ---- keepers ---- */

static err_t make_room(struct runner *r)
{
    err_t e = mem_grow(&r->keepers, &r->cap, r->n + 1, KEEPERS_MAX, sizeof(*r->keepers));

    return e ? e : mem_grow(&r->polled, &r->polled_cap, r->n + 2, KEEPERS_MAX + 1, sizeof(*r->polled));
}

_Noreturn static void become_keeper(const struct runner *r, const struct runner_message *start, int fd)
{
    (void)prctl(PR_SET_NAME, "gg-keeper");
    mem_close_fd(&r->core);
    for (size_t i = 0; i < r->n; i++)
        mem_close_fd(&r->keepers[i].fd);
    keeper_run(start, r->allow_root, fd);
}

static bool knows(const struct runner *r, uint64_t worker)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->keepers[i].worker == worker)
            return true;
    }
    return false;
}

/* ERR_PROTO: there is one of that number. */
static err_t start_worker(struct runner *r, const struct runner_message *start)
{
    int pair[2];
    pid_t pid;

    if (knows(r, start->worker))
        return ERR_PROTO;
    if (make_room(r)) {
        tell_not_started(r, start->worker, "too many workers");
        return ERR_OK;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        tell_not_started(r, start->worker, strerror(errno));
        return ERR_OK;
    }
    if ((pid = fork()) < 0) {
        tell_not_started(r, start->worker, strerror(errno));
        mem_close_fd(&pair[0]);
        mem_close_fd(&pair[1]);
        return ERR_OK;
    }
    if (pid == 0) {
        mem_close_fd(&pair[0]); /* or it would never see that the runner is gone */
        become_keeper(r, start, pair[1]);
    }
    mem_close_fd(&pair[1]);
    r->keepers[r->n++] = (struct keeper_of){ .worker = start->worker, .pid = pid, .fd = pair[0] };
    return ERR_OK;
}

static void stop_worker(const struct runner *r, const struct runner_message *stop, struct slice packet)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->keepers[i].worker == stop->worker)
            (void)runner_send(r->keepers[i].fd, packet, NULL, 0); /* one that is gone has nothing to stop */
    }
}

/* What a keeper that somebody killed has left behind. */
static void kill_strays(const struct runner *r)
{
    pid_t spare[KEEPERS_MAX];

    for (size_t i = 0; i < r->n; i++)
        spare[i] = r->keepers[i].pid;
    while (descendants_kill(spare, r->n) > 0)
        (void)poll(NULL, 0, 5);
}

static void forget(struct runner *r, size_t i)
{
    struct keeper_of k = r->keepers[i];

    mem_close_fd(&k.fd);
    r->keepers[i] = r->keepers[--r->n];
    if (k.final)
        return;
    kill_strays(r);
    tell(r, &(struct runner_message){ .kind = RUNNER_ENDED, .worker = k.worker, .number = SIGKILL });
}

static void on_keeper(struct runner *r, size_t i)
{
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX + 1);
    struct runner_message m = { 0 };
    int fds[RUNNER_FDS_MAX];
    size_t n = 0;
    err_t e = runner_receive(r->keepers[i].fd, &packet, fds, &n);

    if (!e)
        e = runner_read(buf_slice(&packet), &m);
    if (e == ERR_MORE || e == ERR_NOMEM)
        return;
    if (e) {
        forget(r, i);
        return;
    }
    tell(r, &m);
    r->keepers[i].final = m.kind == RUNNER_ENDED || m.kind == RUNNER_NOT_STARTED;
    runner_message_done(&m);
}

/* ---- the core ---- */

/* False: it is gone, or broke the protocol. */
static bool on_core(struct runner *r)
{
    autobuf packet = BUF_SECRET(RUNNER_PACKET_MAX + 1);
    struct runner_message m = { 0 };
    int fds[RUNNER_FDS_MAX];
    size_t n = 0;
    err_t e = runner_receive(r->core, &packet, fds, &n);

    if (!e)
        e = runner_read(buf_slice(&packet), &m);
    if (!e && m.kind == RUNNER_START) {
        memcpy(m.command.fds, fds, n * sizeof(*fds));
        m.command.fd_count = n;
        e = start_worker(r, &m);
    } else if (!e && m.kind == RUNNER_STOP) {
        stop_worker(r, &m, buf_slice(&packet));
    } else if (!e) {
        e = ERR_PROTO;
    }
    runner_close_fds(fds, n);
    runner_message_done(&m);
    if (e && e != ERR_EOF)
        (void)fprintf(stderr, "runner: the core's message cannot be used (%s), everything ends\n",
                      err_str(e));
    return !e;
}

/* The keepers see that the runner is gone and kill what they keep; wait for them, so that a new runner does
 * not start functions beside old ones. */
static void end(struct runner *r)
{
    for (size_t i = 0; i < r->n; i++)
        mem_close_fd(&r->keepers[i].fd);
    while (waitpid(-1, NULL, WNOHANG) >= 0 || errno == EINTR) {
        kill_strays(r);
        (void)poll(NULL, 0, 5);
    }
    free(r->keepers);
    free(r->polled);
}

static void serve(struct runner *r)
{
    for (;;) {
        size_t n = r->n;
        r->polled[0] = (struct pollfd){ r->core, POLLIN, 0 };
        for (size_t i = 0; i < n; i++)
            r->polled[i + 1] = (struct pollfd){ r->keepers[i].fd, POLLIN, 0 };
        if (poll(r->polled, n + 1, -1) < 0 && errno != EINTR)
            return;
        for (size_t i = n; i-- > 0;) /* backwards: forgetting moves the last one down */
            if (r->polled[i + 1].revents)
                on_keeper(r, i);
        if (r->polled[0].revents && !on_core(r))
            return;
    }
}

static bool parse_options(struct runner *r, int argc, char **argv)
{
    static const struct option options[] = { { "core-dir", required_argument, NULL, 'd' }, /* for ps */
                                             { "daemonRoot", required_argument, NULL, 'p' },
                                             { "allow-root", no_argument, NULL, 'r' },
                                             { "socket-fd", required_argument, NULL, 'f' },
                                             { 0 } };
    int o;

    while ((o = getopt_long_only(argc, argv, "", options, NULL)) != -1) {
        if (o == 'f')
            r->core = atoi(optarg);
        else if (o == 'r')
            r->allow_root = true;
        else if (o == '?')
            return false;
    }
    return r->core >= 0;
}

int main(int argc, char **argv)
{
    struct runner r = { .core = -1 };
    int type = 0;
    socklen_t n = sizeof(type);

    if (!parse_options(&r, argc, argv) || getsockopt(r.core, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
        type != SOCK_SEQPACKET) {
        (void)fprintf(stderr, "this program is started by greengrassd\n");
        return EXIT_FAILURE;
    }
    (void)fcntl(r.core, F_SETFD, FD_CLOEXEC);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_IGN); /* keepers are reaped by the kernel */
    (void)signal(SIGTERM, SIG_IGN); /* the core's end is the order to end */
    (void)signal(SIGINT, SIG_IGN);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || make_room(&r))
        return EXIT_FAILURE;
    serve(&r);
    end(&r);
    return EXIT_SUCCESS;
}
