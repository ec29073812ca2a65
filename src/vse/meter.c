#include "vse/meter.h"

#include "vse/power.h"
#include "vse/times.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_LEN = 512 };

static void pass_ns(struct vse_meter *m, uint64_t ns)
{
    m->virtual_ns += ns;
    m->totals.virtual_us = m->virtual_ns / 1000;
}

void vse_meter_pass(struct vse_meter *m, uint64_t us)
{
    pass_ns(m, us * 1000);
}

static void transaction(struct vse_meter *m, size_t n)
{
    uint64_t bits = vse_time_wire_bits(n);

    m->totals.bus_bits += bits;
    pass_ns(m, vse_time_wire_ns(bits, m->bus_khz));
}

void vse_meter_read(struct vse_meter *m, size_t n)
{
    transaction(m, n);
    m->totals.reads++;
}

/* The guard time after it is its own. */
void vse_meter_write(struct vse_meter *m, size_t n)
{
    uint32_t guard_us = vse_time_fixed(VSE_TIME_GUARD)->us;

    transaction(m, n);
    m->totals.writes++;
    m->totals.guard_us += guard_us;
    vse_meter_pass(m, guard_us);
}

void vse_meter_tell(const struct vse_meter *m)
{
    const struct vse_totals *t = &m->totals;
    char line[LINE_LEN + 1];
    int n;

    if (m->fd < 0)
        return;
    /* of one length always, so that a reader never sees half of two lines */
    n = snprintf(line, sizeof(line),
                 "{\"private_key_operations\": %" PRIu64 ", \"commands\": %" PRIu64
                 ", \"virtual_us\": %" PRIu64 ", \"computing_us\": %" PRIu64 ", \"guard_us\": %" PRIu64
                 ", \"transactions\": %" PRIu64 ", \"writes\": %" PRIu64 ", \"reads\": %" PRIu64
                 ", \"bus_bits\": %" PRIu64 ", \"nacks\": %" PRIu64 ", \"bus_bytes\": %" PRIu64
                 ", \"storage_bytes\": %" PRIu64 "}",
                 t->private_key_operations, t->commands, t->virtual_us, t->computing_us, t->guard_us,
                 t->writes + t->reads, t->writes, t->reads, t->bus_bits, t->nacks, vse_power_bus_bytes(),
                 vse_power_storage_bytes());
    memset(line + n, ' ', sizeof(line) - (size_t)n);
    line[LINE_LEN - 1] = '\n';
    if (pwrite(m->fd, line, LINE_LEN, 0) < 0)
        return; /* a counter nobody can read harms nobody */
}
