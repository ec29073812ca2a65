/* src/edge/deploy/unpack.c - two passes: what is in it, then out with it. */
#include "edge/deploy/unpack.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BLOCK 65536
#define DISK_BLOCK 4096         /* what an entry takes at least */
#define DISK_RESERVE (1u << 20) /* left to logs and state */

struct unpacker {
    int zip, dir;
    struct archive *a;
    const atomic_bool *cancel;
    uint64_t limit;     /* of all files together */
    uint64_t announced; /* first pass */
    uint64_t written;   /* second pass */
    size_t entries, files;
    uint8_t block[BLOCK];
    struct problem *why;
};

static err_t damaged(const struct unpacker *u)
{
    const char *text = archive_error_string(u->a);

    return problem_set(u->why, ERR_INVALID, "it is no zip file or a damaged one: %.200s",
                       text ? text : "no data");
}

static err_t too_big(const struct unpacker *u)
{
    return problem_set(
        u->why, ERR_TOO_BIG,
        "unpacked it has over %llu bytes: at most %u MiB, and at most %d times the size of the zip, "
        "are taken",
        (unsigned long long)u->limit, UNPACK_MAX_BYTES >> 20, UNPACK_MAX_RATIO);
}

/* ---- the rules of one entry ---- */

static bool has_control(const char *path)
{
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        if (*c < ' ' || *c == 0x7f)
            return true;
    return false;
}

/* The next name of a path, over slashes and single dots. Its length; 0 at the end. */
static size_t next_name(const char **path)
{
    size_t n;

    for (;; *path += n) {
        *path += strspn(*path, "/");
        n = strcspn(*path, "/");
        if (n != 1 || **path != '.')
            return n;
    }
}

static bool stays_below(const char *path)
{
    unsigned depth = 0;

    if (*path == '/' || strlen(path) > UNPACK_MAX_PATH || strchr(path, '\\') || has_control(path))
        return false;
    for (size_t n; (n = next_name(&path)) != 0; path += n)
        if ((n == 2 && strncmp(path, "..", 2) == 0) || n > NAME_MAX || ++depth > UNPACK_MAX_DEPTH)
            return false;
    return true;
}

static err_t check_entry(const struct unpacker *u, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);

    if (!path || !utf8_valid(slice_str(path)))
        return problem_set(u->why, ERR_INVALID, "an entry's path is not UTF-8");
    if (!stays_below(path))
        return problem_set(
            u->why, ERR_INVALID,
            "the entry %.200s is absolute, leaves the folder, or its path is over %d bytes or %d "
            "folders long",
            path, UNPACK_MAX_PATH, UNPACK_MAX_DEPTH);
    if (archive_entry_is_encrypted(entry))
        return problem_set(u->why, ERR_INVALID, "the entry %.200s is encrypted", path);
    if (archive_entry_hardlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
        return problem_set(u->why, ERR_INVALID,
                           "the entry %.200s is a link or a special file; only files and folders are taken",
                           path);
    return ERR_OK;
}

/* ---- the first pass ---- */

static err_t count_entry(struct unpacker *u, struct archive_entry *entry)
{
    int64_t size = archive_entry_filetype(entry) == AE_IFREG ? archive_entry_size(entry) : 0;

    if (++u->entries > UNPACK_MAX_ENTRIES)
        return problem_set(u->why, ERR_TOO_BIG, "it has over %d entries", UNPACK_MAX_ENTRIES);
    u->files += archive_entry_filetype(entry) == AE_IFREG;
    if (size < 0 || (uint64_t)size > u->limit - u->announced)
        return too_big(u);
    u->announced += (uint64_t)size;
    return ERR_OK;
}

static err_t check_room(const struct unpacker *u)
{
    uint64_t need = u->announced + u->entries * DISK_BLOCK + DISK_RESERVE;
    struct statvfs st;

    if (fstatvfs(u->dir, &st) != 0)
        return problem_set(u->why, file_err(errno), "the disk's free space cannot be asked: %s",
                           strerror(errno));
    if ((uint64_t)st.f_bavail * st.f_frsize >= need)
        return ERR_OK;
    return problem_set(u->why, ERR_NO_SPACE,
                       "unpacked it needs %llu kB and the disk has %llu kB free; free some space there and "
                       "deploy again",
                       (unsigned long long)need / 1024, (unsigned long long)st.f_bavail * st.f_frsize / 1024);
}

/* ---- the second pass ---- */

static err_t disk_failed(const struct unpacker *u, const char *path)
{
    int number = errno;

    if (number == EEXIST || number == ENOTDIR || number == ELOOP)
        return problem_set(u->why, ERR_INVALID, "the entry %.200s is there twice, or once as a folder", path);
    return problem_set(u->why, file_err(number), "%.200s cannot be written: %s%s", path, strerror(number),
                       file_err(number) == ERR_NO_SPACE ? "; free some space there and deploy again" : "");
}

static err_t enter_folder(const struct unpacker *u, int *at, const char *name, size_t n, const char *path)
{
    char folder[NAME_MAX + 1];
    int next;

    memcpy(folder, name, n);
    folder[n] = '\0';
    if (mkdirat(*at, folder, 0755) != 0 && errno != EEXIST)
        return disk_failed(u, path);
    next = openat(*at, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0)
        return disk_failed(u, path);
    mem_close_fd(at);
    *at = next;
    return fchmod(next, 0755) == 0 ? ERR_OK : disk_failed(u, path); /* whatever the umask is */
}

/* Make and enter the folders of `path` but the last name, which is left in *ret_name ("" for none). */
static err_t enter_parents(const struct unpacker *u, const char *path, int *ret_at,
                           char ret_name[NAME_MAX + 1])
{
    autoclose int at = fcntl(u->dir, F_DUPFD_CLOEXEC, 0);
    const char *p = path;
    size_t n = next_name(&p);
    err_t e = at < 0 ? disk_failed(u, path) : ERR_OK;

    while (!e && n) {
        const char *rest = p + n;
        size_t after = next_name(&rest);
        if (!after)
            break;
        e = enter_folder(u, &at, p, n, path);
        p = rest;
        n = after;
    }
    if (e)
        return e;
    memcpy(ret_name, p, n);
    ret_name[n] = '\0';
    *ret_at = steal_fd(&at);
    return ERR_OK;
}

static err_t copy_out(struct unpacker *u, int fd, const char *path)
{
    la_ssize_t n;

    while ((n = archive_read_data(u->a, u->block, sizeof(u->block))) > 0) {
        if (u->cancel && atomic_load(u->cancel))
            return ERR_CANCELLED;
        if ((uint64_t)n > u->limit - u->written)
            return too_big(u);
        u->written += (uint64_t)n;
        if (file_write_all(fd, (struct slice){ u->block, (size_t)n }))
            return disk_failed(u, path);
    }
    return n < 0 ? damaged(u) : ERR_OK;
}

static err_t write_file(struct unpacker *u, int at, const char *name, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    autoclose int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    err_t e = fd < 0 ? disk_failed(u, path) : copy_out(u, fd, path);

    if (!e && fchmod(fd, archive_entry_perm(entry) & 0111 ? 0755 : 0644) != 0)
        e = disk_failed(u, path);
    return e;
}

static err_t write_entry(struct unpacker *u, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    char name[NAME_MAX + 1];
    autoclose int at = -1;
    err_t e = enter_parents(u, path, &at, name);

    if (e || !*name)
        return e;
    if (archive_entry_filetype(entry) == AE_IFDIR)
        return enter_folder(u, &at, name, strlen(name), path);
    return write_file(u, at, name, entry);
}

/* ---- a pass ---- */

typedef err_t (*entry_fn)(struct unpacker *, struct archive_entry *);

static err_t each_entry(struct unpacker *u, entry_fn visit)
{
    struct archive_entry *entry;
    int status;

    while ((status = archive_read_next_header(u->a, &entry)) == ARCHIVE_OK) {
        err_t e = check_entry(u, entry);
        e = e ? e : visit(u, entry);
        if (e)
            return e;
        if (u->cancel && atomic_load(u->cancel))
            return ERR_CANCELLED;
    }
    return status == ARCHIVE_EOF ? ERR_OK : damaged(u);
}

static err_t pass(struct unpacker *u, entry_fn visit)
{
    err_t e = ERR_OK;

    if (lseek(u->zip, 0, SEEK_SET) != 0)
        return problem_set(u->why, ERR_IO, "it cannot be read: %s", strerror(errno));
    u->a = archive_read_new();
    if (!u->a || archive_read_support_format_zip_seekable(u->a) != ARCHIVE_OK)
        e = problem_set(u->why, ERR_NOMEM, "out of memory");
    else if (archive_read_open_fd(u->a, u->zip, BLOCK) != ARCHIVE_OK)
        e = damaged(u);
    e = e ? e : each_entry(u, visit);
    (void)archive_read_free(u->a);
    u->a = NULL;
    return e;
}

static err_t run_passes(struct unpacker *u)
{
    err_t e = pass(u, count_entry);

    if (!e && u->files == 0)
        e = problem_set(u->why, ERR_INVALID, "it has no files");
    e = e ? e : check_room(u);
    e = e ? e : pass(u, write_entry);
    if (!e && u->written != u->announced)
        e = problem_set(u->why, ERR_INVALID, "it is damaged: %llu bytes were announced and %llu came out",
                        (unsigned long long)u->announced, (unsigned long long)u->written);
    return e;
}

static err_t open_both(struct unpacker *u, const char *dir)
{
    struct stat st;

    if (fstat(u->zip, &st) != 0)
        return problem_set(u->why, ERR_IO, "it cannot be read: %s", strerror(errno));
    u->limit = (uint64_t)st.st_size * UNPACK_MAX_RATIO + UNPACK_ALLOWANCE;
    u->limit = u->limit < UNPACK_MAX_BYTES ? u->limit : UNPACK_MAX_BYTES;
    if (mkdir(dir, 0755) != 0 || (u->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
        fchmod(u->dir, 0755) != 0)
        return problem_set(u->why, file_err(errno), "the folder %s cannot be made: %s", dir, strerror(errno));
    return ERR_OK;
}

/* libarchive turns names into the locale's characters: in the C locale only ASCII names would be left. */
static err_t run_in_utf8(struct unpacker *u)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = uselocale(utf8);
    err_t e = run_passes(u);

    (void)uselocale(before);
    if (utf8)
        freelocale(utf8);
    return e;
}

err_t unpack_zip(int fd, const char *dir, const atomic_bool *cancel, struct problem *why)
{
    autofree struct unpacker *u = mem_calloc(1, sizeof(*u));
    err_t e;

    if (!u)
        return problem_set(why, ERR_NOMEM, "out of memory");
    u->zip = fd;
    u->dir = -1;
    u->cancel = cancel;
    u->why = why;
    e = open_both(u, dir);
    e = e ? e : run_in_utf8(u);
    mem_close_fd(&u->dir);
    return e;
}
