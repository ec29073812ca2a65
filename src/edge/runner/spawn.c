#include "edge/runner/spawn.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FREE_FD 16   /* above what a worker gets */
#define PROCESSES_MAX 4096 /* of an account that functions have to themselves: a fork bomb ends there */

/* ---- in the child: the first failure is written to `report` and ends it ---- */

struct child {
    const struct runner_command *c;
    int report;
    bool was_root; /* the runner is */
};

__attribute__((noreturn, format(printf, 2, 3))) static void give_up(const struct child *ch, const char *fmt,
                                                                    ...)
{
    char text[RUNNER_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)file_write_all(ch->report, slice_str(text)); /* the parent sees the end at least */
    _exit(127);
}

static void default_signals(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL); /* fails for SIGKILL and the like */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The kernel ends a function before the core when memory runs out. Without /proc it will choose itself. */
static void offer_to_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)file_write_all(fd, SLICE_LIT("1000"));
    mem_close_fd(&fd);
}

/* 0 is /dev/null, then those given; all others close with exec. They are moved up first, because the numbers
 * they are to get may be taken by one of them. */
static void place_descriptors(struct child *ch)
{
    const struct runner_command *c = ch->c;
    int high[RUNNER_FDS_MAX], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ch->report = fcntl(ch->report, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    for (size_t i = 0; i < c->fd_count; i++)
        if ((high[i] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD)) < 0)
            give_up(ch, "cannot hand over descriptors: %s", strerror(errno));
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        give_up(ch, "cannot open /dev/null: %s", strerror(errno));
    for (size_t i = 0; i < c->fd_count; i++)
        if (dup2(high[i], (int)i + 1) < 0)
            give_up(ch, "cannot hand over descriptors: %s", strerror(errno));
    /* All of ours have the flag; this is for what the program was started with. */
    (void)close_range((unsigned)c->fd_count + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

static void limit(const struct child *ch, __rlimit_resource_t what, rlim_t most)
{
    struct rlimit r;

    if (getrlimit(what, &r) != 0)
        give_up(ch, "cannot read limits: %s", strerror(errno));
    if (r.rlim_max > most)
        r.rlim_max = most;
    if (r.rlim_cur > r.rlim_max)
        r.rlim_cur = r.rlim_max;
    if (setrlimit(what, &r) != 0)
        give_up(ch, "cannot set limits: %s", strerror(errno));
}

/* The groups of the account, as V1's functions without a container had them (i2c, gpio). */
static int take_groups(const struct runner_command *c)
{
    const gid_t gid = (gid_t)c->gid;
    const struct passwd *p = getpwuid((uid_t)c->uid);

    return p ? initgroups(p->pw_name, gid) : setgroups(1, &gid);
}

static void take_account(const struct child *ch)
{
    const struct runner_command *c = ch->c;

    if (geteuid() != 0 || c->uid < 0 || c->gid < 0)
        return;
    if (take_groups(c) != 0 || setresgid((gid_t)c->gid, (gid_t)c->gid, (gid_t)c->gid) != 0 ||
        setresuid((uid_t)c->uid, (uid_t)c->uid, (uid_t)c->uid) != 0)
        give_up(ch, "cannot become uid %lld, gid %lld: %s", (long long)c->uid, (long long)c->gid,
                strerror(errno));
}

/* Each folder of `path` in turn; what is found but cannot be run is told rather than that nothing was found.
 */
static int exec_from_path(const struct runner_command *c)
{
    int worst = ENOENT;

    for (const char *p = c->path; *p; p += strcspn(p, ":"), p += *p == ':') {
        char file[PATH_MAX];
        int n = snprintf(file, sizeof(file), "%.*s/%s", (int)strcspn(p, ":"), p, c->program);
        if (*p != '/' || n < 0 || (size_t)n >= sizeof(file))
            continue;
        (void)execve(file, (char *const *)(uintptr_t)c->argv, (char *const *)(uintptr_t)c->envp);
        if (errno != ENOENT && errno != ENOTDIR)
            worst = errno;
    }
    return worst;
}

_Noreturn static void run_program(const struct child *ch)
{
    const struct runner_command *c = ch->c;
    int error;

    if (strchr(c->program, '/')) {
        (void)execve(c->program, (char *const *)(uintptr_t)c->argv, (char *const *)(uintptr_t)c->envp);
        error = errno;
    } else {
        error = exec_from_path(c);
    }
    if (error == ENOENT)
        give_up(ch, "cannot find executable %.200s under any of the provided paths", c->program);
    give_up(ch, "cannot run %.200s as uid %lu: %s", c->program, (unsigned long)geteuid(), strerror(error));
}

_Noreturn static void become_worker(struct child *ch, pid_t parent)
{
    place_descriptors(ch);
    default_signals();
    offer_to_oom_killer();
    (void)umask(022);
    limit(ch, RLIMIT_CORE, 0); /* its memory has its token */
    if (geteuid() == 0 && ch->c->uid > 0)
        limit(ch, RLIMIT_NPROC, PROCESSES_MAX);
    take_account(ch);
    /* A program that changes its user could not be stopped by us any more. Under root it can, and V1's
     * functions without a container had sudo. */
    if (!ch->was_root)
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a new uid takes it away, so not before */
    if (getppid() != parent)
        _exit(127);
    if (chdir(ch->c->cwd) != 0)
        give_up(ch, "cannot enter the folder of its code %.200s: %s", ch->c->cwd, strerror(errno));
    run_program(ch);
}

/* ---- in the parent ---- */

/* The pipe closes with exec. What came before that is the reason. */
static err_t hear(int fd, pid_t pid, char why[RUNNER_TEXT_MAX])
{
    size_t n = 0;
    ssize_t got;

    do {
        got = read(fd, why + n, RUNNER_TEXT_MAX - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    why[n] = 0;
    if (n == 0)
        return ERR_OK;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return ERR_NOT_FOUND;
}

static err_t judge(const struct runner_command *c, bool allow_root, char why[RUNNER_TEXT_MAX])
{
    bool root = c->uid < 0 || c->gid < 0 ? geteuid() == 0 : c->uid == 0 || c->gid == 0;

    if (geteuid() != 0 || !root || allow_root)
        return ERR_OK;
    (void)snprintf(why, RUNNER_TEXT_MAX,
                   "it would run as root, and runtime.allowFunctionsToRunAsRoot is not yes in config.json");
    return ERR_DENIED;
}

err_t spawn_worker(const struct runner_command *c, bool allow_root, pid_t *ret, char why[RUNNER_TEXT_MAX])
{
    const pid_t self = getpid();
    int report[2];
    pid_t pid;
    err_t e = judge(c, allow_root, why);

    if (e)
        return e;
    if (pipe2(report, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        (void)snprintf(why, RUNNER_TEXT_MAX, "cannot start a process: %s", strerror(errno));
        return ERR_IO;
    }
    if (pid == 0) {
        (void)setpgid(0, 0); /* here and below: whoever comes first */
        become_worker(&(struct child){ c, report[1], geteuid() == 0 }, self);
    }
    (void)setpgid(pid, pid);
    mem_close_fd(&report[1]);
    e = hear(report[0], pid, why);
    mem_close_fd(&report[0]);
    if (!e)
        *ret = pid;
    return e;
}
