/* src/edge/logfile.h - a file of lines that stays within its space: half of it for the file, half for its
 * predecessor FILE.1.
 *
 * I/O; one thread at a time per object. What cannot be written (full disk) is lost, and nothing else.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

#define LOGFILE_SPACE_MIN_KB 8

struct logfile {
    int fd; /* -1: closed */
    char *path;
    int64_t size;
};
#define LOGFILE_CLOSED ((struct logfile){ .fd = -1 })

/* Open for appending, mode 0600; never through a link. The folder must be there. ERR_DENIED, ERR_NO_SPACE,
 * ERR_IO, ERR_NOMEM. */
err_t logfile_open(struct logfile *l, const char *path);
void logfile_close(struct logfile *l);
/* Append whole lines; `space_kb` is for file and predecessor together, at least LOGFILE_SPACE_MIN_KB. */
void logfile_put(struct logfile *l, struct slice lines, int64_t space_kb);
