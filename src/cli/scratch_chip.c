#include "cli/scratch_chip.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/ssscli.h"
#include "se/detail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 15 * 1000, STOP_MS = 5 * 1000, POLL_MS = 10, FIRST_7X = 6 };

static void pause_ms(long ms)
{
    struct timespec t = { 0, ms * 1000000 };

    (void)nanosleep(&t, NULL); /* cut short: the loop asks again */
}

/* PREFIX/bin/sedge-chip, where this program is. */
static char *program(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    slash = strrchr(path, '/');
    return slash ? mem_printf("%.*s/sedge-chip", (int)(slash - path), path) : NULL;
}

/* In the child, before exec: nothing but the memory of a rehearsal is lost with the parent. */
static void become(const char *const argv[], pid_t parent)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        _exit(127);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(127);
    (void)execv(argv[0], (char *const *)argv); /* execv changes none of them: POSIX, "exec", rationale */
    _exit(127);
}

static err_t spawn(struct scratch_chip *s, const char *applet)
{
    autofree char *path = program(), *state = mem_printf("%s/state", s->folder),
                  *socket = mem_printf("%s/chip", s->folder);
    const char *argv[] = { path, "serve", "--state", state, "--socket", socket, "--applet", applet, NULL };
    pid_t parent = getpid();

    if (!path || !state || !socket)
        return ERR_NOMEM;
    if (access(path, X_OK) != 0)
        return cli_fail(ERR_NOT_FOUND, "a rehearsal needs the virtual chip, %s: %s", path, strerror(errno));
    s->pid = fork();
    if (s->pid == 0)
        become(argv, parent);
    return s->pid < 0 ? cli_fail(ERR_NOMEM, "cannot start %s: %s", path, strerror(errno)) : ERR_OK;
}

static err_t connect_chip(struct scratch_chip *s)
{
    autofree char *port = mem_printf("vse:%s/chip", s->folder);
    struct se_chip_options options = { .port = port, .scp03 = "none", .direct = true };
    int64_t end = clock_mono_ms() + START_MS;
    err_t e;

    if (!port)
        return ERR_NOMEM;
    while ((e = se_chip_open_options(&options, &s->chip)) && clock_mono_ms() < end &&
           waitpid(s->pid, NULL, WNOHANG) == 0)
        pause_ms(POLL_MS);
    return e ? cli_fail(e, "the virtual chip of the rehearsal did not start: %s", se_detail()) : ERR_OK;
}

err_t scratch_chip_start(const struct se_version *like, struct scratch_chip *ret)
{
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    struct scratch_chip s = { 0 };
    int n = snprintf(s.folder, sizeof(s.folder), "%s/sedge-rehearsal-XXXXXX",
                     runtime && *runtime == '/' ? runtime : "/tmp");
    err_t e;

    if (n < 0 || (size_t)n >= sizeof(s.folder) || !mkdtemp(s.folder)) /* mode 0700, a name nobody can guess */
        return cli_fail(ERR_IO, "cannot make a folder for the rehearsal: %s", strerror(errno));
    e = spawn(&s, like->major >= FIRST_7X ? "7.2" : "3.1");
    if (!e)
        e = connect_chip(&s);
    if (e) {
        scratch_chip_stop(&s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

static void end_process(pid_t pid)
{
    int64_t end = clock_mono_ms() + STOP_MS;

    if (kill(pid, SIGTERM) < 0)
        return;
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (clock_mono_ms() > end)
            (void)kill(pid, SIGKILL);
        pause_ms(POLL_MS);
    }
}

void scratch_chip_stop(struct scratch_chip *s)
{
    se_chip_close(s->chip);
    s->chip = NULL;
    if (s->pid > 0)
        end_process(s->pid);
    s->pid = 0;
    if (s->folder[0])
        (void)file_remove_tree(s->folder); /* what cannot be removed holds no key of the real chip */
    s->folder[0] = '\0';
}
