#include "se/private_file.h"

#include "base/file.h"
#include "se/detail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct named {
    const char *path, *what;
    mode_t allowed; /* permission bits beside the owner's that do no harm */
};

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* Where anybody may put files, somebody else may have put this one first. The descriptor is asked, not the
 * path: a folder on the way may be a link. */
static bool in_public_folder(int fd)
{
    char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)], path[PATH_MAX];
    ssize_t n;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0)
        return true; /* without /proc nobody can say */
    path[n] = '\0';
    return is_below(path, "/tmp") || is_below(path, "/var/tmp");
}

static err_t refused(const struct named *f, const char *why, const char *remedy)
{
    return se_fail(ERR_DENIED, "the %s %s is refused: %s; %s", f->what, f->path, why, remedy);
}

static err_t check_file(int fd, const struct named *f)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return se_fail(ERR_IO, "cannot look at the %s %s: %s", f->what, f->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refused(f, "it is not a regular file", "copy it to one");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return refused(f, "it belongs to another user", "chown it to root or to the user who reads it");
    if (st.st_mode & (S_IRWXG | S_IRWXO) & ~f->allowed)
        return refused(f, "group or others may use it", "chmod 600 it");
    if (in_public_folder(fd))
        return refused(f, "it lies in a folder that everybody writes to",
                       "move it, for example to /etc/sedge");
    return ERR_OK;
}

static err_t cannot_open(const struct named *f, int errnum)
{
    err_t e = file_err(errnum);

    if (errnum == ELOOP)
        return refused(f, "it is a symbolic link", "name the file itself");
    return se_fail(e, "cannot open the %s %s: %s", f->what, f->path, strerror(errnum));
}

static err_t read_some(int fd, const struct named *f, struct buf *out)
{
    uint8_t piece[512];
    err_t e = ERR_OK;
    ssize_t n;

    while (!e && (n = read(fd, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno != EINTR)
            e = se_fail(ERR_IO, "cannot read the %s %s: %s", f->what, f->path, strerror(errno));
        else if (n > 0 && buf_add_mem(out, piece, (size_t)n))
            e = se_fail(ERR_INVALID, "%s is no %s: longer than %zu bytes", f->path, f->what, out->max);
    }
    mem_wipe(piece, sizeof(piece));
    return e;
}

static err_t read_file(const struct named *f, struct buf *out)
{
    autoclose int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    err_t e;

    if (fd < 0)
        return cannot_open(f, errno);
    e = check_file(fd, f);
    return e ? e : read_some(fd, f, out);
}

/* systemd.exec(5): LoadCredential= and $CREDENTIALS_DIRECTORY. Where it gives the unit's user access by an
 * ACL, the group bits show the ACL's mask: they say nothing of a group. */
static err_t read_credential(const char *name, const char *what, struct buf *out)
{
    const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];
    int n;

    if (!*name || strchr(name, '/') || name[0] == '.')
        return se_fail(ERR_INVALID, "%s \"" SE_CREDENTIAL_PREFIX "%.60s\": not the name of a credential",
                       what, name);
    if (!dir || dir[0] != '/')
        return se_fail(ERR_NOT_FOUND,
                       "%s \"" SE_CREDENTIAL_PREFIX "%.60s\": the service manager gave no credentials "
                       "(CREDENTIALS_DIRECTORY is not set); the unit needs LoadCredential=%.60s:FILE",
                       what, name, name);
    n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return se_fail(ERR_INVALID, "the path of the credential %.60s is too long", name);
    return read_file(&(struct named){ path, what, S_IRGRP }, out);
}

err_t se_private_read(const char *spec, const char *what, struct buf *out)
{
    if (spec[0] == '/')
        return read_file(&(struct named){ spec, what, 0 }, out);
    if (strncmp(spec, SE_CREDENTIAL_PREFIX, strlen(SE_CREDENTIAL_PREFIX)) == 0)
        return read_credential(spec + strlen(SE_CREDENTIAL_PREFIX), what, out);
    return se_fail(ERR_INVALID, "%s \"%.60s\": neither an absolute path nor " SE_CREDENTIAL_PREFIX "NAME",
                   what, spec);
}
