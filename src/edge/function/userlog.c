#include "edge/function/userlog.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096      /* what is longer becomes two lines */
#define BURST_BYTES (256 * 1024) /* of lines a function may write at once, and then */
#define BYTES_PER_SECOND 16384   /* what is more is left out and counted: flash wears */
#define READ_BYTES 16384         /* of one pipe in one turn */
#define TICK_MS 100              /* and in one tick a function may print this much: */
#define BUDGET_BYTES (64 * 1024) /* a function that prints without end waits in its own write */

struct file {
    struct file *next;
    char *name; /* the function's ARN without its version */
    char *path;
    struct logfile log;
    size_t spent; /* bytes read in this tick */
    size_t sources;
    int64_t credit, credit_ms; /* bytes it may still write, as of then; 0: not begun */
    uint64_t dropped;          /* lines left out since the last that was not */
};

struct source {
    struct source *next;
    struct userlogs *owner;
    struct file *file;
    enum elog_level level;
    int fd;
    struct net_watch *watch;
    struct buf line; /* what has no newline yet */
    bool paused;
};

struct userlogs {
    struct net_loop *loop;
    char *dir;
    enum elog_level min;
    int64_t space_kb;
    struct file *files;
    struct source *sources;
    struct net_timer *tick;
};

/* ---- files ---- */

/* arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION; parts that are to name files. */
static bool part_ok(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return s.n > 0;
}

static bool split_arn(const char *arn, struct slice parts[8])
{
    size_t n = 0;

    for (const char *p = arn; n < 8; p += strcspn(p, ":") + 1) {
        parts[n++] = slice_of((const uint8_t *)p, strcspn(p, ":"));
        if (!p[strcspn(p, ":")])
            break;
    }
    return n == 8 && part_ok(parts[3]) && part_ok(parts[4]) && part_ok(parts[6]);
}

static void file_free(struct file *f)
{
    logfile_close(&f->log);
    free(f->name);
    free(f->path);
    free(f);
}

static err_t file_new(struct userlogs *u, const char *arn, struct file **ret)
{
    struct slice p[8];
    struct file *f;

    if (!split_arn(arn, p))
        return ERR_INVALID;
    if (!(f = mem_calloc(1, sizeof(*f))))
        return ERR_NOMEM;
    *f = (struct file){ .log = LOGFILE_CLOSED,
                        .name = mem_printf("%.*s", (int)(strrchr(arn, ':') - arn), arn),
                        .path = mem_printf("%s/%.*s/%.*s/%.*s.log", u->dir, SLICE_FMT(p[3]), SLICE_FMT(p[4]),
                                           SLICE_FMT(p[6])) };
    if (!f->name || !f->path) {
        file_free(f);
        return ERR_NOMEM;
    }
    f->next = u->files;
    *ret = u->files = f;
    return ERR_OK;
}

static err_t file_of(struct userlogs *u, const char *arn, struct file **ret)
{
    const char *version = strrchr(arn, ':');

    for (struct file *f = u->files; f && version; f = f->next) {
        if (strlen(f->name) == (size_t)(version - arn) && strncmp(f->name, arn, strlen(f->name)) == 0) {
            *ret = f;
            return ERR_OK;
        }
    }
    return file_new(u, arn, ret);
}

/* The folders are made with the first line. */
static bool file_ready(struct file *f)
{
    autofree char *dir = NULL;

    if (f->log.fd >= 0)
        return true;
    dir = mem_printf("%.*s", (int)(strrchr(f->path, '/') - f->path), f->path);
    return dir && !file_mkdirs(dir, 0755) && !logfile_open(&f->log, f->path);
}

/* ---- lines ---- */

static bool may_write(struct file *f, size_t n)
{
    int64_t now = clock_mono_ms();

    f->credit += f->credit_ms ? (now - f->credit_ms) * BYTES_PER_SECOND / 1000 : BURST_BYTES;
    f->credit_ms = now;
    if (f->credit > BURST_BYTES)
        f->credit = BURST_BYTES;
    if (f->credit < (int64_t)n || (f->dropped && f->credit < BURST_BYTES / 64)) {
        f->dropped++;
        return false;
    }
    f->credit -= (int64_t)n;
    return true;
}

static void tell_dropped(struct userlogs *u, struct file *f)
{
    autobuf line = BUF_INIT(256);
    char text[128];

    if (!f->dropped)
        return;
    (void)snprintf(text, sizeof(text),
                   "%llu lines were left out: the function prints more than %d bytes a second",
                   (unsigned long long)f->dropped, BYTES_PER_SECOND);
    f->dropped = 0;
    if (!elog_format(&line, clock_wall_ms(), ELOG_WARN, text, NULL, 0))
        logfile_put(&f->log, buf_slice(&line), u->space_kb);
}

static void put_line(struct userlogs *u, struct file *f, enum elog_level level, struct slice text)
{
    autobuf line = BUF_INIT(LINE_MAX_BYTES + 128);
    autofree char *copy = level >= u->min ? mem_str(text) : NULL;

    if (!copy)
        return;
    for (size_t i = 0; i < text.n; i++)
        if (!copy[i])
            copy[i] = ' ';
    if (!elog_format(&line, clock_wall_ms(), level, copy, NULL, 0) && may_write(f, line.n) && file_ready(f)) {
        tell_dropped(u, f);
        logfile_put(&f->log, buf_slice(&line), u->space_kb);
    }
}

static void flush_line(struct source *s)
{
    if (s->line.n)
        put_line(s->owner, s->file, s->level, buf_slice(&s->line));
    buf_clear(&s->line);
}

static void take_bytes(struct source *s, struct slice in)
{
    while (in.n) {
        const uint8_t *end = memchr(in.p, '\n', in.n);
        size_t n = end ? (size_t)(end - in.p) : in.n, room = LINE_MAX_BYTES - s->line.n;
        bool whole = end && n <= room;
        if (n > room)
            n = room;
        (void)buf_add(&s->line, slice_head(in, n)); /* no memory: the line is shorter */
        in = slice_skip(in, n + (whole ? 1 : 0));
        if (whole || s->line.n >= LINE_MAX_BYTES)
            flush_line(s);
    }
}

/* ---- pipes ---- */

/* It is in no list any more. */
static void source_free(struct source *s)
{
    flush_line(s);
    if (--s->file->sources == 0)
        logfile_close(&s->file->log); /* the next line opens it again */
    net_watch_free(s->watch);
    mem_close_fd(&s->fd);
    buf_done(&s->line);
    free(s);
}

static void source_end(struct source *s)
{
    struct source **at = &s->owner->sources;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    source_free(s);
}

/* False: it has ended. */
static bool read_some(struct source *s)
{
    uint8_t part[READ_BYTES];
    ssize_t n = read(s->fd, part, sizeof(part));

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    s->file->spent += (size_t)n;
    take_bytes(s, slice_of(part, (size_t)n));
    return true;
}

static void on_readable(void *ctx, bool readable, bool writable)
{
    struct source *s = ctx;

    (void)readable;
    (void)writable;
    if (!read_some(s)) {
        source_end(s);
        return;
    }
    if (!net_timer_armed(s->owner->tick))
        net_timer_set(s->owner->tick, TICK_MS);
    if (s->file->spent < BUDGET_BYTES)
        return;
    s->paused = true;
    (void)net_watch_set(s->watch, false, false); /* fails: it is read on, and that is all */
}

static void on_tick(void *ctx)
{
    struct userlogs *u = ctx;

    for (struct file *f = u->files; f; f = f->next)
        f->spent = 0;
    for (struct source *s = u->sources; s; s = s->next) {
        if (s->paused)
            (void)net_watch_set(s->watch, true, false); /* the next tick tries again */
        s->paused = false;
    }
}

static err_t source_new(struct userlogs *u, struct file *f, enum elog_level level, int *ret_write_end)
{
    struct source *s = mem_calloc(1, sizeof(*s));
    int fds[2];
    err_t e;

    if (!s)
        return ERR_NOMEM;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        free(s);
        return ERR_IO;
    }
    *s = (struct source){ .owner = u,
                          .file = f,
                          .level = level,
                          .fd = fds[0],
                          .line = BUF_INIT(LINE_MAX_BYTES),
                          .next = u->sources };
    u->sources = s;
    f->sources++;
    e = fcntl(s->fd, F_SETFL, O_NONBLOCK) != 0 ? ERR_IO : ERR_OK;
    e = e ? e : net_watch_new(u->loop, s->fd, on_readable, s, &s->watch);
    e = e ? e : net_watch_set(s->watch, true, false);
    if (e) {
        mem_close_fd(&fds[1]);
        source_end(s);
        return e;
    }
    *ret_write_end = fds[1];
    return ERR_OK;
}

err_t userlogs_pipes(struct userlogs *u, const char *arn, int ret_fds[USERLOG_FDS])
{
    static const enum elog_level levels[USERLOG_FDS] = { ELOG_INFO, ELOG_ERROR, ELOG_DEBUG,
                                                         ELOG_WARN, ELOG_FATAL, ELOG_DEBUG };
    struct file *f;
    err_t e = file_of(u, arn, &f);

    for (size_t i = 0; i < USERLOG_FDS && !e; i++) {
        e = source_new(u, f, levels[i], &ret_fds[i]);
        while (e && i-- > 0)
            mem_close_fd(&ret_fds[i]); /* the reading ends follow by themselves */
    }
    return e;
}

void userlogs_write(struct userlogs *u, const char *arn, enum elog_level level, const char *text)
{
    struct file *f;

    if (!file_of(u, arn, &f))
        put_line(u, f, level, slice_head(slice_str(text), LINE_MAX_BYTES));
}

/* ---- life ---- */

void userlogs_configure(struct userlogs *u, enum elog_level min, int64_t space_kb)
{
    u->min = min;
    u->space_kb = space_kb;
}

err_t userlogs_new(struct net_loop *loop, const char *write_dir, struct userlogs **ret)
{
    struct userlogs *u = mem_calloc(1, sizeof(*u));
    err_t e;

    if (!u)
        return ERR_NOMEM;
    *u = (struct userlogs){ .loop = loop, .min = ELOG_INFO, .space_kb = ELOG_DEFAULT_SPACE_KB };
    u->dir = mem_printf("%s/var/log/user", write_dir);
    e = u->dir ? net_timer_new(loop, on_tick, u, &u->tick) : ERR_NOMEM;
    if (e) {
        userlogs_free(u);
        return e;
    }
    *ret = u;
    return ERR_OK;
}

#define LAST_READS 64 /* of a pipe that is full and whose writer goes on */

static void read_the_rest(struct source *s)
{
    size_t before = s->file->spent;

    for (int i = 0; i < LAST_READS && read_some(s) && s->file->spent != before; i++)
        before = s->file->spent;
}

void userlogs_free(struct userlogs *u)
{
    if (!u)
        return;
    for (struct source *s = u->sources, *next; s; s = next) {
        next = s->next;
        read_the_rest(s);
        source_free(s);
    }
    while (u->files) {
        struct file *f = u->files;
        u->files = f->next;
        file_free(f);
    }
    net_timer_free(u->tick);
    free(u->dir);
    free(u);
}
