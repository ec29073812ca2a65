#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 8192 };

static _Atomic(enum log_level) log_min = LOG_INFO;
static log_sink_fn log_sink;
static void *log_sink_ctx;

void log_set_level(enum log_level min)
{
    atomic_store(&log_min, min);
}

void log_set_sink(log_sink_fn fn, void *ctx)
{
    log_sink = fn;
    log_sink_ctx = ctx;
}

static void log_to_stderr(enum log_level level, const char *message)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    char when[CLOCK_ISO_MAX];
    char line[LOG_LINE_MAX + 64];

    clock_iso(when, clock_wall_ms());
    int n = snprintf(line, sizeof(line), "%s %s %s\n", when, names[level], message);
    if (n > 0)
        (void)file_write_all(STDERR_FILENO, slice_of(line, (size_t)n)); /* nowhere left to say it failed */
}

void log_msg(enum log_level level, const char *fmt, ...)
{
    char message[LOG_LINE_MAX];
    int saved = errno;
    va_list ap;

    if (level < atomic_load(&log_min))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    if (log_sink)
        log_sink(log_sink_ctx, level, message);
    else
        log_to_stderr(level, message);
    errno = saved;
}

const char *log_esc(char out[LOG_ESC_MAX], struct slice s)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (at > LOG_ESC_MAX - 8) {
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            out[at++] = (char)c;
        } else {
            const char esc[] = { '\\', 'x', digits[c >> 4], digits[c & 15] };
            memcpy(out + at, esc, sizeof(esc));
            at += sizeof(esc);
        }
    }
    out[at] = 0;
    return out;
}
