/* src/cloud/policy/glob.h - a pattern whose variables are filled in: bytes, `*` and `?`, ready to match.
 *
 * Pure; any thread. A glob is a string in which the bytes 0xff and 0xfe, which UTF-8 does not have, stand for
 * the two wildcards, so it needs no structure beside it.
 */
#pragma once
#include "base/buf.h"
#include "cloud/policy/pattern.h"

#define GLOB_RUN 0xffu /* any run of characters */
#define GLOB_ONE 0xfeu /* one character */

/* Append the glob of `p`. ERR_NOT_FOUND: a variable is missing, or stands for bytes that no topic can have;
 * ERR_NOMEM, ERR_TOO_BIG. out is unchanged then. */
err_t glob_add(struct buf *out, const struct pattern *p, const struct policy_vars *vars);

/* The bytes before the first wildcard. */
size_t glob_head(struct slice glob);

/* Match the whole of `subject`. At most |glob| * |subject| steps. */
bool glob_match(struct slice glob, struct slice subject);
