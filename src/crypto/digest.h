/* src/crypto/digest.h - SHA-256 and HMAC-SHA-256, and SHA-1 where a protocol has nothing else. Any thread. */
#pragma once
#include "base/slice.h"
#include "crypto/process.h"

#define CRYPTO_SHA256_LEN 32
#define CRYPTO_SHA256_HEX 65 /* lower-case hex and a NUL */

/* One shot. ERR_CRYPTO. */
err_t crypto_sha256(const struct crypto_ctx *ctx, struct slice in, uint8_t ret[CRYPTO_SHA256_LEN]);
/* The same as lower-case hex with a NUL. */
err_t crypto_sha256_hex(const struct crypto_ctx *ctx, struct slice in, char ret[CRYPTO_SHA256_HEX]);

/* RFC 2104. Compare results with mem_eq_ct. ERR_CRYPTO. */
err_t crypto_hmac_sha256(const struct crypto_ctx *ctx, struct slice key, struct slice in,
                         uint8_t ret[CRYPTO_SHA256_LEN]);

#define CRYPTO_SHA1_LEN 20
/* Of a WebSocket's handshake (RFC 6455 §4.2.2), which nothing depends on. ERR_CRYPTO. */
err_t crypto_sha1(const struct crypto_ctx *ctx, struct slice in, uint8_t ret[CRYPTO_SHA1_LEN]);

/* SHA-256 of what comes in pieces. One thread at a time. */
struct crypto_hash;
err_t crypto_hash_new(const struct crypto_ctx *ctx, struct crypto_hash **ret); /* ERR_NOMEM, ERR_CRYPTO */
void crypto_hash_free(struct crypto_hash *h);                                  /* NULL is fine */
err_t crypto_hash_add(struct crypto_hash *h, struct slice in);                 /* ERR_CRYPTO */
/* Of all that was added; nothing more can be. ERR_CRYPTO. */
err_t crypto_hash_hex(struct crypto_hash *h, char ret[CRYPTO_SHA256_HEX]);
