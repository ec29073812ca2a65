/* src/edge/route/waiting.h - messages that came up while another was delivered, until the loop's next turn.
 *
 * Pure but for memory; one thread.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#define WAITING_MAX 1024 /* messages */
#define WAITING_MAX_BYTES (4u * 1024 * 1024)

struct route_message {
    const char *source, *topic;
    struct slice payload;
};

struct waiting_message {
    struct waiting_message *next;
    struct route_message message; /* points behind itself */
    uint8_t bytes[];
};

struct waiting {
    struct waiting_message *first, *last;
    size_t n, bytes;
};

/* Everything is copied. ERR_BUSY: no room; ERR_NOMEM. */
err_t waiting_put(struct waiting *w, const struct route_message *m);
/* The oldest, which the caller frees; NULL: none. */
struct waiting_message *waiting_take(struct waiting *w);
void waiting_done(struct waiting *w);
