#include "vse/store.h"

#include "base/file.h"
#include "base/mem.h"
#include "vse/power.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    FILE_MAX = 64 * 1024 * 1024,
    ENTRIES_MAX = 8192,
    COMPACT_SLACK = 256 * 1024, /* dead bytes that are not worth a new file */
};

struct entry {
    uint8_t kind;
    uint32_t id;
    struct buf value;
};

struct entries {
    struct entry *v;
    size_t n, cap;
};

struct vse_store {
    char *path;
    int fd, lock_fd;
    bool failed;
    struct vse_image_end end;
    struct entries entries;
};

/* ---- entries ---- */

static void entries_done(struct entries *t)
{
    for (size_t i = 0; i < t->n; i++)
        buf_done(&t->v[i].value);
    free(t->v);
    *t = (struct entries){ 0 };
}

static size_t entry_index(const struct entries *t, uint8_t kind, uint32_t id)
{
    size_t i = 0;

    while (i < t->n && (t->v[i].kind != kind || t->v[i].id != id))
        i++;
    return i;
}

static void entry_remove(struct entries *t, size_t i)
{
    buf_done(&t->v[i].value);
    t->n--;
    memmove(t->v + i, t->v + i + 1, (t->n - i) * sizeof(t->v[0]));
}

static err_t entry_put(struct entries *t, size_t i, const struct vse_nvm_op *op)
{
    struct buf value = BUF_SECRET(VSE_RECORD_MAX);
    err_t e = buf_add(&value, op->value);

    if (!e && i == t->n)
        e = mem_grow(&t->v, &t->cap, t->n + 1, ENTRIES_MAX, sizeof(t->v[0]));
    if (e) {
        buf_done(&value);
        return e;
    }
    if (i == t->n)
        t->n++;
    else
        buf_done(&t->v[i].value);
    t->v[i] = (struct entry){ op->kind, op->id, value };
    return ERR_OK;
}

static err_t entries_apply(void *ctx, const struct vse_nvm_op *op)
{
    struct entries *t = ctx;
    size_t i = entry_index(t, op->kind, op->id);

    if (op->put)
        return entry_put(t, i, op);
    if (i < t->n)
        entry_remove(t, i);
    return ERR_OK;
}

static err_t entries_report(const struct entries *t, vse_store_fn *fn, void *ctx)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < t->n && !e; i++)
        e = fn(ctx, t->v[i].kind, t->v[i].id, buf_slice(&t->v[i].value));
    return e;
}

/* ---- the file ---- */

static err_t write_at(int fd, uint64_t offset, struct slice bytes)
{
    bool cut;

    bytes = slice_head(bytes, vse_power_storage(bytes.n, &cut));
    while (bytes.n) {
        ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? file_err(errno) : ERR_IO;
        offset += (uint64_t)n;
        bytes = slice_skip(bytes, (size_t)n);
    }
    if (cut)
        vse_power_off();
    return ERR_OK;
}

/* The new file as far as it came, under the name file_write_durable gives it. */
static void write_torn(const char *path, struct slice bytes)
{
    autofree char *name = mem_printf("%s.new.%ld", path, (long)getpid());
    int fd = name ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

    if (fd >= 0)
        (void)file_write_all(fd, bytes); /* there is nobody to tell */
    vse_power_off();
}

static err_t replace_file(const char *path, struct slice bytes)
{
    bool cut;
    size_t n = vse_power_storage(bytes.n, &cut);

    if (cut)
        write_torn(path, slice_head(bytes, n));
    return file_write_durable(path, bytes, 0600);
}

static err_t sync_file(struct vse_store *s)
{
    if (fdatasync(s->fd) == 0)
        return ERR_OK;
    s->failed = true;
    return ERR_IO;
}

static err_t write_slot(struct vse_store *s, uint64_t which, const struct vse_image_end *end)
{
    uint8_t slot[VSE_IMAGE_SLOT_LEN];
    err_t e;

    vse_image_slot(slot, end->seq, end->end);
    e = write_at(s->fd, vse_image_slot_offset(which), SLICE_ARRAY(slot));
    if (e)
        s->failed = true; /* the record is there and its slot is not: only a new start can tell */
    return e;
}

/* Bytes beyond the end are of a write nobody was told of. */
static err_t mend(struct vse_store *s)
{
    err_t e = ERR_OK;

    if (ftruncate(s->fd, (off_t)s->end.end) != 0)
        return file_err(errno);
    if (s->end.mend) {
        e = write_slot(s, s->end.seq, &s->end);
        if (!e)
            e = sync_file(s); /* one after the other: never both torn */
        if (!e)
            e = write_slot(s, s->end.seq + 1, &s->end);
        s->end.mend = false;
    }
    return e ? e : sync_file(s);
}

static err_t compact_image(const struct entries *t, struct buf *out, struct vse_image_end *ret)
{
    autobuf records = BUF_SECRET(FILE_MAX);
    struct vse_image_end end = { 0 };
    err_t e = ERR_OK;

    for (size_t i = 0; i < t->n && !e; i++) {
        struct vse_nvm_op op = { .put = true, .kind = t->v[i].kind, .id = t->v[i].id };
        op.value = buf_slice(&t->v[i].value);
        e = vse_image_record(&records, ++end.seq, &op, 1);
    }
    end.end = VSE_IMAGE_RECORDS + records.n;
    if (!e)
        e = vse_image_head(out, end.seq, end.end);
    if (!e)
        e = buf_add(out, buf_slice(&records));
    if (!e)
        *ret = end;
    return e;
}

/* Write the entries as a new file in place of the old. The old one stays when that fails. */
static err_t compact(struct vse_store *s)
{
    autobuf image = BUF_SECRET(FILE_MAX);
    struct vse_image_end end;
    err_t e = compact_image(&s->entries, &image, &end);
    int fd;

    if (!e)
        e = replace_file(s->path, buf_slice(&image));
    if (e)
        return e;
    fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        s->failed = true; /* the open file is no longer the state */
        return file_err(errno);
    }
    mem_close_fd(&s->fd);
    s->fd = fd;
    s->end = end;
    return ERR_OK;
}

static bool worth_compacting(const struct vse_store *s)
{
    size_t live = 0;

    for (size_t i = 0; i < s->entries.n; i++)
        live += s->entries.v[i].value.n;
    return s->end.end > 2 * live + COMPACT_SLACK;
}

static err_t append(struct vse_store *s, const struct vse_nvm_op *ops, size_t n)
{
    autobuf record = BUF_SECRET(VSE_RECORD_MAX + VSE_RECORD_OVERHEAD);
    struct vse_image_end next = { .seq = s->end.seq + 1 };
    err_t e = vse_image_record(&record, next.seq, ops, n);

    next.end = s->end.end + record.n;
    if (!e)
        e = write_at(s->fd, s->end.end, buf_slice(&record));
    if (!e)
        e = sync_file(s);
    if (!e)
        e = write_slot(s, next.seq, &next); /* needs no sync of its own: the next record's covers it */
    if (!e)
        s->end = next;
    return e;
}

err_t vse_store_apply(void *store, const struct vse_nvm_op *ops, size_t n)
{
    struct vse_store *s = store;
    err_t e = s->failed ? ERR_IO : append(s, ops, n);

    for (size_t i = 0; i < n && !e; i++)
        e = entries_apply(&s->entries, &ops[i]);
    if (!e && worth_compacting(s))
        (void)compact(s); /* the change is durable already; the next one tries again */
    return e;
}

/* ---- opening ---- */

static err_t lock_path(const char *path, int *ret_fd)
{
    autofree char *name = mem_printf("%s.lock", path);
    autoclose int fd = name ? open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

    if (!name)
        return ERR_NOMEM;
    if (fd < 0)
        return file_err(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : file_err(errno);
    *ret_fd = steal_fd(&fd);
    return ERR_OK;
}

/* What file_write_durable was writing when its process died holds keys and is nobody's: the lock is ours. */
static void remove_unfinished(const char *path)
{
    autofree char *folder = mem_strdup(path), *copy = mem_strdup(path);
    autofree char *prefix = copy ? mem_printf("%s.new.", basename(copy)) : NULL;
    DIR *d = folder && prefix ? opendir(dirname(folder)) : NULL;
    struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            (void)unlinkat(dirfd(d), entry->d_name, 0); /* if it cannot be, it is as before */
    if (d)
        (void)closedir(d);
}

static err_t create_empty(const char *path)
{
    autobuf image = BUF_INIT(VSE_IMAGE_RECORDS);
    err_t e = vse_image_head(&image, 0, VSE_IMAGE_RECORDS);

    return e ? e : replace_file(path, buf_slice(&image));
}

static err_t read_entries(const char *path, struct entries *t, struct vse_image_end *ret_end)
{
    autobuf image = BUF_SECRET(FILE_MAX);
    err_t e = file_read_private(path, &image);

    return e ? e : vse_image_load(buf_slice(&image), entries_apply, t, ret_end);
}

static err_t open_locked(struct vse_store *s)
{
    err_t e = read_entries(s->path, &s->entries, &s->end);

    remove_unfinished(s->path);
    if (e == ERR_NOT_FOUND) {
        e = create_empty(s->path);
        if (!e)
            e = read_entries(s->path, &s->entries, &s->end);
    }
    if (e)
        return e;
    s->fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return s->fd < 0 ? file_err(errno) : ERR_OK;
}

err_t vse_store_open(const char *path, vse_store_fn *fn, void *ctx, struct vse_store **ret)
{
    struct vse_store *s = mem_calloc(1, sizeof(*s));
    err_t e;

    if (!s)
        return ERR_NOMEM;
    s->fd = s->lock_fd = -1;
    s->path = mem_strdup(path);
    e = s->path ? lock_path(path, &s->lock_fd) : ERR_NOMEM;
    if (!e)
        e = open_locked(s);
    if (!e)
        e = entries_report(&s->entries, fn, ctx);
    if (!e)
        e = mend(s); /* last: a file that is refused is not touched */
    if (e) {
        vse_store_close(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

void vse_store_close(struct vse_store *s)
{
    if (!s)
        return;
    entries_done(&s->entries);
    mem_close_fd(&s->fd);
    mem_close_fd(&s->lock_fd);
    free(s->path);
    free(s);
}

err_t vse_store_peek(const char *path, vse_store_fn *fn, void *ctx)
{
    struct entries t = { 0 };
    struct vse_image_end end;
    err_t e = read_entries(path, &t, &end);

    if (!e)
        e = entries_report(&t, fn, ctx);
    entries_done(&t);
    return e;
}
