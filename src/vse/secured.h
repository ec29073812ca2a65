/* src/vse/secured.h - commands that come over a secure channel: unwrapped, run, their answers wrapped.
 *
 * The same for the platform's channel and for a session's own (reference 4.3). One thread at a time.
 */
#pragma once
#include "vse/command.h"

/* Run the wrapped command `in` in session `s` through channel `scp`, and append the answer's data, wrapped
 * when the SW is 9000. The SW. On 6982 for a wrong MAC the channel is closed. */
uint16_t vse_run_secured(struct vse_applet *a, struct vse_session *s, struct vse_scp *scp, struct slice in,
                         struct writer *out);
