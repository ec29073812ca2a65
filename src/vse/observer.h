/* src/vse/observer.h - who wants to know what the applet executed: the clock model and the trace.
 *
 * The applet calls it once for each command it answered, on the thread that runs it, with what is plain: of
 * a wrapped command the inside, after unwrapping and before wrapping. Secrets are in there: the
 * observer masks.
 */
#pragma once
#include "base/slice.h"

struct vse_apdu;

struct vse_observer {
    void *ctx;
    /* name: as reference section 3 has it, NULL when there is no such command. answer: its data without SW.
     * All slices die with the call. */
    void (*command)(void *ctx, const char *name, const struct vse_apdu *apdu, struct slice answer,
                    uint16_t sw);
};
