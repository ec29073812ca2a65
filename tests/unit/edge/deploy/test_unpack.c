/* A function's zip: what comes out of a good one, what every bad one says. EC-26. The zips are made here,
 * byte by byte, so that also what no tool makes can be in them.
 */
#include "../../cm.h"
#include "base/buf.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/sedge-unpack-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(dir) ? -1 : 0;
}

/* ---- a zip, stored or deflated ---- */

struct entry {
    const char *name;
    const char *data;
    mode_t mode;    /* with its type; 0: a file of 0644 */
    uint16_t flags; /* bit 0: encrypted */
    uint32_t spoil; /* xored into the CRC */
};

static void put16(struct buf *b, unsigned v)
{
    uint8_t x[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

    assert_int_equal(buf_add(b, (struct slice){ x, 2 }), ERR_OK);
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v & 0xffff);
    put16(b, v >> 16);
}

struct member {
    uint32_t crc, packed, size, at;
};

static void put_common(struct buf *zip, const struct entry *e, const struct member *m)
{
    put16(zip, e->flags | 0x800); /* names in UTF-8 */
    put16(zip, 0);                /* stored */
    put32(zip, 0x58210000);
    put32(zip, m->crc ^ e->spoil);
    put32(zip, m->packed);
    put32(zip, m->size);
    put16(zip, (unsigned)strlen(e->name));
    put16(zip, 0);
}

static void put_local(struct buf *zip, const struct entry *e, struct member *m)
{
    struct slice body = slice_str(e->data ? e->data : "");

    m->at = (uint32_t)zip->n;
    m->crc = crc32_ieee(body);
    m->packed = m->size = (uint32_t)body.n;
    put32(zip, 0x04034b50);
    put16(zip, 20);
    put_common(zip, e, m);
    assert_int_equal(buf_add_str(zip, e->name), ERR_OK);
    assert_int_equal(buf_add(zip, body), ERR_OK);
}

static void put_central(struct buf *zip, const struct entry *e, const struct member *m)
{
    mode_t mode = e->mode ? e->mode : S_IFREG | 0644;

    put32(zip, 0x02014b50);
    put16(zip, 3 << 8 | 20); /* made on UNIX */
    put16(zip, 20);
    put_common(zip, e, m);
    put16(zip, 0);
    put16(zip, 0);
    put16(zip, 0);
    put32(zip, (uint32_t)mode << 16);
    put32(zip, m->at);
    assert_int_equal(buf_add_str(zip, e->name), ERR_OK);
}

static void make_zip(struct buf *zip, const struct entry *entries, size_t n)
{
    autofree struct member *m = mem_calloc(n, sizeof(*m));
    size_t start, end;

    for (size_t i = 0; i < n; i++)
        put_local(zip, &entries[i], &m[i]);
    start = zip->n;
    for (size_t i = 0; i < n; i++)
        put_central(zip, &entries[i], &m[i]);
    end = zip->n;
    put32(zip, 0x06054b50);
    put32(zip, 0);
    put16(zip, (unsigned)n);
    put16(zip, (unsigned)n);
    put32(zip, (uint32_t)(end - start));
    put32(zip, (uint32_t)start);
    put16(zip, 0);
}

/* ---- unpacking it ---- */

static err_t unpack_bytes(struct slice zip, struct problem *why)
{
    autofree char *to = mem_printf("%s/out", dir);
    autoclose int fd = memfd_create("zip", MFD_CLOEXEC);
    err_t e;

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, zip), ERR_OK);
    assert_int_equal(file_remove_tree(to), ERR_OK);
    e = unpack_zip(fd, to, NULL, why);
    return e;
}

static err_t unpack(const struct entry *entries, size_t n, struct problem *why)
{
    autobuf zip = BUF_INIT(64 << 20);

    make_zip(&zip, entries, n);
    return unpack_bytes(buf_slice(&zip), why);
}

static void holds(const char *name, const char *want, mode_t mode)
{
    autofree char *path = mem_printf("%s/out/%s", dir, name);
    autobuf text = BUF_INIT(1 << 20);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
    if (!want)
        return;
    assert_int_equal(file_read(path, &text), ERR_OK);
    assert_string_equal(buf_str(&text), want);
}

static void a_good_one(void **state)
{
    static const struct entry good[] = {
        { "index.js", "exports.x = 1", S_IFREG | 0600, 0, 0 },
        { "bin/", NULL, S_IFDIR | 0700, 0, 0 },
        { "bin/run", "#!", S_IFREG | 04711, 0, 0 },
        { "./node_modules//a/b.js", "b", S_IFREG | 0444, 0, 0 },
        { "empty", "", 0, 0, 0 },
        { "h\xc3\xa9.txt", "e", 0, 0, 0 },
    };
    struct problem why = { "" };
    mode_t before = umask(077); /* the daemon's umask is not the functions' matter */

    (void)state;
    if (unpack(good, ARRAY_LEN(good), &why))
        fail_msg("%s", why.text);
    (void)umask(before);
    holds("", NULL, 0755);
    holds("index.js", "exports.x = 1", 0644);
    holds("bin", NULL, 0755);
    holds("bin/run", "#!", 0755); /* no set-uid bit */
    holds("node_modules/a/b.js", "b", 0644);
    holds("empty", "", 0644);
    holds("h\xc3\xa9.txt", "e", 0644);
}

#define ONE(name, ...)                \
    {                                 \
        { "index.js", "x", 0, 0, 0 }, \
        {                             \
            name, ##__VA_ARGS__       \
        }                             \
    }
#define LONG_NAME                                                                                          \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    struct entry entries[2];
    err_t want;
    const char *says;
} bad[] = {
    { ONE("/etc/passwd", "x"), ERR_INVALID, "/etc/passwd is absolute, leaves the folder" },
    { ONE("../out2", "x"), ERR_INVALID, "leaves the folder" },
    { ONE("a/../../b", "x"), ERR_INVALID, "leaves the folder" },
    { ONE("a/..", "x"), ERR_INVALID, "leaves the folder" },
    { ONE("a\\..\\b", "x"), ERR_INVALID, "leaves the folder" },
    { ONE("a\nb", "x"), ERR_INVALID, "leaves the folder" },
    { ONE(LONG_NAME, "x"), ERR_INVALID, "over 1024 bytes" },
    { ONE("a\xff", "x"), ERR_INVALID, "" },
    { ONE("link", "/etc", S_IFLNK | 0777), ERR_INVALID, "link is a link or a special file" },
    { ONE("null", "", S_IFCHR | 0666), ERR_INVALID, "null is a link or a special file" },
    { ONE("index.js", "y"), ERR_INVALID, "index.js is there twice" },
    { ONE("./index.js", "y"), ERR_INVALID, "is there twice" },
    { ONE("index.js/b", "y"), ERR_INVALID, "or once as a folder" },
    { ONE("index.js/", NULL, S_IFDIR | 0755), ERR_INVALID, "or once as a folder" },
    { ONE("secret", "x", 0, 1), ERR_INVALID, "encrypted" },
    { ONE("damaged", "x", 0, 0, 1), ERR_INVALID, "damaged" },
};

static void each_bad_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct problem why = { "" };
        err_t e = unpack(bad[i].entries, 2, &why);
        print_message("  %.40s: %s\n", bad[i].entries[1].name, why.text);
        if (e != bad[i].want || !strstr(why.text, bad[i].says))
            fail_msg("%d", (int)e);
    }
}

/* ---- bombs ---- */

#define BOMB_BYTES (40u << 20)

static void check(struct archive *a, int status)
{
    if (status < ARCHIVE_OK)
        fail_msg("%s", archive_error_string(a));
}

/* A zip with one file of zeros, deflated to a thousandth. */
static size_t make_bomb(uint8_t *room, size_t n)
{
    static const uint8_t zeros[65536];
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    size_t used = 0;

    check(a, archive_write_set_format_zip(a));
    check(a, archive_write_open_memory(a, room, n, &used));
    archive_entry_set_pathname(entry, "bomb");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, BOMB_BYTES);
    check(a, archive_write_header(a, entry));
    for (size_t i = 0; i < BOMB_BYTES / sizeof(zeros); i++)
        assert_int_equal(archive_write_data(a, zeros, sizeof(zeros)), sizeof(zeros));
    check(a, archive_write_close(a));
    archive_entry_free(entry);
    (void)archive_write_free(a);
    return used;
}

static void a_bomb(void **state)
{
    autofree uint8_t *zip = mem_calloc(1, 1 << 20);
    size_t n = make_bomb(zip, 1 << 20);
    struct problem why = { "" };

    (void)state;
    assert_int_equal(unpack_bytes((struct slice){ zip, n }, &why), ERR_TOO_BIG);
    assert_non_null(strstr(why.text, "200 times the size of the zip"));
}

/* It says that it holds 7 bytes: what comes out counts, and the disk does not fill. */
static void a_bomb_that_lies(void **state)
{
    autofree uint8_t *zip = mem_calloc(1, 1 << 20);
    autofree char *out = mem_printf("%s/out/bomb", dir);
    size_t n = make_bomb(zip, 1 << 20), changed = 0;
    struct problem why = { "" };
    struct stat st = { 0 };

    (void)state;
    for (size_t i = 0; i + 4 <= n; i++)
        if (memcmp(zip + i, "\x00\x00\x80\x02", 4) == 0) {
            memcpy(zip + i, "\x07\x00\x00\x00", 4);
            changed++;
        }
    assert_true(changed >= 1);
    assert_int_not_equal(unpack_bytes((struct slice){ zip, n }, &why), ERR_OK);
    if (stat(out, &st) == 0)
        assert_true(st.st_size <= UNPACK_ALLOWANCE + (off_t)n * UNPACK_MAX_RATIO);
}

static void folders_in_folders(void **state)
{
    char path[UNPACK_MAX_DEPTH * 2 + 4];
    struct entry entry = { path, "x", 0, 0, 0 };
    struct problem why;

    (void)state;
    for (int depth = UNPACK_MAX_DEPTH; depth <= UNPACK_MAX_DEPTH + 1; depth++) {
        for (int i = 0; i < depth; i++)
            memcpy(path + 2 * i, "d/", 3);
        path[2 * depth - 1] = '\0';
        assert_int_equal(unpack(&entry, 1, &why), depth == UNPACK_MAX_DEPTH ? ERR_OK : ERR_INVALID);
    }
}

static void too_many_entries(void **state)
{
    size_t n = UNPACK_MAX_ENTRIES + 1;
    autofree struct entry *entries = mem_calloc(n, sizeof(*entries));
    autofree char *names = mem_calloc(n, 8);
    struct problem why = { "" };

    (void)state;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(names + 8 * i, 8, "%zu", i);
        entries[i] = (struct entry){ names + 8 * i, "", 0, 0, 0 };
    }
    assert_int_equal(unpack(entries, n, &why), ERR_TOO_BIG);
    assert_non_null(strstr(why.text, "over 20000 entries"));
}

/* Every truncated prefix of a good zip is refused, and so is what was never one. */
static void truncated(void **state)
{
    static const struct entry good[] = { { "a/b.js", "hello", 0, 0, 0 }, { "c", "world", 0, 0, 0 } };
    autobuf zip = BUF_INIT(1 << 20);
    struct problem why;

    (void)state;
    make_zip(&zip, good, 2);
    assert_int_equal(unpack_bytes(buf_slice(&zip), &why), ERR_OK);
    for (size_t n = 0; n < zip.n; n++)
        assert_int_equal(unpack_bytes((struct slice){ zip.p, n }, &why), ERR_INVALID);
    assert_int_equal(unpack_bytes(SLICE_LIT("#!/bin/sh\nexit 0\n"), &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "no zip file or a damaged one"));
}

static void only_folders(void **state)
{
    static const struct entry folder = { "a/", NULL, S_IFDIR | 0755, 0, 0 };
    struct problem why = { "" };

    (void)state;
    assert_int_equal(unpack(&folder, 1, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "has no files"));
}

static void stops_when_told(void **state)
{
    static const struct entry good = { "c", "world", 0, 0, 0 };
    autofree char *to = mem_printf("%s/out", dir);
    autoclose int fd = memfd_create("zip", MFD_CLOEXEC);
    autobuf zip = BUF_INIT(1 << 20);
    atomic_bool cancel = true;
    struct problem why;

    (void)state;
    make_zip(&zip, &good, 1);
    assert_int_equal(file_write_all(fd, buf_slice(&zip)), ERR_OK);
    assert_int_equal(unpack_zip(fd, to, &cancel, &why), ERR_CANCELLED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_good_one),       T(each_bad_one), T(folders_in_folders),
        T(too_many_entries), T(truncated),    T(only_folders),
        T(stops_when_told),  T(a_bomb),       T(a_bomb_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
