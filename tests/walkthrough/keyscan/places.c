#include "places.h"

#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, ARCHIVE_DEPTH = 3 };
#define ARCHIVE_BYTES_MAX ((size_t)256 << 20)

struct place {
    struct scan *scan;
    const char *name;
};

static void tell_found(void *ctx, const struct pattern *p, uint64_t offset, bool squeezed)
{
    struct place *at = ctx;

    at->scan->found++;
    printf("found: %s in %s at %s%" PRIu64 "\n", p->what, at->name, squeezed ? "about " : "", offset);
}

static void tell_unreadable(struct scan *s, const char *what, const char *why)
{
    s->unreadable++;
    printf("unreadable: %s: %s\n", what, why);
}

static void scan_bytes(struct scan *s, struct slice bytes, const char *name)
{
    struct place at = { s, name };

    search_start(s->search, tell_found, &at);
    search_feed(s->search, bytes);
}

static bool looks_packed(struct slice b)
{
    return slice_starts(b, SLICE_LIT("\x1f\x8b")) || (b.n > 262 && memcmp(b.p + 257, "ustar", 5) == 0);
}

static void scan_packed(struct scan *s, struct slice bytes, const char *name, int depth);

static void scan_entry(struct scan *s, struct archive *a, const char *name, int depth)
{
    autobuf content = BUF_SECRET(ARCHIVE_BYTES_MAX);
    const void *block;
    size_t n;
    la_int64_t offset;
    int status;

    while ((status = archive_read_data_block(a, &block, &n, &offset)) == ARCHIVE_OK)
        if (buf_add_mem(&content, block, n)) {
            tell_unreadable(s, name, "too large when unpacked");
            return;
        }
    if (status != ARCHIVE_EOF)
        tell_unreadable(s, name, archive_error_string(a));
    scan_bytes(s, buf_slice(&content), name);
    scan_packed(s, buf_slice(&content), name, depth + 1);
}

/* What only looks like an archive is no failure: its bytes were searched as they stand. */
static void scan_packed(struct scan *s, struct slice bytes, const char *name, int depth)
{
    struct archive_entry *entry;

    if (depth >= ARCHIVE_DEPTH || !looks_packed(bytes))
        return;
    struct archive *a = archive_read_new();
    archive_read_support_filter_gzip(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_raw(a);
    if (archive_read_open_memory(a, bytes.p, bytes.n) == ARCHIVE_OK)
        while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
            autofree char *inner = mem_printf("%s (%s)", name, archive_entry_pathname(entry));
            scan_entry(s, a, inner ? inner : name, depth);
        }
    archive_read_free(a);
}

static void scan_file(struct scan *s, const char *path)
{
    autobuf content = BUF_SECRET(ARCHIVE_BYTES_MAX);
    err_t e = file_read(path, &content);

    if (e == ERR_NOT_FOUND)
        return; /* gone since the folder was listed */
    if (e) {
        tell_unreadable(s, path, err_str(e));
        return;
    }
    scan_bytes(s, buf_slice(&content), path);
    scan_packed(s, buf_slice(&content), path, 0);
}

static bool is_except(const struct scan *s, const char *path)
{
    for (size_t i = 0; i < s->except_count; i++)
        if (strcmp(s->except[i], path) == 0)
            return true;
    return false;
}

static void scan_folder(struct scan *s, const char *path)
{
    DIR *d = opendir(path);

    if (!d) {
        tell_unreadable(s, path, strerror(errno));
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        autofree char *sub = mem_printf("%s/%s", path, e->d_name);
        if (sub)
            scan_tree(s, sub);
    }
    (void)closedir(d);
}

void scan_tree(struct scan *s, const char *path)
{
    struct stat st;

    if (is_except(s, path))
        return;
    if (lstat(path, &st) != 0) {
        if (errno != ENOENT)
            tell_unreadable(s, path, strerror(errno));
        return;
    }
    if (S_ISDIR(st.st_mode))
        scan_folder(s, path);
    else if (S_ISREG(st.st_mode))
        scan_file(s, path);
}

/* Pages that nobody can read through /proc: the kernel's own, and device memory. */
static bool is_special(const char *line)
{
    return strstr(line, "[vvar") || strstr(line, "[vsyscall]") || strstr(line, " /dev/");
}

static void scan_region(struct scan *s, int mem, uint64_t from, uint64_t to, const char *name)
{
    struct place at = { s, name };
    uint8_t chunk[CHUNK];

    search_start(s->search, tell_found, &at);
    while (from < to) {
        size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t n = pread(mem, chunk, want, (off_t)from);
        if (n <= 0) {
            /* Mapped when the list was read and gone now is fine; refused is not. */
            if (n < 0 && errno != EIO && errno != EFAULT)
                tell_unreadable(s, name, strerror(errno));
            break;
        }
        search_feed(s->search, slice_of(chunk, (size_t)n));
        from += (uint64_t)n;
    }
    mem_wipe(chunk, sizeof(chunk));
}

static void scan_maps(struct scan *s, FILE *maps, int mem, const char *process)
{
    char line[4096];
    size_t regions = 0;

    while (fgets(line, sizeof(line), maps)) {
        uint64_t from, to;
        char mode[5];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, mode) != 3 || mode[0] != 'r' ||
            is_special(line))
            continue;
        autofree char *name = mem_printf("%s, memory from %" PRIx64, process, from);
        scan_region(s, mem, from, to, name ? name : process);
        regions++;
    }
    if (regions == 0)
        tell_unreadable(s, process, "it has no readable memory (has it ended?)");
}

void scan_process(struct scan *s, long pid)
{
    autofree char *process = mem_printf("process %ld", pid);
    autofree char *maps_path = mem_printf("/proc/%ld/maps", pid);
    autofree char *mem_path = mem_printf("/proc/%ld/mem", pid);

    if (!process || !maps_path || !mem_path) {
        tell_unreadable(s, "a process", "out of memory");
        return;
    }
    FILE *maps = fopen(maps_path, "re");
    autoclose int mem = open(mem_path, O_RDONLY | O_CLOEXEC);
    if (!maps || mem < 0)
        tell_unreadable(s, process, strerror(errno));
    else
        scan_maps(s, maps, mem, process);
    if (maps)
        (void)fclose(maps);
}
