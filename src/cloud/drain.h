/* src/cloud/drain.h - an orderly end: what was taken is answered before the process goes. One loop's thread.
 */
#pragma once
#include "net/loop.h"

#include <stddef.h>

#define DRAIN_MS 10000 /* then it is cut */

struct drain;

/* Let everybody go who has nothing in work, and say how many are left. Called again and again. */
typedef size_t (*drain_left_fn)(void *ctx);

/* From now on left(ctx) is called until it says 0 or DRAIN_MS have passed; then the loop is stopped.
 * ERR_NOMEM. */
err_t drain_new(struct net_loop *loop, drain_left_fn left, void *ctx, struct drain **ret);
void drain_free(struct drain *d); /* NULL is fine */
