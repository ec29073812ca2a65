#include "base/file.h"
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

struct restorer {
    const struct crypto_ctx *crypto;
    const char *folder; /* where it is being unpacked */
    struct archive *a;
    struct buf manifest; /* what it ought to be */
    bool complete;       /* the manifest came, and was that */
    char *why;
};

static err_t torn(struct restorer *r, const char *what)
{
    (void)snprintf(r->why, BACKUP_WHY_MAX, "not a whole backup: %s", what ? what : "it cannot be read");
    return ERR_INVALID;
}

static err_t blame(struct restorer *r, err_t e, const char *what)
{
    if (!r->why[0])
        (void)snprintf(r->why, BACKUP_WHY_MAX, "%s: %s", what, err_str(e));
    return e;
}

/* Below the folder: no empty, dotted or absolute piece, and nothing that a terminal would take for orders. */
static bool name_ok(const char *name)
{
    for (const char *p = name;;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || p[0] == '.')
            return false;
        for (size_t i = 0; i < n; i++) {
            if (p[i] <= ' ' || p[i] > '~')
                return false;
        }
        p += n;
        if (!*p)
            return true;
        p++;
    }
}

static err_t copy_content(struct restorer *r, int fd, struct crypto_hash *hash)
{
    uint8_t chunk[BACKUP_CHUNK];
    la_ssize_t n;
    err_t e = ERR_OK;

    while (!e && (n = archive_read_data(r->a, chunk, sizeof(chunk))) != 0) {
        if (n < 0) {
            e = torn(r, archive_error_string(r->a));
            break;
        }
        if (!(e = crypto_hash_add(hash, slice_of(chunk, (size_t)n))))
            e = file_write_all(fd, slice_of(chunk, (size_t)n));
    }
    mem_wipe(chunk, sizeof(chunk));
    return !e && fsync(fd) != 0 ? file_err(errno) : e;
}

static err_t take_file(struct restorer *r, const char *path, const char *name, mode_t mode)
{
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0700);
    struct crypto_hash *hash = NULL;
    char hex[CRYPTO_SHA256_HEX];
    err_t e = fd < 0 ? blame(r, file_err(errno), path) : crypto_hash_new(r->crypto, &hash);

    if (!e && !(e = copy_content(r, fd, hash)) && !(e = crypto_hash_hex(hash, hex)))
        e = buf_printf(&r->manifest, "%s %s\n", hex, name);
    crypto_hash_free(hash);
    if (!e && (mode & 0044) && fchmod(fd, 0644) != 0)
        e = file_err(errno);
    return e ? blame(r, e, path) : ERR_OK;
}

static err_t take_manifest(struct restorer *r)
{
    autobuf text = BUF_INIT(BACKUP_MANIFEST_MAX);
    uint8_t chunk[4096];
    la_ssize_t n;
    err_t e = ERR_OK;

    while (!e && (n = archive_read_data(r->a, chunk, sizeof(chunk))) > 0)
        e = buf_add(&text, slice_of(chunk, (size_t)n));
    if (e || n < 0 || !slice_eq(buf_slice(&text), buf_slice(&r->manifest)))
        return torn(r, "its files are not those that were backed up");
    r->complete = true;
    return ERR_OK;
}

static err_t take_entry(struct restorer *r, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    autofree char *path = NULL;
    mode_t type = archive_entry_filetype(entry);
    char plain[512];
    size_t n = name ? strlen(name) : 0;

    if (n == 0 || n >= sizeof(plain))
        return torn(r, "a file without a usable name");
    (void)snprintf(plain, sizeof(plain), "%.*s", (int)(n - (name[n - 1] == '/')), name);
    if (r->complete || !name_ok(plain) || archive_entry_hardlink(entry))
        return torn(r, "a file that cannot be in one");
    if (type == AE_IFREG && strcmp(plain, BACKUP_MANIFEST) == 0)
        return take_manifest(r);
    if (!(path = mem_printf("%s/%s", r->folder, plain)))
        return ERR_NOMEM;
    if (type == AE_IFDIR)
        return mkdir(path, 0700) == 0 ? ERR_OK : blame(r, file_err(errno), path);
    return type == AE_IFREG ? take_file(r, path, plain, archive_entry_perm(entry))
                            : torn(r, "something that is neither a file nor a folder");
}

static err_t unpack(struct restorer *r, int fd)
{
    struct archive_entry *entry;
    err_t e = ERR_OK;
    int rc;

    if (!(r->a = archive_read_new()))
        return ERR_NOMEM;
    if (archive_read_support_format_tar(r->a) != ARCHIVE_OK ||
        archive_read_open_fd(r->a, fd, BACKUP_CHUNK) != ARCHIVE_OK)
        e = torn(r, archive_error_string(r->a));
    if (!e)
        e = buf_add_str(&r->manifest, BACKUP_HEAD);
    while (!e && (rc = archive_read_next_header(r->a, &entry)) != ARCHIVE_EOF)
        e = rc == ARCHIVE_OK ? take_entry(r, entry) : torn(r, archive_error_string(r->a));
    if (!e && !r->complete)
        e = torn(r, "it ends too early");
    archive_read_free(r->a);
    return e;
}

/* ---- the folder ---- */

static err_t check_private(struct restorer *r, int fd, const char *file)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return blame(r, file_err(errno), file);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        (void)snprintf(r->why, BACKUP_WHY_MAX,
                       "%s: it holds keys and must belong to you and be closed to others (chmod 600)", file);
        return ERR_DENIED;
    }
    return ERR_OK;
}

static err_t check_empty(struct restorer *r, const char *data)
{
    DIR *d = opendir(data);
    size_t n = 0;

    if (!d)
        return errno == ENOENT ? ERR_OK : blame(r, file_err(errno), data);
    while (readdir(d))
        n++;
    (void)closedir(d);
    if (n <= 2) /* . and .. */
        return ERR_OK;
    (void)snprintf(r->why, BACKUP_WHY_MAX, "%s is not empty: give a folder that is not there yet", data);
    return ERR_EXISTS;
}

static err_t check_database(struct restorer *r, const char *folder, const char *below)
{
    autofree char *path = mem_printf("%s%s/sedge.db", folder, below);

    if (!path)
        return ERR_NOMEM;
    return access(path, F_OK) == 0 ? db_sqlite_check(path, r->why) : ERR_OK;
}

static err_t check_databases(struct restorer *r, const char *folder)
{
    autofree char *accounts = mem_printf("%s/accounts", folder);
    err_t e = accounts ? check_database(r, folder, "") : ERR_NOMEM;
    DIR *d = e ? NULL : opendir(accounts);

    for (struct dirent *entry; d && !e && (entry = readdir(d));) {
        autofree char *below = mem_printf("/accounts/%s", entry->d_name);
        e = below ? check_database(r, folder, below) : ERR_NOMEM;
    }
    if (d)
        (void)closedir(d);
    return e;
}

err_t backup_restore(const struct crypto_ctx *crypto, const char *file, const char *data, char *why)
{
    struct restorer r = { .crypto = crypto, .manifest = BUF_INIT(BACKUP_MANIFEST_MAX), .why = why };
    autofree char *folder = mem_printf("%s.restoring.%ld", data, (long)getpid());
    autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
    err_t e;

    why[0] = 0;
    if (!folder)
        return ERR_NOMEM;
    r.folder = folder;
    if (fd < 0)
        return blame(&r, file_err(errno), file);
    if ((e = check_private(&r, fd, file)) || (e = check_empty(&r, data)))
        return e;
    if (mkdir(folder, 0700) != 0)
        return blame(&r, file_err(errno), folder);
    if (!(e = unpack(&r, fd)) && !(e = check_databases(&r, folder)) && rename(folder, data) != 0)
        e = blame(&r, file_err(errno), data);
    buf_done(&r.manifest);
    if (e)
        (void)file_remove_tree(folder);
    return e ? e : file_sync_parent(data);
}
