/* src/crypto/process.h - what a program does once, and the context all other calls work in.
 *
 * A context holds an OpenSSL library context and the algorithms fetched from it once. It is constant
 * after crypto_ctx_new: any thread may use it.
 */
#pragma once
#include "base/err.h"

#include <openssl/types.h>
#include <stdbool.h>

/* First thing in main(), before any other call into OpenSSL (libcurl's and libevent's set-up included):
 * OpenSSL's heap is wiped when freed (a freed P-256 scalar otherwise stays readable in the process's
 * memory: promise 2 of the design), and secret_process_init(undumpable) is called.
 * ERR_WRONG_STATE: OpenSSL has allocated already; the program must not go on to hold keys. */
err_t crypto_process_init(bool undumpable);

struct crypto_ctx; /* opaque */

/* lib NULL: the process's default library context (what programs use). A library that lives inside
 * other people's processes gives its own, which must outlive the result. ERR_CRYPTO, ERR_NOMEM. */
err_t crypto_ctx_new(OSSL_LIB_CTX *lib, struct crypto_ctx **ret);
void crypto_ctx_free(struct crypto_ctx *ctx);
void crypto_ctx_free_ptr(struct crypto_ctx **ctx);
#define auto_crypto_ctx __attribute__((cleanup(crypto_ctx_free_ptr)))

/* For calls of OpenSSL's own, in the rooms that make some (tls). NULL means the default context. */
OSSL_LIB_CTX *crypto_ctx_lib(const struct crypto_ctx *ctx);
