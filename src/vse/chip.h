/* src/vse/chip.h - a whole virtual part: block layer on the bus side, applet on a thread of its own.
 *
 * The caller's thread does bus transactions and never waits for the applet: while it computes, reads
 * are NACKed as by the real part, and WTX blocks go out in time. All calls from one thread.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "vse/applet.h"

struct vse_chip;

struct vse_chip_options {
    unsigned private_op_ms; /* added to every private-key operation: the real part is slow */
    int counters_fd;        /* one line rewritten after each private-key operation, or -1 */
};

/* Start a part around `applet`, which it uses, and which must outlive it. ERR_NOMEM, ERR_IO. */
err_t vse_chip_new(struct vse_applet *applet, const struct vse_chip_options *options, struct vse_chip **ret);
/* Waits for the running command, if any. */
void vse_chip_free(struct vse_chip *c);

/* I2C transactions to the part's address, as vse_t1_write and vse_t1_read. */
void vse_chip_write(struct vse_chip *c, struct slice block);
bool vse_chip_read(struct vse_chip *c, uint8_t *out, size_t n);
