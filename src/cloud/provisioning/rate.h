/* src/cloud/provisioning/rate.h - so many a second on the long run, so many at once. Pure; one thread at a
 * time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rate {
    int64_t per_s, burst;
    int64_t thousandths; /* what may be taken now */
    int64_t filled_ms;
};

/* Full at the beginning. */
struct rate rate_of(int64_t per_s, int64_t burst, int64_t now_ms);
/* Take one: false when there is none now. Time that goes backwards brings nothing. */
bool rate_take(struct rate *r, int64_t now_ms);
