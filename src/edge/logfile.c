#include "edge/logfile.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *path, int64_t *ret_size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd >= 0)
        *ret_size = fstat(fd, &st) == 0 ? st.st_size : 0;
    return fd;
}

err_t logfile_open(struct logfile *l, const char *path)
{
    autofree char *copy = mem_strdup(path);
    int64_t size = 0;
    int fd;

    if (!copy)
        return ERR_NOMEM;
    fd = open_file(path, &size);
    if (fd < 0)
        return file_err(errno);
    logfile_close(l);
    *l = (struct logfile){ fd, steal(&copy), size };
    return ERR_OK;
}

void logfile_close(struct logfile *l)
{
    mem_close_fd(&l->fd);
    free(l->path);
    *l = LOGFILE_CLOSED;
}

static void rotate(struct logfile *l)
{
    autofree char *old = mem_printf("%s.1", l->path);
    int fd;

    if (!old || rename(l->path, old) != 0)
        return;
    fd = open_file(l->path, &l->size);
    if (fd < 0) {
        (void)rename(old, l->path); /* as it was: the next line tries again */
        return;
    }
    (void)close(l->fd);
    l->fd = fd;
}

void logfile_put(struct logfile *l, struct slice lines, int64_t space_kb)
{
    int64_t half = (space_kb < LOGFILE_SPACE_MIN_KB ? LOGFILE_SPACE_MIN_KB : space_kb) * 1024 / 2;

    if (l->fd < 0)
        return;
    if (l->size > 0 && l->size + (int64_t)lines.n > half)
        rotate(l);
    if (file_write_all(l->fd, lines) == ERR_OK)
        l->size += (int64_t)lines.n;
}
