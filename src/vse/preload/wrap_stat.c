/* The libc calls that ask about a path or a descriptor: the node is a character device, 89:minor. */
#include "vse/preload/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { I2C_MAJOR = 89, NODE_MODE = S_IFCHR | 0660 };

/* glibc before 2.33 had the stat family under these names; programs built there still call them */
int __xstat(int version, const char *path, struct stat *st);
int __xstat64(int version, const char *path, struct stat64 *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat64 *st);
int __fxstat(int version, int fd, struct stat *st);
int __fxstat64(int version, int fd, struct stat64 *st);
int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags);
int __fxstatat64(int version, int dir, const char *path, struct stat64 *st, int flags);

#define FILL(st)                                                  \
    ({                                                            \
        memset((st), 0, sizeof(*(st)));                           \
        (st)->st_mode = NODE_MODE;                                \
        (st)->st_nlink = 1;                                       \
        (st)->st_uid = geteuid();                                 \
        (st)->st_gid = getegid();                                 \
        (st)->st_rdev = makedev(I2C_MAJOR, preload_node_minor()); \
        (st)->st_ino = 1;                                         \
        (st)->st_blksize = 4096;                                  \
        0;                                                        \
    })

#define FILL_FD(fd, st) (FILL(st), fill_times((fd), &(st)->st_atim, &(st)->st_mtim, &(st)->st_ctim))

/* The node's times are those of the file that stands for its locks: users of the bus leave their marks there.
 */
static int fill_times(int fd, struct timespec *access, struct timespec *modified, struct timespec *changed)
{
    struct preload_bus *bus = preload_get(fd);
    int target = bus ? preload_lock_file(bus) : -1;
    struct stat st;

    if (bus)
        preload_put(bus);
    if (target >= 0 && CALL_NEXT(fstat, target, &st) == 0) {
        *access = st.st_atim;
        *modified = st.st_mtim;
        *changed = st.st_ctim;
    }
    return 0;
}

static bool is_ours(int fd)
{
    struct preload_bus *bus = preload_get(fd);

    if (bus)
        preload_put(bus);
    return bus != NULL;
}

static bool is_ours_at(int dir, const char *path, int flags)
{
    return preload_is_node_at(dir, path) || ((flags & AT_EMPTY_PATH) && path && !*path && is_ours(dir));
}

#define WRAP_STAT(name, type)                                                \
    PRELOAD_EXPORT int name(const char *path, struct type *st)               \
    {                                                                        \
        return preload_is_node(path) ? FILL(st) : CALL_NEXT(name, path, st); \
    }
#define WRAP_FSTAT(name, type)                                          \
    PRELOAD_EXPORT int name(int fd, struct type *st)                    \
    {                                                                   \
        return is_ours(fd) ? FILL_FD(fd, st) : CALL_NEXT(name, fd, st); \
    }
#define WRAP_FSTATAT(name, type)                                                                \
    PRELOAD_EXPORT int name(int dir, const char *path, struct type *st, int flags)              \
    {                                                                                           \
        return is_ours_at(dir, path, flags) ? FILL(st) : CALL_NEXT(name, dir, path, st, flags); \
    }
#define WRAP_XSTAT(name, type)                                                        \
    PRELOAD_EXPORT int name(int version, const char *path, struct type *st)           \
    {                                                                                 \
        return preload_is_node(path) ? FILL(st) : CALL_NEXT(name, version, path, st); \
    }
#define WRAP_FXSTAT(name, type)                                                  \
    PRELOAD_EXPORT int name(int version, int fd, struct type *st)                \
    {                                                                            \
        return is_ours(fd) ? FILL_FD(fd, st) : CALL_NEXT(name, version, fd, st); \
    }
#define WRAP_FXSTATAT(name, type)                                                                        \
    PRELOAD_EXPORT int name(int version, int dir, const char *path, struct type *st, int flags)          \
    {                                                                                                    \
        return is_ours_at(dir, path, flags) ? FILL(st) : CALL_NEXT(name, version, dir, path, st, flags); \
    }

WRAP_STAT(stat, stat)
WRAP_STAT(stat64, stat64)
WRAP_STAT(lstat, stat)
WRAP_STAT(lstat64, stat64)
WRAP_FSTAT(fstat, stat)
WRAP_FSTAT(fstat64, stat64)
WRAP_FSTATAT(fstatat, stat)
WRAP_FSTATAT(fstatat64, stat64)
WRAP_XSTAT(__xstat, stat)
WRAP_XSTAT(__xstat64, stat64)
WRAP_XSTAT(__lxstat, stat)
WRAP_XSTAT(__lxstat64, stat64)
WRAP_FXSTAT(__fxstat, stat)
WRAP_FXSTAT(__fxstat64, stat64)
WRAP_FXSTATAT(__fxstatat, stat)
WRAP_FXSTATAT(__fxstatat64, stat64)

PRELOAD_EXPORT int statx(int dir, const char *path, int flags, unsigned mask, struct statx *st)
{
    if (!is_ours_at(dir, path, flags))
        return CALL_NEXT(statx, dir, path, flags, mask, st);
    memset(st, 0, sizeof(*st));
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_mode = NODE_MODE;
    st->stx_nlink = 1;
    st->stx_uid = geteuid();
    st->stx_gid = getegid();
    st->stx_rdev_major = I2C_MAJOR;
    st->stx_rdev_minor = preload_node_minor();
    st->stx_ino = 1;
    st->stx_blksize = 4096;
    return 0;
}

/* ---- may I? ---- */

static int node_access(int mode)
{
    if (!(mode & X_OK))
        return 0;
    errno = EACCES;
    return -1;
}

PRELOAD_EXPORT int access(const char *path, int mode)
{
    return preload_is_node(path) ? node_access(mode) : CALL_NEXT(access, path, mode);
}

PRELOAD_EXPORT int euidaccess(const char *path, int mode)
{
    return preload_is_node(path) ? node_access(mode) : CALL_NEXT(euidaccess, path, mode);
}

PRELOAD_EXPORT int eaccess(const char *path, int mode)
{
    return preload_is_node(path) ? node_access(mode) : CALL_NEXT(eaccess, path, mode);
}

PRELOAD_EXPORT int faccessat(int dir, const char *path, int mode, int flags)
{
    return preload_is_node_at(dir, path) ? node_access(mode) : CALL_NEXT(faccessat, dir, path, mode, flags);
}
