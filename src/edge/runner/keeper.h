/* src/edge/runner/keeper.h - the process that stays with one worker: starts it, stops it, and lets nothing of
 * it live on.
 *
 * A worker may fork, leave its process group and its session: whatever it does, its orphans are handed to the
 * keeper (PR_SET_CHILD_SUBREAPER), so it is known whose they are. Only the keeper, whose child the worker is,
 * ever signals it: a number is never taken for somebody else's process.
 */
#pragma once
#include "edge/runner/wire.h"

/* In a process just forked for this. `fd`: its end of a packet socket to the runner: STOP comes in; STARTED
 * and ENDED, or NOT_STARTED, go out. When the runner is gone the worker is killed. */
_Noreturn void keeper_run(const struct runner_message *start, bool allow_root, int fd);
