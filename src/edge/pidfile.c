/* src/edge/pidfile.c */
#include "edge/pidfile.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "greengrassd.pid"

static err_t failed(const char *what, const char *dir, struct problem *why)
{
    return problem_set(why, file_err(errno),
                       "cannot %s %s/" NAME ": %s; pidFileDirectory in config.json names the folder", what,
                       dir, strerror(errno));
}

/* Is `fd` still the file that `path` names? A daemon that ends removes it. */
static bool same_file(int fd, const char *path)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static err_t open_locked(const char *path, const char *dir, int *ret_fd, struct problem *why)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    for (int tries = 0; tries < 10; tries++) {
        autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
            return failed("create", dir, why);
        if (fcntl(fd, F_OFD_SETLK, &whole) != 0)
            return errno == EAGAIN || errno == EACCES
                       ? problem_set(why, ERR_EXISTS, "another daemon holds %s", path)
                       : failed("lock", dir, why);
        if (same_file(fd, path)) {
            *ret_fd = steal_fd(&fd);
            return ERR_OK;
        }
    }
    return problem_set(why, ERR_BUSY, "%s is being replaced all the time", path);
}

err_t pidfile_take(const char *dir, int *ret_fd, struct problem *why)
{
    autofree char *path = mem_printf("%s/" NAME, dir);
    autoclose int fd = -1;
    char text[32];
    err_t e = path ? file_mkdirs(dir, 0755) : ERR_NOMEM;

    if (e)
        return problem_set(why, e, "cannot make the folder %s of " NAME ": %s", dir, err_str(e));
    e = open_locked(path, dir, &fd, why);
    if (e)
        return e;
    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        return failed("write", dir, why);
    *ret_fd = steal_fd(&fd);
    return ERR_OK;
}

void pidfile_remove(const char *dir)
{
    autofree char *path = mem_printf("%s/" NAME, dir);

    if (path)
        (void)unlink(path); /* a leftover is not locked and so known as stale */
}

err_t pidfile_find(const char *dir, pid_t *ret, struct problem *why)
{
    autofree char *path = mem_printf("%s/" NAME, dir);
    autoclose int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char text[32] = { 0 };
    long pid = 0;

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : failed("open", dir, why);
    if (fcntl(fd, F_OFD_GETLK, &whole) != 0)
        return failed("ask for the lock of", dir, why);
    if (whole.l_type != F_WRLCK) /* anybody who can read the file can hold a read lock: that is no daemon */
        return ERR_NOT_FOUND;
    if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "%ld", &pid) != 1 || pid <= 1)
        return problem_set(why, ERR_CORRUPT, "%s is locked by a running daemon but holds no PID", path);
    *ret = (pid_t)pid;
    return ERR_OK;
}
