/* src/se/counter.h - counters that only go up, and PCRs.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 WriteCounter, WritePCR;
 * reference 3.3.
 */
#pragma once
#include "se/chip.h"
#include "se/write.h"

/* size: 1..8 bytes (ERR_INVALID). It begins at `first`. ERR_EXISTS. */
err_t se_counter_create(struct se_chip *chip, uint32_t id, size_t size, uint64_t first,
                        const struct se_write *how);
/* Raise it to `value`, written in the counter's own `size`. ERR_INVALID, ERR_NOT_FOUND: not higher than it
 * is. */
err_t se_counter_set(struct se_chip *chip, uint32_t id, size_t size, uint64_t value);
err_t se_counter_increment(struct se_chip *chip, uint32_t id);
err_t se_counter_get(struct se_chip *chip, uint32_t id, uint64_t *ret);

/* ERR_EXISTS. */
err_t se_pcr_create(struct se_chip *chip, uint32_t id, const uint8_t initial[SE_PCR_LEN],
                    const struct se_write *how);
/* value = SHA-256(old value || data). */
err_t se_pcr_extend(struct se_chip *chip, uint32_t id, struct slice data);
/* Back to the initial value. */
err_t se_pcr_reset(struct se_chip *chip, uint32_t id);
err_t se_pcr_get(struct se_chip *chip, uint32_t id, uint8_t ret[SE_PCR_LEN]);
