#include "vse/power.h"

#include <stdatomic.h>
#include <unistd.h>

struct supply {
    _Atomic uint64_t used;
    uint64_t cut_at; /* 0: never */
};

static struct supply storage, bus;

/* One thread uses a supply; the others only read the count. */
static void cut_after(struct supply *s, uint64_t n)
{
    s->cut_at = n ? atomic_load(&s->used) + n : 0;
}

static size_t spend(struct supply *s, size_t n, bool *ret_cut)
{
    uint64_t used = atomic_load(&s->used);
    uint64_t left = s->cut_at ? s->cut_at - used : UINT64_MAX;

    *ret_cut = n >= left;
    if (n > left)
        n = (size_t)left;
    atomic_store(&s->used, used + n);
    return n;
}

void vse_power_cut_storage(uint64_t n)
{
    cut_after(&storage, n);
}

void vse_power_cut_bus(uint64_t n)
{
    cut_after(&bus, n);
}

size_t vse_power_storage(size_t n, bool *ret_cut)
{
    return spend(&storage, n, ret_cut);
}

size_t vse_power_bus(size_t n, bool *ret_cut)
{
    return spend(&bus, n, ret_cut);
}

uint64_t vse_power_storage_bytes(void)
{
    return atomic_load(&storage.used);
}

uint64_t vse_power_bus_bytes(void)
{
    return atomic_load(&bus.used);
}

void vse_power_off(void)
{
    _exit(VSE_POWER_EXIT);
}
