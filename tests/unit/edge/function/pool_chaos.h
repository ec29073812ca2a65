/* tests/unit/edge/function/pool_chaos.h - any order of events, and the rules that hold in every one.
 *
 * FN-1 to FN-10 as invariants: an item ends exactly once and is in one hand at most; a request that hangs
 * hears one thing at most, and exactly one in the end; never more workers than allowed; in the end nothing is
 * left. A broken rule ends the program by abort().
 */
#pragma once
#include "base/slice.h"

/* One event per two bytes; then everything is stopped and looked at. */
void chaos_run(struct slice script);
