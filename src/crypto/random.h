/* src/crypto/random.h - unpredictable bytes. Any thread. */
#pragma once
#include "crypto/process.h"

#include <stddef.h>
#include <stdint.h>

/* Fill n bytes. ERR_CRYPTO: the generator has no entropy; give up what needed them. */
err_t crypto_random(const struct crypto_ctx *ctx, void *out, size_t n);

/* A random (version 4) UUID of RFC 4122 in lower-case text with its NUL. */
#define CRYPTO_UUID_MAX 37
err_t crypto_random_uuid(const struct crypto_ctx *ctx, char ret[CRYPTO_UUID_MAX]);
