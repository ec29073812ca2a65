/* src/vse/power.h - the power switch: the part dies after its N-th byte written to storage or sent on
 * the bus. For tests of what survives.
 *
 * Of the process, as power is of the part: set once, before threads. The counters may be read on any thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VSE_POWER_EXIT = 3 }; /* how a process ends whose power was cut */

/* Cut after the n-th byte from now on; 0: never. */
void vse_power_cut_storage(uint64_t n);
void vse_power_cut_bus(uint64_t n);

/* n bytes are about to be written or sent. How many of them get through: n, or fewer when power ends among
 * them. *ret_cut: it ends after these, the caller calls vse_power_off(). */
size_t vse_power_storage(size_t n, bool *ret_cut);
size_t vse_power_bus(size_t n, bool *ret_cut);

/* What got through since the start. */
uint64_t vse_power_storage_bytes(void);
uint64_t vse_power_bus_bytes(void);

/* Dark. Nothing is flushed, closed or unlinked. */
_Noreturn void vse_power_off(void);
