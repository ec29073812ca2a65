/* src/edge/deploy/codetree.h - a function's unpacked code on disk: is it what was unpacked, and a second tree
 * of the same files.
 *
 * Blocking I/O; any thread. Spec: docs/spec/edge-cloud.md EC-27.
 */
#pragma once
#include "crypto/digest.h"
#include "edge/problem.h"

#define CODETREE_MAX_DEPTH 66 /* UNPACK_MAX_DEPTH and a little */

/* One SHA-256 over names, kinds, execute bits and contents of everything below `path`. ERR_INVALID: it holds
 * something that no unpacking makes (links, devices, set-uid files). ERR_NOT_FOUND, ERR_IO ... */
err_t codetree_digest(const struct crypto_ctx *crypto, const char *path, char ret[CRYPTO_SHA256_HEX],
                      struct problem *why);

/* Make `to` (must not exist) with the folders of `from` and hard links to its files. ERR_INVALID as above,
 * ERR_NO_SPACE, ERR_IO ... */
err_t codetree_link(const char *from, const char *to, struct problem *why);
