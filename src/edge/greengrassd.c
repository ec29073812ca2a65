/* src/edge/greengrassd.c - start, stop, restart, status: what a person or systemd calls. */
#include "base/clock.h"
#include "base/mem.h"
#include "edge/config.h"
#include "edge/elog.h"
#include "edge/exit.h"
#include "edge/layout.h"
#include "edge/pidfile.h"
#include "edge/status.h"
#include "edge/version.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define START_MS 70000 /* "up to 1m10s" */
#define STOP_MS 30000
#define POLL_US 50000

struct call {
    const char *root_option;
    bool insecure;
    char *root;
    struct config *config;
    char *pid_dir;
};

/* ---- saying ---- */

/* On the terminal, and in runtime.log where that can be written. */
static int complain(const struct call *c, const struct problem *why)
{
    autofree char *wd = c->config ? mem_strdup(c->config->write_dir)
                        : c->root ? mem_printf("%s/ggc", c->root)
                                  : NULL;

    (void)fprintf(stderr, "%s\n", why->text);
    if (wd && elog_open(wd) == ERR_OK) {
        elogf(ELOG_FATAL, "Greengrass daemon cannot start: %s", why->text);
        elog_close();
    }
    return EXIT_FAILURE;
}

static int refuse(const struct problem *why)
{
    (void)fprintf(stderr, "%s\n", why->text);
    return EXIT_FAILURE;
}

static void note(const char *text)
{
    (void)printf("%s\n", text);
    (void)fflush(stdout);
}

/* ---- what every verb needs ---- */

static err_t prepare(struct call *c, struct problem *why)
{
    err_t e = layout_find_root(c->root_option, &c->root, why);

    e = e ? e : config_load(c->root, &c->config, why);
    if (e)
        return e;
    c->pid_dir = layout_pid_dir(c->config, c->root);
    return c->pid_dir ? ERR_OK : problem_set(why, ERR_NOMEM, "out of memory");
}

/* ---- start ---- */

static bool sysctl_is_off(const char *path)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    char c = '1';

    return fd >= 0 && read(fd, &c, 1) == 1 && c == '0';
}

/* V1 ran without this protection in insecure mode only (-i): it keeps a function from linking into folders
 * that are not its own. The core follows no link of a function, so a machine without it is told, not refused.
 */
static void check_links(const struct call *c)
{
    static const char *const knobs[] = { "fs.protected_hardlinks", "fs.protected_symlinks" };
    static const char *const paths[] = { "/proc/sys/fs/protected_hardlinks",
                                         "/proc/sys/fs/protected_symlinks" };

    note("Validating hardlink/softlink protection");
    for (size_t i = 0; i < ARRAY_LEN(knobs) && !c->insecure; i++)
        if (sysctl_is_off(paths[i]))
            (void)printf("Warning: %s is 0; functions are safer with it: sysctl -w %s=1 (or start with -i)\n",
                         knobs[i], knobs[i]);
}

static void exec_daemon(const struct call *c, const char *program, const char *core, const char *core_dir,
                        int status_fd, pid_t caller)
{
    char pid[32], fd[32];
    const char *argv[] = { program,
                           "-core-dir",
                           core_dir,
                           "-greengrassdPid",
                           pid,
                           "-daemonRoot",
                           c->root,
                           "-daemonWriteDir",
                           c->config->write_dir,
                           "-daemonPidDir",
                           c->pid_dir,
                           "-daemonCore",
                           core,
                           "-status-fd",
                           fd,
                           c->config->allow_root_functions ? "-allowRootFunctions" : NULL,
                           NULL };
    autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)snprintf(pid, sizeof(pid), "%ld", (long)caller);
    (void)snprintf(fd, sizeof(fd), "%d", status_fd);
    (void)setsid();
    (void)fcntl(status_fd, F_SETFD, 0);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
    }
    if (chdir("/") == 0)
        (void)execv(program, (char *const *)(uintptr_t)argv);
    status_tell(status_fd, STATUS_FATAL, "the daemon program cannot be executed");
    _exit(EXIT_FAILURE);
}

static err_t find_programs(char **ret_daemon, char **ret_core, char **ret_dir, struct problem *why)
{
    autofree char *daemon = NULL, *core = NULL, *dir = NULL;
    char *slash;

    if (layout_program("daemon", &daemon) || layout_program("core", &core)) {
        (void)problem_set(
            why, ERR_NOT_FOUND,
            "bin/daemon and bin/core are not beside greengrassd: unpack the core's release archive again");
        return ERR_NOT_FOUND;
    }
    dir = mem_strdup(daemon);
    slash = dir ? strrchr(dir, '/') : NULL;
    if (!slash) {
        (void)problem_set(why, ERR_NOMEM, "out of memory");
        return ERR_NOMEM;
    }
    *slash = '\0';
    slash = strrchr(dir, '/');
    if (slash && strcmp(slash, "/bin") == 0)
        *slash = '\0'; /* .../packages/VERSION/bin/daemon: the package is the core's folder */
    *ret_daemon = steal(&daemon);
    *ret_core = steal(&core);
    *ret_dir = steal(&dir);
    return ERR_OK;
}

static err_t launch(const struct call *c, int *ret_fd, struct problem *why)
{
    autofree char *program = NULL, *core = NULL, *dir = NULL;
    autoclose int rx = -1;
    autoclose int tx = -1;
    int fds[2];
    pid_t caller = getpid(), child;
    err_t e = find_programs(&program, &core, &dir, why);

    if (e)
        return e;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return problem_set(why, ERR_IO, "cannot start the daemon: %s", strerror(errno));
    rx = fds[0];
    tx = fds[1];
    child = fork();
    if (child < 0)
        return problem_set(why, ERR_IO, "cannot start the daemon: %s", strerror(errno));
    if (child == 0)
        exec_daemon(c, program, core, dir, tx, caller);
    *ret_fd = steal_fd(&rx);
    return ERR_OK;
}

static bool gone_within(const struct call *c, int64_t ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    pid_t pid;

    while (pidfile_find(c->pid_dir, &pid, NULL) == ERR_OK) {
        if (clock_mono_ms() >= deadline)
            return false;
        (void)usleep(POLL_US);
    }
    return true;
}

static int outcome(const struct call *c, enum status_kind kind, const char *text)
{
    struct problem why;
    pid_t pid = 0;

    if (kind == STATUS_FATAL) {
        (void)fprintf(stderr, "%s\n", text);
        (void)gone_within(c, STOP_MS); /* it is ending; afterwards a new start finds no daemon */
        return EXIT_FAILURE;
    }
    if (pidfile_find(c->pid_dir, &pid, &why)) {
        (void)fprintf(stderr, "The daemon started and ended again: see %s/var/log/crash.log\n",
                      c->config->write_dir);
        return EXIT_FAILURE;
    }
    if (kind == STATUS_PARTIAL) {
        (void)fprintf(stderr, "%s\n", text);
        (void)printf("Greengrass daemon running with PID: %ld. Some system components failed to start. Check "
                     "'runtime.log' for errors.\n",
                     (long)pid);
    } else
        (void)printf("Greengrass successfully started with PID: %ld\n", (long)pid);
    return EXIT_SUCCESS;
}

static int wait_for_start(const struct call *c, int fd)
{
    enum status_kind kind;
    char text[2048];
    struct problem why;
    err_t e = status_listen(fd, START_MS, note, &kind, text, sizeof(text));

    if (!e)
        return outcome(c, kind, text);
    (void)problem_set(&why, e, "The daemon %s: see %s/var/log/crash.log and system/runtime.log beside it",
                      e == ERR_TIMEOUT ? "did not start within 1m10s" : "ended while it started",
                      c->config->write_dir);
    return complain(c, &why);
}

static int verb_start(struct call *c)
{
    struct problem why;
    pid_t pid;
    autoclose int fd = -1;
    err_t e;

    note("Setting up greengrass daemon");
    check_links(c);
    e = prepare(c, &why);
    e = e ? e : layout_check_socket(c->config, &why);
    if (!e && pidfile_find(c->pid_dir, &pid, &why) == ERR_OK)
        e = problem_set(&why, ERR_EXISTS, "Greengrass daemon is already running with PID: %ld", (long)pid);
    if (e == ERR_EXISTS)
        return refuse(&why);
    e = e ? e : launch(c, &fd, &why);
    if (e)
        return complain(c, &why);
    note("Waiting for up to 1m10s for Daemon to start");
    return wait_for_start(c, fd);
}

/* ---- stop, restart, status ---- */

static int stop_running(struct call *c, pid_t pid)
{
    struct problem why;

    (void)printf("Stopping greengrass daemon of PID: %ld\n", (long)pid);
    (void)fflush(stdout);
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH) {
        (void)problem_set(&why, ERR_DENIED, "cannot stop the daemon with PID %ld: %s", (long)pid,
                          strerror(errno));
        return refuse(&why);
    }
    if (!gone_within(c, STOP_MS)) {
        (void)printf("The daemon does not end, it is killed.\n");
        (void)kill(pid, SIGKILL); /* the core process dies with it */
        if (!gone_within(c, STOP_MS))
            return EXIT_FAILURE;
        pidfile_remove(c->pid_dir);
    }
    (void)printf("Stopped greengrass daemon, exiting with success\n");
    return EXIT_SUCCESS;
}

static int verb_stop(struct call *c)
{
    struct problem why;
    pid_t pid;
    err_t e = prepare(c, &why);

    e = e ? e : pidfile_find(c->pid_dir, &pid, &why);
    if (e == ERR_NOT_FOUND && c->pid_dir) {
        (void)printf("Greengrass daemon is not running\n");
        return EXIT_SUCCESS;
    }
    return e ? refuse(&why) : stop_running(c, pid);
}

static int verb_restart(struct call *c)
{
    int code = verb_stop(c);

    if (code)
        return code;
    config_free(c->config);
    c->config = NULL;
    free(steal(&c->root));
    free(steal(&c->pid_dir));
    return verb_start(c);
}

static int verb_status(struct call *c)
{
    struct problem why;
    pid_t pid;
    err_t e = prepare(c, &why);

    if (e)
        return refuse(&why);
    e = pidfile_find(c->pid_dir, &pid, &why);
    if (e == ERR_NOT_FOUND) {
        (void)printf("Greengrass daemon is not running\n");
        return EXIT_CODE_NOT_RUNNING;
    }
    if (e)
        return refuse(&why);
    (void)printf("Greengrass daemon running with PID: %ld\n", (long)pid);
    return EXIT_SUCCESS;
}

/* ---- main ---- */

static const struct {
    const char *name;
    int (*run)(struct call *);
} verbs[] = {
    { "start", verb_start }, { "stop", verb_stop }, { "restart", verb_restart }, { "status", verb_status }
};

static int usage(FILE *to)
{
    (void)fprintf(
        to, "Usage: greengrassd [-i] [--root DIR] start|stop|restart|status\n"
            "       greengrassd --version\n"
            "  -i          insecure mode: no word about hard and soft link protection being off\n"
            "  --root DIR  the Greengrass root; by default found from this program's place, ROOT/ggc/core\n");
    return to == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_verb(struct call *c, const char *name)
{
    int code = -1;

    for (size_t i = 0; i < ARRAY_LEN(verbs) && code < 0; i++)
        if (strcmp(verbs[i].name, name) == 0)
            code = verbs[i].run(c);
    free(c->root);
    free(c->pid_dir);
    config_free(c->config);
    return code < 0 ? usage(stderr) : code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "root", required_argument, NULL, 'r' },
                                             { "version", no_argument, NULL, 'v' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct call c = { 0 };
    int o;

    while ((o = getopt_long(argc, argv, "i", options, NULL)) != -1) {
        if (o == 'r')
            c.root_option = optarg;
        else if (o == 'i')
            c.insecure = true;
        else if (o == 'v')
            return printf("%s\nsedge %s\n", EDGE_GGC_VERSION, SEDGE_VERSION) < 0;
        else
            return usage(o == 'h' ? stdout : stderr);
    }
    if (optind + 1 != argc)
        return usage(stderr);
    (void)signal(SIGPIPE, SIG_IGN);
    return run_verb(&c, argv[optind]);
}
