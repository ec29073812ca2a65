/* src/vse/trace.h - what happens on the wire and in the applet, in words, a line each.
 *
 * Any thread. Values are shown only where they cannot be secret: object ids, modes, sizes, yes and no. All
 * else is a length. Blocks show their header, never what they carry.
 *
 *      1234 us > I N(S)=0 more, 254 bytes       blocks, at virtual time
 *      1400 us < R N(R)=1 acknowledge
 *              = WriteECKey T1=20000001 T2=03 T3[32] T4[65] -> 9000 success
 */
#pragma once
#include "base/buf.h"
#include "vse/apdu.h"

struct vse_trace;

enum vse_trace_direction { VSE_TRACE_FROM_HOST, VSE_TRACE_TO_HOST };

/* To that file (0600, written anew) or, for "-", to standard output. ERR_DENIED, ERR_NOT_FOUND, ERR_IO. */
err_t vse_trace_open(const char *path, struct vse_trace **ret);
void vse_trace_close(struct vse_trace *t); /* NULL is fine */

void vse_trace_block(struct vse_trace *t, uint64_t at_us, enum vse_trace_direction direction,
                     struct slice block);
/* As struct vse_observer. */
void vse_trace_command(struct vse_trace *t, const char *name, const struct vse_apdu *apdu,
                       struct slice answer, uint16_t sw);
/* Something that is no part of the protocol. */
void vse_trace_note(struct vse_trace *t, uint64_t at_us, const char *text);

/* The lines themselves, without the time and the end; pure. ERR_NOMEM, ERR_TOO_BIG. */
err_t vse_trace_block_text(struct slice block, struct buf *out);
err_t vse_trace_command_text(const char *name, const struct vse_apdu *apdu, struct slice answer, uint16_t sw,
                             struct buf *out);
