/* src/edge/deploy/unpack.h - unpack a function's zip, which is foreign bytes, into a folder of its own.
 *
 * Blocking I/O; any thread, one at a time per folder. Spec: docs/spec/edge-cloud.md EC-26.
 *
 * Only files and folders below the new folder come out of it: an entry that is a link or a device, has an
 * absolute path, one with "..", with control characters or with a name that was there before, is encrypted or
 * damaged makes the whole zip refused. Nothing is believed of the sizes announced. Files become 0644 or, with
 * any execute bit, 0755, folders 0755, all of the calling user: set-uid bits and owners of the zip count for
 * nothing.
 */
#pragma once
#include "edge/problem.h"

#include <stdatomic.h>

#define UNPACK_MAX_ENTRIES 20000
#define UNPACK_MAX_BYTES (256u << 20)
/* A zip may grow to this many times its size and the allowance: more is a bomb. */
#define UNPACK_MAX_RATIO 200
#define UNPACK_ALLOWANCE (16u << 20)
#define UNPACK_MAX_PATH 1024
#define UNPACK_MAX_DEPTH 64

/* fd: the whole zip, seekable; borrowed. dir: made here, must not exist; on failure the caller removes what
 * is there of it. cancel: looked at between blocks, may be NULL.
 *
 * ERR_INVALID    no zip, damaged, truncated, encrypted, or an entry that is refused
 * ERR_TOO_BIG    over a limit above
 * ERR_NO_SPACE   known before the first byte is written, mostly
 * ERR_CANCELLED, ERR_EXISTS (dir), ERR_NOMEM, ERR_DENIED, ERR_IO
 * *why says what and which entry. What was written is not synced yet. */
err_t unpack_zip(int fd, const char *dir, const atomic_bool *cancel, struct problem *why);
