/* src/edge/pidfile.c */
#include "edge/pidfile.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NAME "greengrassd.pid"

static err_t failed(const char *what, const char *dir, struct problem *why)
{
    return problem_set(why, file_err(errno),
                       "cannot %s %s/" NAME ": %s; pidFileDirectory in config.json names the folder", what,
                       dir, strerror(errno));
}

/* Open `path` for us alone and lock the whole of it; waits for at most those who are in pidfile_take. */
static err_t open_locked(const char *path, int flags, mode_t mode, const char *dir, int *ret_fd,
                         struct problem *why)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, mode);

    if (fd < 0)
        return failed("create", dir, why);
    if (fcntl(fd, F_OFD_SETLKW, &whole) != 0)
        return failed("lock", dir, why);
    *ret_fd = steal_fd(&fd);
    return ERR_OK;
}

/* A new file that is locked before it has the name under which others can open it. */
static err_t put_locked(const char *path, const char *fresh, const char *dir, int *ret_fd,
                        struct problem *why)
{
    autoclose int fd = -1;
    char text[32];
    err_t e;

    (void)unlink(fresh); /* left by one that was killed here */
    if ((e = open_locked(fresh, O_EXCL, 0644, dir, &fd, why)))
        return e;
    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text) || rename(fresh, path) != 0)
        return failed("write", dir, why);
    *ret_fd = steal_fd(&fd);
    return ERR_OK;
}

err_t pidfile_take(const char *dir, int *ret_fd, struct problem *why)
{
    autofree char *path = mem_printf("%s/" NAME, dir), *fresh = mem_printf("%s/" NAME ".new", dir);
    autofree char *door = mem_printf("%s/" NAME ".lock", dir);
    autoclose int turn = -1;
    pid_t pid;
    err_t e = path && fresh && door ? file_mkdirs(dir, 0755) : ERR_NOMEM;

    if (e)
        return problem_set(why, e, "cannot make the folder %s of " NAME ": %s", dir, err_str(e));
    if ((e = open_locked(door, 0, 0600, dir, &turn, why)))
        return e;
    e = pidfile_find(dir, &pid, why);
    if (!e || e == ERR_CORRUPT)
        return problem_set(why, ERR_EXISTS, "another daemon holds %s", path);
    return e == ERR_NOT_FOUND ? put_locked(path, fresh, dir, ret_fd, why) : e;
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
