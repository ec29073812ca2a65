/* src/vse/value.h - counters and platform configuration registers: how their values move. Pure; any thread.
 *
 * Reference: AN12413 "WriteCounter", "WritePCR".
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum { VSE_COUNTER_MAX = 8, VSE_PCR_LEN = 32 };

/* Add one to a big-endian number. ERR_TOO_BIG at its highest value; unchanged then. */
err_t vse_counter_step(uint8_t *value, size_t n);
/* Put a higher number (leading zeros aside) in its place. ERR_TOO_BIG: it needs more than n bytes;
 * ERR_CONFLICT: it is not higher. Unchanged then. */
err_t vse_counter_raise(uint8_t *value, size_t n, struct slice to);

/* value = SHA-256(value, data). ERR_CRYPTO; unchanged then. */
err_t vse_pcr_extend(uint8_t value[VSE_PCR_LEN], struct slice data);
