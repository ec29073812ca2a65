/* src/cloud/loglimit.h - so many lines in so long: whoever is refused again and again must not fill the log.
 * Pure; one thread at a time for each limit.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define LOGLIMIT_WINDOW_MS 10000
#define LOGLIMIT_CONNECTION 10u /* lines about one connection in a window */
#define LOGLIMIT_KIND 200u      /* lines of one kind about all of them */

struct loglimit {
    int64_t since_ms;  /* monotonic; the window's beginning */
    unsigned n;        /* lines in it */
    uint64_t left_out; /* since the last line that was written */
};

#define LOGLIMIT_NOTE_MAX 96u

/* May a line be written now? `note` is then what to put behind it: "" or how many were left out before it.
 * Otherwise the line is counted (METRIC_LOG_SUPPRESSED, too). */
bool loglimit_pass(struct loglimit *l, unsigned most, int64_t now_ms, char note[LOGLIMIT_NOTE_MAX]);
