/* src/base/file.h - files: bounded reads, durable writes. Blocking; any thread.
 *
 * file_write_durable is the seam of the power-cut tests: write to a new name in the same folder,
 * fsync, rename, fsync the folder. Afterwards the file holds the old bytes or the new ones.
 */
#pragma once
#include "base/buf.h"

#include <stdio.h>
#include <sys/types.h>

/* Append the whole file to out (whose cap is the limit: ERR_TOO_BIG).
 * ERR_NOT_FOUND, ERR_DENIED, ERR_IO (errno kept), ERR_INVALID when it is not a regular file. */
err_t file_read(const char *path, struct buf *out);
/* The same, and ERR_DENIED unless it is owned by root or the caller and closed to group and others. */
err_t file_read_private(const char *path, struct buf *out);

/* Replace or create `path` with mode `mode`. ERR_NO_SPACE, ERR_DENIED, ERR_NOT_FOUND, ERR_IO; the old file
 * stays. */
err_t file_write_durable(const char *path, struct slice bytes, mode_t mode);
/* fsync the folder that holds `path`. */
err_t file_sync_parent(const char *path);
/* Write all bytes to fd, going on after EINTR and short writes. */
err_t file_write_all(int fd, struct slice bytes);
/* mkdir -p with `mode` for the folders it makes. */
err_t file_mkdirs(const char *path, mode_t mode);
/* Delete a tree without following links out of it; a missing path is ERR_OK. */
err_t file_remove_tree(const char *path);
/* The class for an errno value. */
err_t file_err(int errnum);
