/* src/vse/i2cm.h - the bus behind the part: what its I2C master finds there.
 *
 * One device, a thermometer with 16 registers at address 49: the first byte written sets the register
 * pointer, further bytes are stored, reads go on from the pointer; it wraps. Register 0 and 1 hold the
 * temperature, big endian in 1/256 degree (19 00: 25 degrees), read only; 0F holds 5E, read only; the others
 * are 00 after power-on. Nothing answers at other addresses.
 *
 * Pure; one thread at a time. Reference: AN12413 "I2C master commands".
 */
#pragma once
#include "base/slice.h"
#include "base/writer.h"

enum {
    VSE_I2CM_COMMAND_MAX = 255,
    VSE_I2CM_ANSWER_MAX = 271,
    VSE_I2CM_DEVICE = 0x49,
    VSE_I2CM_REGISTERS = 16,
};

struct vse_i2cm {
    uint8_t address; /* of the device spoken to, set by "configure" */
    uint8_t pointer;
    uint8_t registers[VSE_I2CM_REGISTERS];
};

/* As after power-on. */
void vse_i2cm_init(struct vse_i2cm *m);

/* Run a list of elements (tag, two-byte length, value) and append an answer to each: its tag, two-byte
 * length, A5 or 96, and what was read. ERR_INVALID: not a list of elements; nothing was run then.
 * ERR_TOO_BIG: the list or its answer is. */
err_t vse_i2cm_run(struct vse_i2cm *m, struct slice list, struct buf *out);
