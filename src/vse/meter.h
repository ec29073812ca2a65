/* src/vse/meter.h - what is counted since the start of the process: transactions, operations, virtual time
 * (times.h).
 *
 * Under the lock of its chip. The counts may be kept in a file, for other processes: one line of JSON of one
 * length, rewritten in place.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct vse_totals {
    uint64_t private_key_operations, commands;
    uint64_t virtual_us;    /* since the process started */
    uint64_t computing_us;  /* of that: the part working */
    uint64_t guard_us;      /* of that: guard times after writes. What remains are bits at the bus clock */
    uint64_t writes, reads; /* that were acknowledged */
    uint64_t bus_bits;      /* of these, with START, address, acknowledges and STOP */
    uint64_t nacks;         /* polls that came too early */
};

struct vse_meter {
    struct vse_totals totals;
    uint64_t virtual_ns;
    unsigned bus_khz;
    int fd; /* -1: none */
};

/* Acknowledged transactions with n bytes of data. */
void vse_meter_write(struct vse_meter *m, size_t n);
void vse_meter_read(struct vse_meter *m, size_t n);
/* Virtual time passes. */
void vse_meter_pass(struct vse_meter *m, uint64_t us);
/* Rewrite the file. */
void vse_meter_tell(const struct vse_meter *m);
