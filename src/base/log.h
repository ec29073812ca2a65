/* src/base/log.h - what programs (not libraries) say. Any thread; one write(2) a line.
 *
 * A line is `TIME level MESSAGE`, to standard error unless a sink is set. Text from peers goes
 * through log_esc. Secrets have a type (struct secret) that fits no format.
 */
#pragma once
#include "base/slice.h"

#include <stdarg.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

typedef void (*log_sink_fn)(void *ctx, enum log_level level, const char *message);

void log_set_level(enum log_level min);
/* Lines go to fn(ctx) instead of standard error; NULL brings standard error back. Call before threads. */
void log_set_sink(log_sink_fn fn, void *ctx);

void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_msg(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_msg(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_msg(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_msg(LOG_ERROR, __VA_ARGS__)

#define LOG_ESC_MAX 256
/* Printable ASCII as it is, the rest as \xNN, cut with "..." to fit; returns out. */
const char *log_esc(char out[LOG_ESC_MAX], struct slice s);
