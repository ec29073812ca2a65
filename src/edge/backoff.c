/* src/edge/backoff.c */
#include "edge/backoff.h"

int64_t backoff_next(struct backoff *b, uint32_t random)
{
    int64_t whole = b->base_ms;

    for (unsigned i = 0; i < b->attempt && whole < b->max_ms; i++)
        whole *= 2;
    if (whole >= b->max_ms)
        whole = b->max_ms;
    else
        b->attempt++;
    return whole / 2 + (int64_t)((uint64_t)random * (uint64_t)(whole - whole / 2) >> 32);
}

void backoff_reset(struct backoff *b)
{
    b->attempt = 0;
}
