/* src/edge/status.c */
#include "edge/status.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static const char *const words[] = { "note", "ready", "partial", "fatal" };

void status_tell(int fd, enum status_kind kind, const char *text)
{
    autofree char *line = mem_printf("%s %.*s\n", words[kind], LINE_MAX_BYTES - 16, text);

    if (fd >= 0 && line)
        (void)file_write_all(fd, slice_str(line)); /* SIGPIPE is ignored */
}

/* The write end of a pipe without a reader polls as an error. */
bool status_listened(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    return fd >= 0 && poll(&p, 1, 0) >= 0 && !(p.revents & (POLLERR | POLLNVAL));
}

/* One line without its LF, byte by byte: few and short. */
static err_t read_line(int fd, int64_t deadline_ms, char line[LINE_MAX_BYTES])
{
    for (size_t n = 0; n + 1 < LINE_MAX_BYTES; n++) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = deadline_ms - clock_mono_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return ERR_TIMEOUT;
        if (read(fd, &line[n], 1) != 1)
            return ERR_EOF;
        if (line[n] == '\n') {
            line[n] = '\0';
            return ERR_OK;
        }
    }
    return ERR_TOO_BIG;
}

static bool parse(const char *line, enum status_kind *ret, const char **ret_text)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if (strncmp(line, words[i], n) == 0 && line[n] == ' ') {
            *ret = (enum status_kind)i;
            *ret_text = line + n + 1;
            return true;
        }
    }
    return false;
}

err_t status_listen(int fd, int timeout_ms, void (*note)(const char *text), enum status_kind *ret, char *text,
                    unsigned max)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    char line[LINE_MAX_BYTES];
    enum status_kind kind = STATUS_NOTE;
    const char *rest = "";

    do {
        err_t e = read_line(fd, deadline, line);
        if (e)
            return e;
        if (parse(line, &kind, &rest) && kind == STATUS_NOTE)
            note(rest);
    } while (kind == STATUS_NOTE);
    *ret = kind;
    (void)snprintf(text, max, "%s", rest);
    return ERR_OK;
}
