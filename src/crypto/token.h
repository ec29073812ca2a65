/* src/crypto/token.h - private keys that live in a PKCS#11 token. For key.c only.
 *
 * token.c is the one file with calls of OpenSSL's engine interface (libp11's engine, Debian's
 * libengine-pkcs11-openssl); token_probe.c asks the module itself why the engine failed. The engine is
 * the process's, not a library context's: one, for one module, kept from the first key until the process
 * ends.
 */
#pragma once
#include "crypto/key.h"
#include "crypto/p11uri.h"

/* As crypto_key_load for a pkcs11: URI that was parsed. */
err_t crypto_token_key(const struct crypto_p11uri *uri, const struct crypto_token *token, EVP_PKEY **ret,
                       struct crypto_error *why);

/* Can this module be loaded? The handle is kept: dlclose of a module with live sessions is asking for
 * trouble. ERR_INVALID (not an absolute path), ERR_NOT_FOUND, ERR_UNSUPPORTED (not a module), each with a
 * text. */
err_t crypto_token_module_open(const char *path, void **ret_handle, struct crypto_error *why);

/* Why the key could not be had, asked of the module, which the engine initialised: no slot with that label,
 * PIN locked, token not answering, no such object. rv: the first CKR_ code in the engine's errors, 0 when
 * none. Never ERR_OK; the class is crypto_key_load's. */
err_t crypto_token_diagnose(void *handle, const struct crypto_p11uri *uri, const struct crypto_token *token,
                            unsigned long rv, struct crypto_error *why);
