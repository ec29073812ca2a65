/* function-sdk/c/log.c - gg_log: whole lines into the pipe of their level. The core adds time and level.
 * Works before gg_global_init, too. */
#include "greengrasssdk.h"

#include "base/buf.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1024 * 1024)

static const struct {
    const char *name, *variable;
    int usual_fd;
} levels[GG_LOG_RESERVED_MAX] = {
    [GG_LOG_DEBUG] = { "DEBUG", "_GG_LOG_FD_DEBUG", STDOUT_FILENO },
    [GG_LOG_INFO] = { "INFO", "_GG_LOG_FD_INFO", STDOUT_FILENO },
    [GG_LOG_WARN] = { "WARN", "_GG_LOG_FD_WARN", STDERR_FILENO },
    [GG_LOG_ERROR] = { "ERROR", "_GG_LOG_FD_ERROR", STDERR_FILENO },
    [GG_LOG_FATAL] = { "FATAL", "_GG_LOG_FD_FATAL", STDERR_FILENO },
};

static int fds[GG_LOG_RESERVED_MAX];
static gg_log_level lowest = GG_LOG_DEBUG;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t writing =
    PTHREAD_MUTEX_INITIALIZER; /* a line over PIPE_BUF must not be mixed with another */

static int number_of(const char *text, int otherwise)
{
    char *end;
    long n = text && *text ? strtol(text, &end, 10) : -1;
    return n < 0 || n > 65535 || *end ? otherwise : (int)n;
}

static void read_environment(void)
{
    const char *said = getenv("LOG_LEVEL");
    for (int level = GG_LOG_DEBUG; level < GG_LOG_RESERVED_MAX; level++) {
        fds[level] = number_of(getenv(levels[level].variable), levels[level].usual_fd);
        if (said && strcmp(said, levels[level].name) == 0)
            lowest = (gg_log_level)level;
    }
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            (void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        } else if (errno != EINTR) {
            return; /* nobody reads any more: a function does not end for its log */
        }
    }
}

gg_error gg_log(gg_log_level level, const char *format, ...)
{
    autobuf line = BUF_INIT(LINE_MAX_BYTES);
    va_list ap;
    err_t e;

    if (level < GG_LOG_DEBUG || level >= GG_LOG_RESERVED_MAX || !format)
        return GGE_INVALID_PARAMETER;
    if (pthread_once(&once, read_environment) != 0)
        return GGE_INTERNAL_FAILURE;
    if (level < lowest)
        return GGE_SUCCESS;
    va_start(ap, format);
    e = buf_vprintf(&line, format, ap);
    va_end(ap);
    if (!e && (line.n == 0 || line.p[line.n - 1] != '\n'))
        e = buf_add_str(&line, "\n");
    if (e)
        return e == ERR_NOMEM ? GGE_OUT_OF_MEMORY : GGE_INVALID_PARAMETER;
    pthread_mutex_lock(&writing);
    write_all(fds[level], line.p, line.n);
    pthread_mutex_unlock(&writing);
    return GGE_SUCCESS;
}
