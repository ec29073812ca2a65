/* src/vse/faults.h - faults of the bus by a script: a rule a line, each happens once.
 *
 *   at UNIT N FAULT [ARGUMENT]     # comment
 *
 * UNIT  transaction  the N-th the part acknowledges, either way
 *       block        the N-th, either way: a write that is not empty, a read that begins a block
 *       byte         the N-th data byte, either way; counted as --cut-bus counts
 * FAULT flip B         bit B of the unit arrives wrong (0: the first on the wire)
 *       lose B         byte B of the unit gets lost, what follows moves up
 *       nack-reads C   the next C reads are not acknowledged, this one first if it is one
 *       nack-writes C  the next C writes are not acknowledged, this one first if it is one
 *       stuck          what the part has to say stays unheard until the master writes again
 *       reset          the part loses power for a moment, before it sees the unit
 *
 * All numbers are decimal and count from 1, except B: a block may be read in several transactions, so B may
 * lie beyond this one. Of a byte there are bits 0 to 7 and itself. Pure; one thread at a time.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct vse_faults;

/* ERR_INVALID: not understood. ERR_TOO_BIG: more rules than fit. ERR_NOMEM. On failure alone *ret_line is
 * set: the line it came to. */
err_t vse_faults_parse(struct slice script, struct vse_faults **ret, unsigned *ret_line);
void vse_faults_free(struct vse_faults *f); /* NULL is fine */

enum vse_fault_act {
    VSE_FAULT_NONE = 0,
    VSE_FAULT_NACK = 1,  /* do not acknowledge, and do not let the part see it */
    VSE_FAULT_RESET = 2, /* cut the part's power for a moment first */
};

/* A write of n bytes is about to happen, or a read for which the part has something. What to do about it: a
 * set of enum vse_fault_act. Unless it is NACK, vse_faults_bytes() follows. */
unsigned vse_faults_write(struct vse_faults *f, size_t n);
unsigned vse_faults_read(struct vse_faults *f, size_t n, bool starts_block);
/* A read for which the part has nothing: a burst goes on all the same. */
void vse_faults_poll(struct vse_faults *f);

/* Do to the bytes of that transaction what the wire does. Returns how many are left. */
size_t vse_faults_bytes(struct vse_faults *f, uint8_t *bytes, size_t n);
