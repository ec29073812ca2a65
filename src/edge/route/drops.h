/* src/edge/route/drops.h - messages that were not delivered: counted by reason, and said in the log.
 *
 * A flood of them must not fill the log: of each reason a few lines a second are written, then one line with
 * the number of the others. Pure but for the log; one thread. Spec: docs/spec/functions.md (router).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum drop {
    DROP_NO_ROUTE,   /* no subscription matches */
    DROP_BAD_TOPIC,  /* a topic or a size that no message may have */
    DROP_QUEUE_FULL, /* a function's work queue, or the router's own */
    DROP_NO_FUNCTION,
    DROP_NO_DEVICE,
    DROP_FUNCTION, /* the function could not be given it for another reason */
    DROP_SHADOWS,  /* the shadow service did not take it */
    DROP_SPOOL_FULL,
    DROP_CLOUD_REFUSED, /* the cloud closes the connection whenever it is sent */
    DROP_ALL_OR_ERROR,  /* refused: not every target could take it */
    DROP_NO_MEMORY,
    DROPS
};

struct drops {
    struct {
        uint64_t total;
        uint64_t unsaid; /* not in the log yet */
        unsigned said;   /* lines in this window */
    } of[DROPS];
    int64_t window_ms; /* its beginning */
};

#define DROPS_WINDOW_MS 1000
#define DROPS_LINES 5 /* of each reason in a window */

/* One message from `source` to `target` (NULL: nobody in particular) is dropped. */
void drops_note(struct drops *d, enum drop why, const char *source, const char *topic, const char *target,
                int64_t now_ms);
/* Write how many were left out, once their window is over. When to call next, in ms; -1: nothing to tell. */
int64_t drops_tell(struct drops *d, int64_t now_ms);
/* A drop_... reason's sentence. */
const char *drop_str(enum drop why);
