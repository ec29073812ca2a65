#include "cloud/loglimit.h"

#include "cloud/metrics.h"

#include <inttypes.h>
#include <stdio.h>

bool loglimit_pass(struct loglimit *l, unsigned most, int64_t now_ms, char note[LOGLIMIT_NOTE_MAX])
{
    if (!l->n || now_ms - l->since_ms >= LOGLIMIT_WINDOW_MS) {
        l->since_ms = now_ms;
        l->n = 0;
    }
    if (l->n >= most) {
        l->left_out++;
        metric_add(METRIC_LOG_SUPPRESSED, 1);
        return false;
    }
    l->n++;
    note[0] = 0;
    if (l->left_out)
        (void)snprintf(note, LOGLIMIT_NOTE_MAX, " (%" PRIu64 " lines like this one were left out before it)",
                       l->left_out);
    l->left_out = 0;
    return true;
}
