/* src/edge/deploy/unpack_child.h - unpack a zip in a process of its own: greengrass-unpack, which is
 * unpack_zip.
 *
 * Blocking; any thread. The library that reads zips, and the six it needs, are not part of the core: they
 * cost memory for as long as it lives, and they read foreign bytes where no keys should be
 * (docs/decisions/edge-processes.md).
 */
#pragma once
#include "edge/problem.h"

#include <stdatomic.h>

/* As unpack_zip in every respect; also ERR_IO: `program` is not there or was killed. */
err_t unpack_in_child(const char *program, int fd, const char *dir, const atomic_bool *cancel,
                      struct problem *why);
