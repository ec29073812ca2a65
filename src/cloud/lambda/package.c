#include "cloud/lambda/package.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdarg.h>
#include <stdio.h>

#define BLOCK (64u << 10)

static void archive_done(struct archive **a)
{
    (void)archive_read_free(*a);
}
#define auto_archive __attribute__((cleanup(archive_done))) struct archive

__attribute__((format(printf, 3, 4))) static err_t refuse(char *why, err_t e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, PACKAGE_WHY_MAX, fmt, ap);
    va_end(ap);
    return e;
}

/* A path of names, none of them "..": it stays below the folder it is unpacked into. */
static bool stays_below(const char *path)
{
    if (*path == '/' || !*path || strlen(path) > PACKAGE_PATH_MAX || strchr(path, '\\'))
        return false;
    for (const char *name = path; *name; name += strcspn(name, "/"), name += *name == '/') {
        if (strcspn(name, "/") == 2 && name[0] == '.' && name[1] == '.')
            return false;
    }
    return true;
}

static err_t check_entry(struct archive_entry *entry, char *why)
{
    const char *path = archive_entry_pathname(entry);

    if (!path || !utf8_valid(slice_str(path)) || !stays_below(path))
        return refuse(why, ERR_INVALID,
                      "an entry's path is absolute, leaves the package, is not UTF-8 or longer than %u bytes",
                      PACKAGE_PATH_MAX);
    if (archive_entry_is_encrypted(entry))
        return refuse(why, ERR_INVALID, "the package is encrypted");
    if (archive_entry_hardlink(entry) ||
        (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != AE_IFDIR))
        return refuse(why, ERR_INVALID, "'%.100s' is neither a file nor a folder: links are not taken", path);
    return ERR_OK;
}

/* Read an entry to its end: its checksum is checked on the way, and what it announces is not believed. */
static err_t read_through(struct archive *a, size_t *total, char *why)
{
    static const char damaged[] = "the package is damaged: %.150s";
    autofree char *block = mem_calloc(1, BLOCK);
    la_ssize_t n;

    if (!block)
        return ERR_NOMEM;
    while ((n = archive_read_data(a, block, BLOCK)) > 0) {
        *total += (size_t)n;
        if (*total > PACKAGE_UNPACKED_MAX)
            return refuse(why, ERR_TOO_BIG, "unpacked, the package has more than %u MiB",
                          PACKAGE_UNPACKED_MAX >> 20);
    }
    return n < 0 ? refuse(why, ERR_INVALID, damaged, archive_error_string(a)) : ERR_OK;
}

err_t package_check(struct slice zip, char why[PACKAGE_WHY_MAX])
{
    auto_archive *a = archive_read_new();
    struct archive_entry *entry;
    size_t entries = 0, files = 0, total = 0;
    int status;
    err_t e;

    if (zip.n > PACKAGE_ZIP_MAX)
        return refuse(why, ERR_TOO_BIG, "the package has more than %u MiB", PACKAGE_ZIP_MAX >> 20);
    if (!a || archive_read_support_format_zip_seekable(a) != ARCHIVE_OK)
        return ERR_NOMEM;
    if (archive_read_open_memory(a, zip.p, zip.n) != ARCHIVE_OK)
        return refuse(why, ERR_INVALID,
                      "Could not unzip uploaded file. Please check your file, then try to "
                      "upload again.");
    while ((status = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
        if (++entries > PACKAGE_ENTRIES_MAX)
            return refuse(why, ERR_TOO_BIG, "the package has more than %u entries", PACKAGE_ENTRIES_MAX);
        files += archive_entry_filetype(entry) == AE_IFREG;
        if ((e = check_entry(entry, why)) || (e = read_through(a, &total, why)))
            return e;
    }
    if (status != ARCHIVE_EOF)
        return refuse(why, ERR_INVALID, "the package is damaged: %.150s", archive_error_string(a));
    return files ? ERR_OK : refuse(why, ERR_INVALID, "Uploaded file must be a non-empty zip");
}
