/* src/edge/daemon.c - the supervisor: holds the PID file, starts the runner and the core, starts them again
 * after a crash.
 *
 * Small on purpose: no network, no OpenSSL, no PKCS#11 module. Signals are taken with sigtimedwait, one at a
 * time.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/backoff.h"
#include "edge/children.h"
#include "edge/exit.h"
#include "edge/pidfile.h"
#include "edge/status.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 10000   /* a core that does not end by itself is killed */
#define STABLE_MS 60000 /* a core that lived so long starts with a fresh backoff */
#define CRASH_LOG_MAX 131072

struct daemon {
    const char *write_dir, *pid_dir;
    struct children children;
    int pid_fd;
    int64_t started_ms;
    struct backoff backoff;
    sigset_t signals;
};

/* crash.log takes what core and supervisor print; bounded by one predecessor. */
static err_t open_crash_log(const struct daemon *d)
{
    autofree char *dir = mem_printf("%s/var/log", d->write_dir);
    autofree char *path = mem_printf("%s/var/log/crash.log", d->write_dir);
    autofree char *old = mem_printf("%s/var/log/crash.log.1", d->write_dir);
    autoclose int fd = -1;
    struct stat st;
    err_t e;

    if (!dir || !path || !old)
        return ERR_NOMEM;
    e = file_mkdirs(dir, 0755);
    if (e)
        return e;
    if (stat(path, &st) == 0 && st.st_size > CRASH_LOG_MAX)
        (void)rename(path, old); /* worst case: it grows on */
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return file_err(errno);
    return dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0 ? ERR_IO : ERR_OK;
}

static void say(const char *text, long pid, const char *detail, int number)
{
    char when[CLOCK_ISO_MAX];

    clock_iso_trimmed(when, clock_wall_ms());
    (void)fprintf(stderr, "[%s] %s [pid = %ld] %s %d.\n", when, text, pid, detail, number);
}

static err_t start_children(struct daemon *d)
{
    err_t e = children_start(&d->children);

    if (!e)
        d->started_ms = clock_mono_ms();
    return e;
}

/* The next signal, or 0 after the time; -1 waits for ever. */
static int next_signal(const struct daemon *d, int64_t ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    int s;

    do {
        s = ms < 0 ? sigwaitinfo(&d->signals, NULL) : sigtimedwait(&d->signals, NULL, &t);
    } while (s < 0 && errno == EINTR);
    return s < 0 ? 0 : s;
}

/* The core first, which ends the functions in peace; the runner follows it. */
static void stop_children(struct daemon *d)
{
    struct children *c = &d->children;
    int64_t deadline = clock_mono_ms() + STOP_MS;
    int status;

    if (c->core > 0)
        (void)kill(c->core, SIGTERM);
    while (children_reap(c, &status), !children_gone(c)) {
        int64_t left = c->core > 0 ? deadline - clock_mono_ms() : children_overdue(c, clock_mono_ms());
        if (c->core > 0 && left <= 0) {
            say("The core process does not end, it is killed.", (long)c->core, "after ms", STOP_MS);
            (void)kill(c->core, SIGKILL);
            left = STOP_MS;
            deadline = clock_mono_ms() + left;
        }
        (void)next_signal(d, left);
    }
}

/* The core ended by itself. True: start it again after *ret_wait_ms. While greengrassd still waits for the
 * start to succeed, it has failed instead. */
static bool judge_end(struct daemon *d, int status, long pid, int64_t *ret_wait_ms)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE_CONFIG)
        return false; /* it has said why */
    say("The Greengrass daemon process with", pid,
        WIFSIGNALED(status) ? "died of signal" : "died with exit code",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (status_listened(d->children.status_fd)) {
        status_tell(d->children.status_fd, STATUS_FATAL,
                    "the core process died while it started: see var/log/crash.log and system/runtime.log in "
                    "the write directory");
        return false;
    }
    mem_close_fd(&d->children.status_fd);
    d->children.status_fd = -1;
    if (clock_mono_ms() - d->started_ms >= STABLE_MS)
        backoff_reset(&d->backoff);
    *ret_wait_ms = backoff_next(&d->backoff, (uint32_t)clock_mono_us() * 2654435761u);
    return true;
}

/* Milliseconds to sleep; -1: until a signal comes. */
static int64_t time_to_wait(struct daemon *d, int64_t restart_at)
{
    int64_t now = clock_mono_ms();

    if (d->children.core > 0)
        return -1;
    if (!children_gone(&d->children))
        return children_overdue(&d->children, now);
    return restart_at > now ? restart_at - now : 0;
}

static int supervise(struct daemon *d)
{
    int64_t restart_at = 0;

    for (;;) {
        int64_t wait = time_to_wait(d, restart_at);
        int s = wait ? next_signal(d, wait) : 0;
        long pid = (long)d->children.core;
        int status;
        if (s == SIGTERM || s == SIGINT)
            return 0;
        if (children_reap(&d->children, &status)) {
            if (!judge_end(d, status, pid, &wait))
                return EXIT_CODE_CONFIG;
            restart_at = clock_mono_ms() + wait;
        } else if (children_gone(&d->children) && clock_mono_ms() >= restart_at && start_children(d))
            restart_at = clock_mono_ms() + backoff_next(&d->backoff, 0);
    }
}

static const struct option options[] = {
    { "core-dir", required_argument, NULL, 'd' },
    { "greengrassdPid", required_argument, NULL, 'g' },
    { "daemonRoot", required_argument, NULL, 'r' },
    { "daemonWriteDir", required_argument, NULL, 'w' },
    { "daemonPidDir", required_argument, NULL, 'p' },
    { "daemonCore", required_argument, NULL, 'c' },
    { "allowRootFunctions", no_argument, NULL, 'a' },
    { "status-fd", required_argument, NULL, 's' },
    { 0 },
};

static bool parse_options(struct daemon *d, int argc, char **argv)
{
    int o;

    while ((o = getopt_long_only(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'd':
            d->children.core_dir = optarg;
            break;
        case 'r':
            d->children.root = optarg;
            break;
        case 'w':
            d->write_dir = optarg;
            break;
        case 'p':
            d->pid_dir = optarg;
            break;
        case 'c':
            d->children.core_program = optarg;
            break;
        case 'a':
            d->children.allow_root = true;
            break;
        case 's':
            d->children.status_fd = atoi(optarg);
            break;
        case 'g':
            break; /* for ps */
        default:
            return false;
        }
    }
    return d->children.core_dir && d->children.root && d->write_dir && d->pid_dir && d->children.core_program;
}

static void take_signals(struct daemon *d)
{
    (void)sigemptyset(&d->signals);
    (void)sigaddset(&d->signals, SIGTERM);
    (void)sigaddset(&d->signals, SIGINT);
    (void)sigaddset(&d->signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &d->signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
}

static err_t begin(struct daemon *d, struct problem *why)
{
    err_t e = pidfile_take(d->pid_dir, &d->pid_fd, why);

    if (e)
        return e;
    if (open_crash_log(d))
        return problem_set(why, ERR_IO,
                           "cannot write %s/var/log/crash.log: check the folder's owner and the disk",
                           d->write_dir);
    if (start_children(d))
        return problem_set(why, ERR_IO, "cannot start a process: %s", strerror(errno));
    return ERR_OK;
}

static int run(struct daemon *d)
{
    struct problem why;
    int code;

    if (begin(d, &why)) {
        status_tell(d->children.status_fd, STATUS_FATAL, why.text);
        return EXIT_CODE_CONFIG;
    }
    code = supervise(d);
    stop_children(d);
    pidfile_remove(d->pid_dir);
    return code;
}

int main(int argc, char **argv)
{
    struct daemon d = { .children.status_fd = -1, .pid_fd = -1, .backoff = backoff_of(1000, 60000) };

    if (!parse_options(&d, argc, argv)) {
        (void)fprintf(stderr, "this program is started by greengrassd\n");
        return EXIT_CODE_CONFIG;
    }
    if (d.children.status_fd >= 0)
        (void)fcntl(d.children.status_fd, F_SETFD, FD_CLOEXEC);
    take_signals(&d);
    return run(&d);
}
