/* tests/powercut/recorder.c - a preloaded library that writes down what a program does to its disk.
 *
 * POWERCUT_DIR=FOLDER  what happens to files below this folder is recorded
 * POWERCUT_LOG=FILE    where; outside FOLDER. One line an event, in the order in which they happened:
 *
 *   C ID PATH      a new file            W ID OFFSET HEX   bytes written
 *   O ID PATH      one that was there    T ID SIZE         cut or extended
 *   R OLD NEW      renamed               S ID              synced (fsync, fdatasync)
 *   U PATH         unlinked              F PATH            a folder synced
 *   A FD HEX       bytes about to be sent on a socket: an acknowledgement, for whoever knows the protocol
 *
 * ID is the inode number; C gives it a new meaning. An event of the disk is written down when it has
 * returned, an acknowledgement before it leaves: the order never flatters the program.
 * Not seen: mapped memory and what libc's own stdio writes. replay.py reads the log.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define CALL_NEXT(name, ...)                               \
    ({                                                     \
        static __typeof__(&name) next_fn_;                 \
        if (!next_fn_)                                     \
            *(void **)&next_fn_ = dlsym(RTLD_NEXT, #name); \
        next_fn_(__VA_ARGS__);                             \
    })

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the log ---- */

static int log_fd(void)
{
    static int fd = -1;
    const char *path = getenv("POWERCUT_LOG");

    if (fd < 0 && path)
        fd = CALL_NEXT(open, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return fd;
}

/* A recording with a hole would prove nothing: better no program than a wrong one. */
static void must(bool good)
{
    if (!good)
        abort();
}

static void put(const char *head, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = strlen(head);
    char *line = malloc(at + 2 * n + 1);

    must(line != NULL);
    memcpy(line, head, at);
    for (size_t i = 0; i < n; i++) {
        line[at++] = digits[((const uint8_t *)bytes)[i] >> 4];
        line[at++] = digits[((const uint8_t *)bytes)[i] & 15];
    }
    line[at++] = '\n';
    for (size_t done = 0; done < at;) {
        ssize_t w = CALL_NEXT(write, log_fd(), line + done, at - done);
        must(w > 0);
        done += (size_t)w;
    }
    free(line);
}

__attribute__((format(printf, 3, 4))) static void event(const void *bytes, size_t n, const char *fmt, ...)
{
    char head[2 * PATH_MAX + 64];
    int saved = errno;
    va_list ap;

    va_start(ap, fmt);
    must(vsnprintf(head, sizeof(head), fmt, ap) < (int)sizeof(head));
    va_end(ap);
    (void)pthread_mutex_lock(&lock);
    put(head, bytes, n);
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
}

/* ---- what is ours ---- */

static const char *folder(void)
{
    const char *dir = getenv("POWERCUT_DIR");

    return dir && *dir && log_fd() >= 0 ? dir : NULL;
}

/* The path relative to the folder, or NULL. Only names in the folder or below by plain absolute path, and
 * relative ones when the program runs in the folder. */
static const char *inside(const char *path, char *resolved)
{
    const char *dir = folder();
    size_t n = dir ? strlen(dir) : 0;

    if (!dir || !path)
        return NULL;
    if (path[0] != '/') {
        char cwd[PATH_MAX];
        if (!getcwd(cwd, sizeof(cwd)) || snprintf(resolved, PATH_MAX, "%s/%s", cwd, path) >= PATH_MAX)
            return NULL;
        path = resolved;
    }
    if (strncmp(path, dir, n) != 0 || (path[n] != '/' && path[n] != 0))
        return NULL;
    return path[n] ? path + n + 1 : ".";
}

/* The path of a descriptor, if it is a file or folder of ours. */
static const char *of_fd(int fd, char resolved[PATH_MAX], struct stat *st)
{
    char link[64];
    ssize_t n;

    if (!folder() || CALL_NEXT(fstat, fd, st) != 0 || !(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
        return NULL;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, resolved, PATH_MAX - 1);
    if (n <= 0)
        return NULL;
    resolved[n] = 0;
    return inside(resolved, NULL); /* absolute: nothing to resolve */
}

static bool is_file(int fd, struct stat *st)
{
    char path[PATH_MAX];

    return of_fd(fd, path, st) && S_ISREG(st->st_mode);
}

static unsigned long long id_of(const struct stat *st)
{
    return (unsigned long long)st->st_ino;
}

/* ---- open ---- */

static void opened(int fd, const char *path, int flags, bool existed)
{
    char room[PATH_MAX];
    const char *name = inside(path, room);
    struct stat st;

    if (fd < 0 || !name || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    event(NULL, 0, "%c %llu %s", existed ? 'O' : 'C', id_of(&st), name);
    if (existed && (flags & O_TRUNC))
        event(NULL, 0, "T %llu 0", id_of(&st));
}

static bool exists(const char *path)
{
    struct stat st;
    int saved = errno;
    bool there = lstat(path, &st) == 0;

    errno = saved;
    return there;
}

#define WRAP_OPEN(name)                                  \
    EXPORT int name(const char *path, int flags, ...)    \
    {                                                    \
        bool existed = exists(path);                     \
        va_list ap;                                      \
        mode_t mode;                                     \
        int fd;                                          \
        va_start(ap, flags);                             \
        mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0; \
        va_end(ap);                                      \
        fd = CALL_NEXT(name, path, flags, mode);         \
        opened(fd, path, flags, existed);                \
        return fd;                                       \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)

EXPORT int __open_2(const char *path, int flags)
{
    int fd = CALL_NEXT(__open_2, path, flags);

    opened(fd, path, flags, true);
    return fd;
}

EXPORT int __open64_2(const char *path, int flags)
{
    int fd = CALL_NEXT(__open64_2, path, flags);

    opened(fd, path, flags, true);
    return fd;
}

/* ---- bytes ---- */

static void wrote(int fd, const void *bytes, ssize_t n, off_t offset)
{
    struct stat st;

    if (n > 0 && is_file(fd, &st))
        event(bytes, (size_t)n, "W %llu %lld ", id_of(&st), (long long)offset);
}

static bool is_socket(int fd)
{
    struct stat st;

    return folder() && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t n)
{
    ssize_t r;

    if (is_socket(fd))
        event(bytes, n, "A %d ", fd);
    r = CALL_NEXT(write, fd, bytes, n);
    wrote(fd, bytes, r, lseek(fd, 0, SEEK_CUR) - r);
    return r;
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int count)
{
    ssize_t r = CALL_NEXT(writev, fd, v, count);
    off_t at = lseek(fd, 0, SEEK_CUR) - r;

    for (ssize_t left = r, n; left > 0; left -= n, v++) {
        n = (ssize_t)v->iov_len < left ? (ssize_t)v->iov_len : left;
        wrote(fd, v->iov_base, n, at);
        at += n;
    }
    return r;
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    ssize_t r = CALL_NEXT(pwrite, fd, bytes, n, offset);

    wrote(fd, bytes, r, offset);
    return r;
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
    ssize_t r = CALL_NEXT(pwrite64, fd, bytes, n, offset);

    wrote(fd, bytes, r, (off_t)offset);
    return r;
}

EXPORT ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    if (is_socket(fd))
        event(bytes, n, "A %d ", fd);
    return CALL_NEXT(send, fd, bytes, n, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    for (size_t i = 0; is_socket(fd) && i < m->msg_iovlen; i++)
        event(m->msg_iov[i].iov_base, m->msg_iov[i].iov_len, "A %d ", fd);
    return CALL_NEXT(sendmsg, fd, m, flags);
}

/* ---- sizes and syncs ---- */

static int resized(int fd, int r)
{
    struct stat st;

    if (r == 0 && is_file(fd, &st))
        event(NULL, 0, "T %llu %lld", id_of(&st), (long long)st.st_size);
    return r;
}

EXPORT int ftruncate(int fd, off_t size)
{
    return resized(fd, CALL_NEXT(ftruncate, fd, size));
}

EXPORT int ftruncate64(int fd, off64_t size)
{
    return resized(fd, CALL_NEXT(ftruncate64, fd, size));
}

EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t n)
{
    return resized(fd, CALL_NEXT(fallocate64, fd, mode, offset, n));
}

EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t n)
{
    return resized(fd, CALL_NEXT(posix_fallocate64, fd, offset, n));
}

static int synced(int fd, int r)
{
    char path[PATH_MAX];
    struct stat st;
    const char *name = r == 0 ? of_fd(fd, path, &st) : NULL;

    if (name && S_ISDIR(st.st_mode))
        event(NULL, 0, "F %s", name);
    else if (name)
        event(NULL, 0, "S %llu", id_of(&st));
    return r;
}

EXPORT int fsync(int fd)
{
    return synced(fd, CALL_NEXT(fsync, fd));
}

EXPORT int fdatasync(int fd)
{
    return synced(fd, CALL_NEXT(fdatasync, fd));
}

/* ---- names ---- */

EXPORT int rename(const char *old, const char *fresh)
{
    char a[PATH_MAX], b[PATH_MAX];
    const char *from = inside(old, a), *to = inside(fresh, b);
    int r = CALL_NEXT(rename, old, fresh);

    if (r == 0 && from && to)
        event(NULL, 0, "R %s %s", from, to);
    return r;
}

EXPORT int unlink(const char *path)
{
    char room[PATH_MAX];
    const char *name = inside(path, room);
    int r = CALL_NEXT(unlink, path);

    if (r == 0 && name)
        event(NULL, 0, "U %s", name);
    return r;
}
