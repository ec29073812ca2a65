/* src/se/slow.h - commands that take long, in two steps: start sends, finish waits.
 *
 * Between the two the thread may do other work, but the handle belongs to the operation: a sequence
 * (se/chip.h) of the thread that started it, which has to finish it. Error classes of se/chip.h. The blocking
 * calls of se/key.h are loops over these.
 */
#pragma once
#include "base/buf.h"
#include "se/command.h"
#include "se/write.h"

struct se_slow;

/* RSA pairs of 4096 bits take the chip a minute or more. Errors of se_rsa_generate. */
err_t se_rsa_generate_start(struct se_chip *chip, uint32_t id, size_t bits, const struct se_write *how,
                            struct se_slow **ret);
/* Errors of se_rsa_private_raw. */
err_t se_rsa_private_raw_start(struct se_chip *chip, uint32_t id, struct slice in, struct se_slow **ret);

/* Wait for the answer until deadline_ms of clock_mono_ms (INT64_MAX: as long as there is patience), append it
 * to `out`, which may be NULL where the command answers with nothing. ERR_MORE: not yet, call again.
 * ERR_CANCELLED: se_chip_interrupt ended the wait. After anything but ERR_MORE the operation is over:
 * ERR_WRONG_STATE if called again. */
err_t se_slow_finish(struct se_slow *op, int64_t deadline_ms, struct buf *out);
/* Ends it: an answer that is still due is given up, though what the chip did stays done. NULL is fine. */
void se_slow_free(struct se_slow *op);
void se_slow_free_ptr(struct se_slow **op);
#define auto_slow __attribute__((cleanup(se_slow_free_ptr))) struct se_slow

/* For the files of this room: start any command. answer_n: bytes in the TLV that is its answer; 0: none. */
err_t se_slow_start(struct se_chip *chip, const struct se_command *c, const char *what, size_t answer_n,
                    struct se_slow **ret);
