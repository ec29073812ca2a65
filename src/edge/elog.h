/* src/edge/elog.h - the system log as Greengrass V1 writes it: WD/var/log/system/runtime.log.
 *
 *     [2021-01-28T17:43:47.22Z][INFO]-Message.<TAB>{"key": "value", "count": 1}
 *
 * elog_format is pure. The rest is I/O on one process-wide log, any thread; a line is one write(2). When the
 * file reaches half of the space allowed it becomes runtime.log.1, so both together stay within it. A log
 * that cannot be written (full disk) loses lines and never stops the core. Spec: greengrass-v1
 * reference 2.1-2.3.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum elog_level { ELOG_DEBUG, ELOG_INFO, ELOG_WARN, ELOG_ERROR, ELOG_FATAL };

/* One member of the JSON object behind the message. The text is escaped; NULL counts as empty. */
struct elog_field {
    const char *key;
    const char *text; /* a string */
    int64_t number;   /* used when is_number */
    bool is_number;
};
#define ELOG_S(k, v) ((struct elog_field){ .key = (k), .text = (v) })
#define ELOG_N(k, v) ((struct elog_field){ .key = (k), .number = (v), .is_number = true })

#define ELOG_LINE_MAX 8192
#define ELOG_DEFAULT_SPACE_KB 128

/* Append one line with its LF. Control characters of the message become spaces. ERR_TOO_BIG, ERR_NOMEM. */
err_t elog_format(struct buf *out, int64_t wall_ms, enum elog_level level, const char *message,
                  const struct elog_field *fields, size_t n);

const char *elog_level_str(enum elog_level level);
/* "DEBUG" ... "FATAL". ERR_INVALID. */
err_t elog_level_parse(const char *text, enum elog_level *ret);

/* Open WD/var/log/system/runtime.log for appending (folders are made) and send the log of the libraries
 * there. ERR_DENIED, ERR_NO_SPACE, ERR_IO, ERR_NOMEM. */
err_t elog_open(const char *write_dir);
void elog_close(void);
/* The group's logger for FileSystem/GreengrassSystem. Space below 8 KB counts as 8 KB. */
void elog_configure(enum elog_level min, int64_t space_kb);
bool elog_would_log(enum elog_level level);

void elog_write(enum elog_level level, const char *message, const struct elog_field *fields, size_t n);

/* With one field or more. */
#define elog(level, message, ...)                                              \
    elog_write((level), (message), (const struct elog_field[]){ __VA_ARGS__ }, \
               sizeof((const struct elog_field[]){ __VA_ARGS__ }) / sizeof(struct elog_field))

/* A message put together on the spot, without fields. */
void elogf(enum elog_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
