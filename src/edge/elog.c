/* src/edge/elog.c */
#include "edge/elog.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "edge/logfile.h"

#include <pthread.h>
#include <stdio.h>

static const char *const level_names[] = { "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };

const char *elog_level_str(enum elog_level level)
{
    return level_names[level];
}

err_t elog_level_parse(const char *text, enum elog_level *ret)
{
    for (size_t i = 0; text && i < ARRAY_LEN(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum elog_level)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

/* ---- the line (pure) ---- */

static err_t add_message(struct buf *out, const char *message)
{
    err_t e = buf_add_str(out, message);

    for (size_t i = out->n - (e ? 0 : strlen(message)); !e && i < out->n; i++)
        if (out->p[i] < ' ' || out->p[i] == 0x7f)
            out->p[i] = ' ';
    return e;
}

/* A JSON string. Text that is not UTF-8 keeps its ASCII. */
static err_t add_json_string(struct buf *out, const char *text)
{
    struct slice s = slice_str(text);
    bool utf8 = utf8_valid(s);
    err_t e = buf_add_u8(out, '"');

    for (size_t i = 0; i < s.n && !e; i++) {
        uint8_t c = s.p[i];
        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7f || (c > 0x7f && !utf8))
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_add_u8(out, c);
    }
    return e ? e : buf_add_u8(out, '"');
}

static err_t add_field(struct buf *out, const char *before, const struct elog_field *f)
{
    err_t e = buf_add_str(out, before);

    e = e ? e : add_json_string(out, f->key);
    e = e ? e : buf_add_str(out, ": ");
    if (e)
        return e;
    return f->is_number ? buf_printf(out, "%lld", (long long)f->number) : add_json_string(out, f->text);
}

err_t elog_format(struct buf *out, int64_t wall_ms, enum elog_level level, const char *message,
                  const struct elog_field *fields, size_t n)
{
    char when[CLOCK_ISO_MAX];
    size_t before = out->n;
    err_t e;

    clock_iso_trimmed(when, wall_ms);
    e = buf_printf(out, "[%s][%s]-", when, elog_level_str(level));
    e = e ? e : add_message(out, message);
    for (size_t i = 0; i < n && !e; i++)
        e = add_field(out, i ? ", " : "\t{", &fields[i]);
    e = e ? e : buf_add_str(out, n ? "}\n" : "\n");
    if (e)
        buf_cut(out, before);
    return e;
}

/* ---- the file ---- */

static struct {
    pthread_mutex_t lock;
    struct logfile file;
    int64_t space_kb;
    enum elog_level min;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER,
            .file = { .fd = -1 },
            .space_kb = ELOG_DEFAULT_SPACE_KB,
            .min = ELOG_INFO };

static void put_line(const struct buf *line)
{
    (void)pthread_mutex_lock(&state.lock);
    logfile_put(&state.file, buf_slice(line), state.space_kb);
    (void)pthread_mutex_unlock(&state.lock);
}

bool elog_would_log(enum elog_level level)
{
    return level >= __atomic_load_n(&state.min, __ATOMIC_RELAXED);
}

void elog_write(enum elog_level level, const char *message, const struct elog_field *fields, size_t n)
{
    autobuf line = BUF_INIT(ELOG_LINE_MAX);

    if (!elog_would_log(level))
        return;
    if (elog_format(&line, clock_wall_ms(), level, message, fields, n) == ERR_OK ||
        elog_format(&line, clock_wall_ms(), level, "(a line too long for this log was dropped)", NULL, 0) ==
            ERR_OK)
        put_line(&line);
}

void elogf(enum elog_level level, const char *fmt, ...)
{
    char text[ELOG_LINE_MAX / 2];
    va_list ap;

    if (!elog_would_log(level))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    elog_write(level, text, NULL, 0);
}

void elog_configure(enum elog_level min, int64_t space_kb)
{
    (void)pthread_mutex_lock(&state.lock);
    state.space_kb = space_kb;
    __atomic_store_n(&state.min, min, __ATOMIC_RELAXED);
    (void)pthread_mutex_unlock(&state.lock);
    log_set_level(min <= ELOG_ERROR ? (enum log_level)min : LOG_ERROR);
}

/* What the shared rooms log (they rarely do) becomes a line of ours. */
static void from_library(void *ctx, enum log_level level, const char *message)
{
    static const enum elog_level map[] = { ELOG_DEBUG, ELOG_INFO, ELOG_WARN, ELOG_ERROR };

    (void)ctx;
    elog_write(map[level], message, NULL, 0);
}

err_t elog_open(const char *write_dir)
{
    autofree char *dir = mem_printf("%s/var/log/system", write_dir);
    autofree char *path = mem_printf("%s/var/log/system/runtime.log", write_dir);
    err_t e;

    if (!dir || !path)
        return ERR_NOMEM;
    e = file_mkdirs(dir, 0755);
    if (e)
        return e;
    (void)pthread_mutex_lock(&state.lock);
    e = logfile_open(&state.file, path);
    (void)pthread_mutex_unlock(&state.lock);
    if (e)
        return e;
    log_set_sink(from_library, NULL);
    return ERR_OK;
}

void elog_close(void)
{
    log_set_sink(NULL, NULL);
    (void)pthread_mutex_lock(&state.lock);
    logfile_close(&state.file);
    (void)pthread_mutex_unlock(&state.lock);
}
