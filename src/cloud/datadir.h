/* src/cloud/datadir.h - the data folder: made private, held by one process at a time, told to scripts. */
#pragma once
#include "cloud/env.h"

#include <stddef.h>

/* Make `dir` (0700) when missing, refuse one that is open to others, and lock it. *ret_lock is a descriptor
 * that holds the lock until it is closed. ERR_BUSY: another sedge-cloud serves it; ERR_DENIED, ERR_IO ...;
 * `why` says what to do. */
err_t datadir_open(const char *dir, int *ret_lock, char *why, size_t why_n);

/* DIR/endpoints.json: real ports and paths, for scripts that asked for port 0. */
err_t datadir_write_endpoints(const char *dir, const struct cloud_env *env, const char *api_url);
