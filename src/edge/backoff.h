/* src/edge/backoff.h - how long to wait before the next attempt: exponential, capped, with jitter.
 *
 * Pure: the caller brings the random number. One thread at a time.
 */
#pragma once
#include <stdint.h>

struct backoff {
    int64_t base_ms, max_ms;
    unsigned attempt; /* failures since the last reset */
};

static inline struct backoff backoff_of(int64_t base_ms, int64_t max_ms)
{
    return (struct backoff){ .base_ms = base_ms, .max_ms = max_ms < base_ms ? base_ms : max_ms };
}

/* The next wait: between half of and the whole of min(base * 2^attempt, max), so that a fleet that lost its
 * cloud at one moment does not come back at one moment. Counts one failure. */
int64_t backoff_next(struct backoff *b, uint32_t random);
void backoff_reset(struct backoff *b);
