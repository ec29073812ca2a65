/* src/vse/store.h - the chip's non-volatile memory in one file (image.h). Blocking; one thread at a time.
 *
 * What vse_store_apply acknowledged survives kill -9 and power loss. FILE.lock keeps a second process
 * out; it is separate because compaction replaces FILE by rename.
 */
#pragma once
#include "vse/nvm.h"

#include "base/buf.h"
#include "vse/image.h"

struct vse_store;

/* Called at open for each entry that is there. */
typedef err_t vse_store_fn(void *ctx, uint8_t kind, uint32_t id, struct slice value);

/* Open the state at `path`, making an empty one (0600) when there is none, and report what it holds.
 * ERR_BUSY: another process has it. ERR_CORRUPT: damaged, and left as it is. ERR_DENIED: not owned by
 * the caller or root, or open to others. ERR_UNSUPPORTED: written by another version. ERR_TOO_BIG,
 * ERR_IO, ERR_NO_SPACE, ERR_NOMEM; or what fn returned. */
err_t vse_store_open(const char *path, vse_store_fn *fn, void *ctx, struct vse_store **ret);
void vse_store_close(struct vse_store *s);

/* The interface of nvm.h; ctx is the struct vse_store. After a failed sync nothing is written any more
 * (ERR_IO): what the kernel kept is unknown until the file is read again. */
err_t vse_store_apply(void *store, const struct vse_nvm_op *ops, size_t n);

/* Report the entries of the state at `path` without locking or changing it. Errors as vse_store_open,
 * and ERR_NOT_FOUND. */
err_t vse_store_peek(const char *path, vse_store_fn *fn, void *ctx);
