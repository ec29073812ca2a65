/* src/broker/rate.h - so many of one kind in a second, for each of many names (client ids, topics).
 *
 * Pure; one thread. Memory is bounded: names are kept until the second is over, and over RATE_NAMES_MAX of
 * them every further one is taken for one too many. Reference: iot-core.md 1.5.
 */
#pragma once
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define RATE_NAMES_MAX 20000u

struct broker_rate {
    void *names; /* tsearch(3) */
    size_t n;
};

/* One more of `name`, of which there may be `most` (0: no limit)? False also where there is no memory. */
bool broker_rate_take(struct broker_rate *r, struct slice name, unsigned most);
/* A new second. */
void broker_rate_clear(struct broker_rate *r);
