#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/backup/backup.h"
#include "crypto/digest.h"
#include "db/db.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8u

struct writer {
    const struct crypto_ctx *crypto;
    const char *data;
    struct archive *a;
    struct buf manifest;
    char *why;
};

static err_t blame(struct writer *w, err_t e, const char *what)
{
    if (!w->why[0])
        (void)snprintf(w->why, BACKUP_WHY_MAX, "%s: %s", what, err_str(e));
    return e;
}

static err_t add_header(struct writer *w, const char *name, mode_t mode, int64_t size)
{
    struct archive_entry *entry = archive_entry_new();
    bool ok = entry;

    if (ok) {
        archive_entry_set_pathname(entry, name);
        archive_entry_set_filetype(entry, S_ISDIR(mode) ? AE_IFDIR : AE_IFREG);
        archive_entry_set_perm(entry, mode & 0777);
        archive_entry_set_size(entry, size);
        ok = archive_write_header(w->a, entry) == ARCHIVE_OK;
    }
    archive_entry_free(entry);
    return ok ? ERR_OK : blame(w, ERR_IO, archive_error_string(w->a));
}

static err_t add_bytes(struct writer *w, struct slice bytes)
{
    return archive_write_data(w->a, bytes.p, bytes.n) == (la_ssize_t)bytes.n
               ? ERR_OK
               : blame(w, ERR_NO_SPACE, archive_error_string(w->a));
}

/* Exactly `size` bytes: a file that grows or shrinks meanwhile is none that belongs here. */
static err_t copy_content(struct writer *w, int fd, int64_t size, struct crypto_hash *hash)
{
    uint8_t chunk[BACKUP_CHUNK];
    err_t e = ERR_OK;

    while (size > 0 && !e) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || n > size)
            return blame(w, ERR_CONFLICT, "a file changed while it was read, try again");
        size -= n;
        if (!(e = crypto_hash_add(hash, slice_of(chunk, (size_t)n))))
            e = add_bytes(w, slice_of(chunk, (size_t)n));
    }
    mem_wipe(chunk, sizeof(chunk));
    return e;
}

static err_t add_file(struct writer *w, const char *path, const char *name)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct crypto_hash *hash = NULL;
    char hex[CRYPTO_SHA256_HEX];
    struct stat st;
    err_t e;

    if (fd < 0 || fstat(fd, &st) != 0)
        return blame(w, file_err(errno), path);
    if ((e = crypto_hash_new(w->crypto, &hash)))
        return e;
    if (!(e = add_header(w, name, st.st_mode, st.st_size)) && !(e = copy_content(w, fd, st.st_size, hash)) &&
        !(e = crypto_hash_hex(hash, hex)))
        e = buf_printf(&w->manifest, "%s %s\n", hex, name);
    crypto_hash_free(hash);
    return e;
}

static err_t add_database(struct writer *w, const char *path, const char *name)
{
    autofree char *copy = mem_printf("%s/.backup.%ld", w->data, (long)getpid());
    err_t e;

    if (!copy)
        return ERR_NOMEM;
    (void)unlink(copy);
    if (!(e = db_sqlite_copy(path, copy, w->why)))
        e = add_file(w, copy, name);
    (void)unlink(copy);
    return e;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);

    return n >= k && strcmp(s + n - k, end) == 0;
}

/* What belongs to the running server, or to a database that is copied otherwise. */
static bool left_out(const char *name)
{
    return name[0] == '.' || strcmp(name, "lock") == 0 || strcmp(name, "endpoints.json") == 0 ||
           strcmp(name, "status.sock") == 0 || ends_with(name, ".db-wal") || ends_with(name, ".db-shm") ||
           ends_with(name, ".db-journal");
}

static err_t add_folder(struct writer *w, const char *path, const char *name, unsigned depth);

static err_t add_one(struct writer *w, const char *path, const char *name, unsigned depth)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : blame(w, file_err(errno), path);
    if (S_ISDIR(st.st_mode))
        return depth ? add_folder(w, path, name, depth - 1) : blame(w, ERR_TOO_BIG, path);
    if (S_ISREG(st.st_mode))
        return ends_with(name, ".db") ? add_database(w, path, name) : add_file(w, path, name);
    log_warn("%s is neither a file nor a folder and not in the backup", path);
    return ERR_OK;
}

static err_t add_names(struct writer *w, const char *path, const char *name, unsigned depth,
                       struct dirent **names, int n)
{
    err_t e = ERR_OK;

    for (int i = 0; i < n && !e; i++) {
        const char *entry = names[i]->d_name;
        autofree char *below = mem_printf("%s/%s", path, entry);
        autofree char *called = *name ? mem_printf("%s/%s", name, entry) : mem_strdup(entry);
        if (!below || !called)
            e = ERR_NOMEM;
        else if (!left_out(entry))
            e = add_one(w, below, called, depth);
    }
    return e;
}

static err_t add_folder(struct writer *w, const char *path, const char *name, unsigned depth)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, NULL, alphasort);
    err_t e = n < 0 ? blame(w, file_err(errno), path) : ERR_OK;

    if (!e && *name)
        e = add_header(w, name, S_IFDIR | 0700, 0);
    if (!e)
        e = add_names(w, path, name, depth, names, n);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return e;
}

static err_t add_manifest(struct writer *w)
{
    err_t e = add_header(w, BACKUP_MANIFEST, S_IFREG | 0600, (int64_t)w->manifest.n);

    return e ? e : add_bytes(w, buf_slice(&w->manifest));
}

static err_t write_all(struct writer *w, int fd)
{
    err_t e = (w->a = archive_write_new()) ? ERR_OK : ERR_NOMEM;

    if (!e && (archive_write_set_format_pax_restricted(w->a) != ARCHIVE_OK ||
               archive_write_open_fd(w->a, fd) != ARCHIVE_OK))
        e = blame(w, ERR_IO, archive_error_string(w->a));
    if (!e && !(e = buf_add_str(&w->manifest, BACKUP_HEAD)) && !(e = add_folder(w, w->data, "", DEPTH_MAX)) &&
        !(e = add_manifest(w)) && (archive_write_close(w->a) != ARCHIVE_OK || fsync(fd) != 0))
        e = blame(w, ERR_NO_SPACE, "the end cannot be written");
    archive_write_free(w->a);
    return e;
}

err_t backup_write(const struct crypto_ctx *crypto, const char *data, const char *file, char *why)
{
    struct writer w = {
        .crypto = crypto, .data = data, .manifest = BUF_INIT(BACKUP_MANIFEST_MAX), .why = why
    };
    autoclose int fd = -1;
    struct stat st;
    err_t e;

    why[0] = 0;
    if (stat(data, &st) != 0 || !S_ISDIR(st.st_mode))
        return blame(&w, ERR_NOT_FOUND, data);
    if ((fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
        return blame(&w, file_err(errno), file);
    e = write_all(&w, fd);
    buf_done(&w.manifest);
    if (!e)
        e = file_sync_parent(file);
    if (e)
        (void)unlink(file);
    return e;
}
