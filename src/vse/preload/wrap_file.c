/* The libc calls that open, use and close descriptors. What is not the node goes on untouched. */
#include "vse/preload/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* glibc's names for checked and 64-bit variants, which its headers do not always declare */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);

/* ---- open ---- */

static mode_t mode_arg(int flags, va_list ap)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

#define WRAP_OPEN(name)                                       \
    PRELOAD_EXPORT int name(const char *path, int flags, ...) \
    {                                                         \
        va_list ap;                                           \
        mode_t mode;                                          \
        if (preload_is_node(path))                            \
            return preload_open(flags);                       \
        va_start(ap, flags);                                  \
        mode = mode_arg(flags, ap);                           \
        va_end(ap);                                           \
        return CALL_NEXT(name, path, flags, mode);            \
    }

#define WRAP_OPENAT(name)                                              \
    PRELOAD_EXPORT int name(int dir, const char *path, int flags, ...) \
    {                                                                  \
        va_list ap;                                                    \
        mode_t mode;                                                   \
        if (preload_is_node_at(dir, path))                             \
            return preload_open(flags);                                \
        va_start(ap, flags);                                           \
        mode = mode_arg(flags, ap);                                    \
        va_end(ap);                                                    \
        return CALL_NEXT(name, dir, path, flags, mode);                \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

PRELOAD_EXPORT int __open_2(const char *path, int flags)
{
    return preload_is_node(path) ? preload_open(flags) : CALL_NEXT(__open_2, path, flags);
}

PRELOAD_EXPORT int __open64_2(const char *path, int flags)
{
    return preload_is_node(path) ? preload_open(flags) : CALL_NEXT(__open64_2, path, flags);
}

PRELOAD_EXPORT int __openat_2(int dir, const char *path, int flags)
{
    return preload_is_node_at(dir, path) ? preload_open(flags) : CALL_NEXT(__openat_2, dir, path, flags);
}

PRELOAD_EXPORT int __openat64_2(int dir, const char *path, int flags)
{
    return preload_is_node_at(dir, path) ? preload_open(flags) : CALL_NEXT(__openat64_2, dir, path, flags);
}

/* ---- read, write, ioctl, locks ---- */

static ssize_t transfer(struct preload_bus *bus, int fd, uint8_t op, void *data, size_t n)
{
    int r;

    preload_lock(bus);
    r = preload_transact(bus, fd, op, preload_address(bus), false, data, n);
    preload_unlock(bus);
    preload_put(bus);
    return r ? -1 : (ssize_t)n;
}

PRELOAD_EXPORT ssize_t read(int fd, void *buf, size_t n)
{
    struct preload_bus *bus = preload_get(fd);

    return bus ? transfer(bus, fd, SE_BUS_OP_READ, buf, n) : CALL_NEXT(read, fd, buf, n);
}

PRELOAD_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
    struct preload_bus *bus = preload_get(fd);

    if (!bus)
        return CALL_NEXT(__read_chk, fd, buf, n, room);
    if (n > room)
        abort();
    return transfer(bus, fd, SE_BUS_OP_READ, buf, n);
}

PRELOAD_EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
    struct preload_bus *bus = preload_get(fd);
    void *data;

    memcpy(&data, &buf, sizeof(data)); /* a transaction's buffer serves both ways; a write leaves it alone */
    return bus ? transfer(bus, fd, SE_BUS_OP_WRITE, data, n) : CALL_NEXT(write, fd, buf, n);
}

PRELOAD_EXPORT int ioctl(int fd, unsigned long request, ...)
{
    struct preload_bus *bus = preload_get(fd);
    va_list ap;
    void *arg;
    int r;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (!bus)
        return CALL_NEXT(ioctl, fd, request, arg);
    r = preload_ioctl(bus, fd, request, arg);
    preload_put(bus);
    return r;
}

/* Where a lock on fd belongs: fd itself, or the lock file of the node. */
static int lock_target(int fd)
{
    struct preload_bus *bus = preload_get(fd);
    int target = bus ? preload_lock_file(bus) : fd;

    if (bus)
        preload_put(bus);
    return target;
}

PRELOAD_EXPORT int flock(int fd, int operation)
{
    int target = lock_target(fd);

    return target < 0 && fd >= 0 ? -1 : CALL_NEXT(flock, target, operation);
}

/* The node's times are those of the lock file, where users of the bus leave their marks. */
PRELOAD_EXPORT int futimens(int fd, const struct timespec times[2])
{
    int target = lock_target(fd);

    return target < 0 && fd >= 0 ? -1 : CALL_NEXT(futimens, target, times);
}

static bool is_lock_command(int cmd)
{
    static const int locks[] = { F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW };

    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
        if (locks[i] == cmd)
            return true;
    return false;
}

/* ---- close and dup ---- */

PRELOAD_EXPORT int close(int fd)
{
    preload_forget(fd);
    return CALL_NEXT(close, fd);
}

PRELOAD_EXPORT int dup(int fd)
{
    int fresh = CALL_NEXT(dup, fd);

    preload_dup(fd, fresh);
    return fresh;
}

PRELOAD_EXPORT int dup2(int fd, int wanted)
{
    int fresh = CALL_NEXT(dup2, fd, wanted);

    if (fresh >= 0 && fd != wanted) {
        preload_forget(wanted);
        preload_dup(fd, fresh);
    }
    return fresh;
}

PRELOAD_EXPORT int dup3(int fd, int wanted, int flags)
{
    int fresh = CALL_NEXT(dup3, fd, wanted, flags);

    if (fresh >= 0) {
        preload_forget(wanted);
        preload_dup(fd, fresh);
    }
    return fresh;
}

#define WRAP_FCNTL(name)                                       \
    PRELOAD_EXPORT int name(int fd, int cmd, ...)              \
    {                                                          \
        va_list ap;                                            \
        void *arg;                                             \
        int r;                                                 \
        va_start(ap, cmd);                                     \
        arg = va_arg(ap, void *);                              \
        va_end(ap);                                            \
        if (is_lock_command(cmd))                              \
            return CALL_NEXT(name, lock_target(fd), cmd, arg); \
        r = CALL_NEXT(name, fd, cmd, arg);                     \
        if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)          \
            preload_dup(fd, r);                                \
        return r;                                              \
    }

WRAP_FCNTL(fcntl)
WRAP_FCNTL(fcntl64)

/* ---- stdio: its own reads and writes do not come through here, so the node gets a cookie ---- */

enum { STREAMS_MAX = 16 };

static struct {
    FILE *stream;
    int fd;
} streams[STREAMS_MAX];
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t cookie_read(void *cookie, char *buf, size_t n)
{
    return read((int)(intptr_t)cookie, buf, n);
}

static ssize_t cookie_write(void *cookie, const char *buf, size_t n)
{
    ssize_t r = write((int)(intptr_t)cookie, buf, n);

    return r < 0 ? 0 : r; /* fopencookie: an error is 0 */
}

static int cookie_close(void *cookie)
{
    int fd = (int)(intptr_t)cookie;

    (void)pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (streams[i].stream && streams[i].fd == fd)
            streams[i].stream = NULL;
    (void)pthread_mutex_unlock(&streams_lock);
    return close(fd);
}

static bool stream_register(FILE *f, int fd)
{
    bool done = false;

    (void)pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX && !done; i++) {
        if (streams[i].stream)
            continue;
        streams[i].stream = f;
        streams[i].fd = fd;
        done = true;
    }
    (void)pthread_mutex_unlock(&streams_lock);
    return done;
}

static FILE *open_stream(const char *mode)
{
    static const cookie_io_functions_t io = { cookie_read, cookie_write, NULL, cookie_close };
    int fd = preload_open(strchr(mode, 'e') ? O_CLOEXEC : 0);
    FILE *f = fd < 0 ? NULL : fopencookie((void *)(intptr_t)fd, mode, io);

    if (!f && fd >= 0)
        (void)close(fd);
    if (!f)
        return NULL;
    (void)setvbuf(f, NULL, _IONBF, 0);
    if (stream_register(f, fd))
        return f;
    (void)fclose(f);
    errno = EMFILE;
    return NULL;
}

PRELOAD_EXPORT FILE *fopen(const char *path, const char *mode)
{
    return preload_is_node(path) ? open_stream(mode) : CALL_NEXT(fopen, path, mode);
}

PRELOAD_EXPORT FILE *fopen64(const char *path, const char *mode)
{
    return preload_is_node(path) ? open_stream(mode) : CALL_NEXT(fopen64, path, mode);
}

static int stream_fd(const FILE *f)
{
    int fd = -1;

    (void)pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (streams[i].stream == f)
            fd = streams[i].fd;
    (void)pthread_mutex_unlock(&streams_lock);
    return fd;
}

PRELOAD_EXPORT int fileno(FILE *f)
{
    int fd = stream_fd(f);

    return fd >= 0 ? fd : CALL_NEXT(fileno, f);
}

PRELOAD_EXPORT int fileno_unlocked(FILE *f)
{
    int fd = stream_fd(f);

    return fd >= 0 ? fd : CALL_NEXT(fileno_unlocked, f);
}
