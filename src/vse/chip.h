/* src/vse/chip.h - a whole virtual part: block layer on the bus side, applet on a thread of its own.
 *
 * The caller's thread does bus transactions and never waits for the applet: while it computes, reads
 * are NACKed as by the real part, and WTX blocks go out in time. All calls from one thread.
 *
 * Virtual time (times.h) runs with the bus: each acknowledged transaction costs its bits at the bus clock,
 * each write the guard time after it, each command what it takes the part, seen by a host that polls as often
 * as it may. NACKed polls fall into that time and cost none of their own. It is counted always and slept
 * through only when `realtime` is asked for: then the part is as slow as it says.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "vse/applet.h"
#include "vse/meter.h"

struct vse_chip;
struct vse_trace;

struct vse_chip_options {
    unsigned private_op_ms;  /* added to every private-key operation: the real part is slow */
    int counters_fd;         /* one line rewritten before an answer that changes it can be read, or -1 */
    unsigned bus_khz;        /* clock of the bus; 0: VSE_BUS_KHZ */
    bool realtime;           /* guard, polling and computing times are real */
    struct vse_trace *trace; /* told of every block and command, or NULL; outlives the chip */
};

/* Start a part around `applet`, which it uses, and which must outlive it. ERR_NOMEM, ERR_IO. */
err_t vse_chip_new(struct vse_applet *applet, const struct vse_chip_options *options, struct vse_chip **ret);
/* Waits for the running command, if any. */
void vse_chip_free(struct vse_chip *c);

/* I2C transactions to the part's address, as vse_t1_write and vse_t1_read. */
void vse_chip_write(struct vse_chip *c, struct slice block);
bool vse_chip_read(struct vse_chip *c, uint8_t *out, size_t n);

/* A read is about to come: would it be acknowledged? *ret_start: it would begin a block. False counts as a
 * poll that was NACKed; the read itself is not wanted then. */
bool vse_chip_ready(struct vse_chip *c, bool *ret_start);
/* Power gone and back: nothing volatile is left. A command under way ends unheard. */
void vse_chip_power_cycle(struct vse_chip *c);

/* How long a transaction with n bytes keeps the bus. */
uint64_t vse_chip_wire_us(const struct vse_chip *c, size_t n);
/* Is it slow for real? Then whoever has the bus waits that long. */
bool vse_chip_realtime(const struct vse_chip *c);

struct vse_totals vse_chip_totals(struct vse_chip *c);
