/* src/crypto/error.h - why a call of this room failed, in words for a person.
 *
 * Any thread; a crypto_error belongs to its caller. Functions of this room that a user's file, key or
 * certificate can make fail take a `why` that may be NULL and is filled only on failure. The text says
 * what was attempted, why it failed and, where we know, what to do; it never holds a PIN or key bytes.
 * The warning may be set on success too (and is emptied first).
 */
#pragma once
#include "base/err.h"

#define CRYPTO_ERROR_MAX 1024
#define CRYPTO_WARNING_MAX 256

struct crypto_error {
    char text[CRYPTO_ERROR_MAX];
    char warning[CRYPTO_WARNING_MAX]; /* "" when there is none */
};

/* Set the text; `why` may be NULL. Returns `e`, so that a failure is one line. */
err_t crypto_fail(struct crypto_error *why, err_t e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with what OpenSSL's error queue of this thread says appended; the queue is emptied, also
 * when `why` is NULL. */
err_t crypto_fail_openssl(struct crypto_error *why, err_t e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Empty OpenSSL's error queue and return `e`: for failures whose reasons nobody could act on, so that they do
 * not turn up in a later text. */
err_t crypto_fail_quiet(err_t e);
