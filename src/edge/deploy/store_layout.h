/* src/edge/deploy/store_layout.h - the folders below WD/deployment: made, adopted from earlier releases,
 * exchanged. Used by store.c. Blocking I/O.
 */
#pragma once
#include "edge/deploy/store.h"

/* "cannot WHAT PATH: the disk is full; free some space ..." Returns e. */
err_t store_failed(err_t e, const char *what, const char *path, struct problem *why);

/* dir is WD/deployment: `current` with its two folders and the links to them. A folder where a link belongs,
 * of an earlier release or of an operator who recovers a core, takes the place of what is in `current`. */
err_t store_make_layout(const char *dir, struct problem *why);
/* An empty deployment: path/, path/group/ (0700), path/lambda/. */
err_t store_make_deployment(const char *path, struct problem *why);
/* Swap two folders in one step and sync their parent. ERR_UNSUPPORTED: not on this file system. */
err_t store_exchange(const char *a, const char *b, struct problem *why);
