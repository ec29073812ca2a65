#include "cloud/provisioning/rate.h"

struct rate rate_of(int64_t per_s, int64_t burst, int64_t now_ms)
{
    return (struct rate){ .per_s = per_s, .burst = burst, .thousandths = burst * 1000, .filled_ms = now_ms };
}

static void fill(struct rate *r, int64_t now_ms)
{
    int64_t passed = now_ms - r->filled_ms, full = r->burst * 1000;

    if (passed <= 0)
        return;
    r->filled_ms = now_ms;
    if (passed >= full / r->per_s)
        r->thousandths = full;
    else if ((r->thousandths += passed * r->per_s) > full)
        r->thousandths = full;
}

bool rate_take(struct rate *r, int64_t now_ms)
{
    fill(r, now_ms);
    if (r->thousandths < 1000)
        return false;
    r->thousandths -= 1000;
    return true;
}
