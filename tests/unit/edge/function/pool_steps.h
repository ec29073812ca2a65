/* tests/unit/edge/function/pool_steps.h - what the scenarios are told in: one step each, settled, failures by
 * cmocka. */
#pragma once
#include "pool_world.h"

#define EXIT(code) ((code) << 8) /* as waitpid reports */

extern uint64_t last_waiter; /* of the last poll */

err_t invoke(struct world *w, const char *target, const char *token, bool wants, const char *payload,
             char id[37]);
void event(struct world *w, const char *target, const char *payload);
err_t poll_for(struct world *w, struct world_proc *p, char got[64]);
void takes(struct world *w, struct world_proc *p, const char *payload);
void waits(struct world *w, struct world_proc *p);
err_t answer(struct world *w, struct world_proc *p, const char *error, const char *body);
void sees(struct world *w, enum world_kind kind, uint64_t waiter, const char *part);
void sees_nothing(struct world *w);
struct pool_stats stats(const struct world *w);
struct world *world_with(const char *a, const char *b);
struct world *with_caller(struct world_proc **ret_caller);
void expect_unhandled(struct world *w, struct world_proc *caller, const char *id, const char *part);
