#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

err_t file_err(int errnum)
{
    switch (errnum) {
    case 0:
        return ERR_OK;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case EEXIST:
        return ERR_EXISTS;
    case ENOMEM:
        return ERR_NOMEM;
    case EAGAIN:
    case EBUSY:
        return ERR_BUSY;
    case ENAMETOOLONG:
    case EFBIG:
        return ERR_TOO_BIG;
    default:
        return ERR_IO;
    }
}

static err_t read_to_end(int fd, struct buf *out)
{
    size_t start = out->n;

    for (;;) {
        err_t e = buf_reserve(out, 1);
        if (e == ERR_TOO_BIG) { /* exactly at the cap is fine, one byte more is not */
            char extra;
            ssize_t n = read(fd, &extra, 1);
            if (n == 0)
                return ERR_OK;
        }
        if (e) {
            buf_cut(out, start);
            return e;
        }
        ssize_t n = read(fd, out->p + out->n, out->room - 1 - out->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            buf_cut(out, start);
            return file_err(errno);
        }
        out->n += (size_t)n;
        out->p[out->n] = 0;
        if (n == 0)
            return ERR_OK;
    }
}

static err_t read_checked(const char *path, struct buf *out, bool private)
{
    struct stat st;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0)
        return file_err(errno);
    if (!S_ISREG(st.st_mode))
        return ERR_INVALID;
    if (private && ((st.st_mode & 077) || (st.st_uid != 0 && st.st_uid != geteuid())))
        return ERR_DENIED;
    return read_to_end(fd, out);
}

err_t file_read(const char *path, struct buf *out)
{
    return read_checked(path, out, false);
}

err_t file_read_private(const char *path, struct buf *out)
{
    return read_checked(path, out, true);
}

err_t file_write_all(int fd, struct slice bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_err(errno);
        bytes = slice_skip(bytes, (size_t)n);
    }
    return ERR_OK;
}

err_t file_sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    autofree char *dir = !slash          ? mem_strdup(".")
                         : slash == path ? mem_strdup("/")
                                         : mem_dup(path, (size_t)(slash - path));

    if (!dir)
        return ERR_NOMEM;
    autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return file_err(errno);
    return ERR_OK;
}

static err_t write_synced(const char *path, struct slice bytes, mode_t mode)
{
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 07777);

    if (fd < 0)
        return file_err(errno);
    err_t e = file_write_all(fd, bytes);
    if (!e && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        e = file_err(errno);
    return e;
}

err_t file_write_durable(const char *path, struct slice bytes, mode_t mode)
{
    autofree char *tmp = mem_printf("%s.new.%ld", path, (long)getpid());

    if (!tmp)
        return ERR_NOMEM;
    (void)unlink(tmp); /* left by a process of the same id that died */
    err_t e = write_synced(tmp, bytes, mode);
    if (!e && rename(tmp, path) != 0)
        e = file_err(errno);
    if (e) {
        int saved = errno;
        (void)unlink(tmp);
        errno = saved;
        return e;
    }
    return file_sync_parent(path);
}

err_t file_mkdirs(const char *path, mode_t mode)
{
    autofree char *p = mem_strdup(path);

    if (!p)
        return ERR_NOMEM;
    for (char *s = p + 1; *s; s++) {
        if (*s != '/')
            continue;
        *s = 0;
        if (mkdir(p, mode) != 0 && errno != EEXIST)
            return file_err(errno);
        *s = '/';
    }
    if (mkdir(p, mode) != 0 && errno != EEXIST)
        return file_err(errno);
    return ERR_OK;
}

static err_t remove_at(int dir, const char *name);

static err_t empty_folder(int fd)
{
    int scan = dup(fd);
    DIR *d = scan < 0 ? NULL : fdopendir(scan);
    err_t e = ERR_OK;

    if (!d) {
        e = file_err(errno);
        if (scan >= 0)
            (void)close(scan);
        return e;
    }
    for (struct dirent *ent; !e && (ent = readdir(d));)
        if (strcmp(ent->d_name, ".") != 0 && strcmp(ent->d_name, "..") != 0)
            e = remove_at(fd, ent->d_name);
    (void)closedir(d);
    return e;
}

static err_t remove_at(int dir, const char *name)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return ERR_OK;
    if (errno != EISDIR && errno != EPERM)
        return file_err(errno);
    autoclose int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return file_err(errno);
    err_t e = empty_folder(fd);
    if (!e && unlinkat(dir, name, AT_REMOVEDIR) != 0)
        e = file_err(errno);
    return e;
}

err_t file_remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path);
}
