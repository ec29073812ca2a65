/* src/vse/digest.h - SHA-1 and SHA-2 in one step or in several, done by OpenSSL. Pure apart from
 * allocation; any thread. Modes are SE_DIGEST_*.
 *
 * Errors: ERR_UNSUPPORTED: no such mode; ERR_CRYPTO, ERR_NOMEM; ERR_TOO_BIG: no room in out.
 */
#pragma once
#include "base/buf.h"

#include <openssl/types.h>

enum { VSE_DIGEST_MAX = 64 };

/* OpenSSL's name and the length of the result; NULL and 0 when there is no such mode. */
const char *vse_digest_name(uint8_t mode);
size_t vse_digest_len(uint8_t mode);

/* Free with vse_digest_free. */
err_t vse_digest_new(uint8_t mode, EVP_MD_CTX **ret);
void vse_digest_free(EVP_MD_CTX *d); /* NULL is fine */
err_t vse_digest_update(EVP_MD_CTX *d, struct slice in);
/* Append the digest. d is of no more use but to be freed. */
err_t vse_digest_final(EVP_MD_CTX *d, struct buf *out);

err_t vse_digest_once(uint8_t mode, struct slice in, struct buf *out);
