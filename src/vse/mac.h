/* src/vse/mac.h - HMAC and CMAC in one step or in several, done by OpenSSL. Pure apart from
 * allocation; any thread. Algorithms are SE_MAC_*.
 *
 * Errors: ERR_UNSUPPORTED: no such algorithm; ERR_INVALID: the key does not fit it; ERR_CRYPTO,
 * ERR_NOMEM; ERR_TOO_BIG: no room in out.
 */
#pragma once
#include "base/buf.h"

#include <openssl/types.h>

enum { VSE_MAC_MAX = 64 };

/* SE_TYPE_* of the keys an algorithm takes; 0 when there is no such algorithm. */
uint8_t vse_mac_key_type(uint8_t algorithm);

/* Free with vse_mac_free. */
err_t vse_mac_new(uint8_t algorithm, struct slice key, EVP_MAC_CTX **ret);
void vse_mac_free(EVP_MAC_CTX *m); /* NULL is fine */
err_t vse_mac_update(EVP_MAC_CTX *m, struct slice in);
/* Append the MAC. m is of no more use but to be freed. */
err_t vse_mac_final(EVP_MAC_CTX *m, struct buf *out);

err_t vse_mac_once(uint8_t algorithm, struct slice key, struct slice in, struct buf *out);
