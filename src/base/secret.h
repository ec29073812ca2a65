/* src/base/secret.h - bytes that must not leak: out of core dumps, wiped on free, compared in
 * constant time, and of a type the logger does not take. One thread at a time.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct secret; /* opaque on purpose */

/* Copy n bytes. ERR_NOMEM. The caller wipes its own copy. */
err_t secret_new(struct slice bytes, struct secret **ret);
void secret_free(struct secret *s); /* wipes; NULL is fine */
void secret_free_ptr(struct secret **s);
#define autosecret __attribute__((cleanup(secret_free_ptr))) struct secret

bool secret_eq(const struct secret *s, struct slice other); /* constant time in the bytes */
size_t secret_len(const struct secret *s);
/* The long name is deliberate: whoever calls this keeps the bytes out of logs and files.
 * Followed by an uncounted NUL. Dies with s. */
struct slice secret_expose_bytes(const struct secret *s);

/* Once at the start of every program that may hold a secret: no core dumps, not dumpable by other
 * processes of the same user where the program asks for it. */
void secret_process_init(bool undumpable);
