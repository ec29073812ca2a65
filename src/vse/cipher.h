/* src/vse/cipher.h - AES and DES, ECB, CBC and CTR, in one step or in several, done by OpenSSL. Pure
 * apart from allocation; any thread. Modes are SE_CIPHER_*.
 *
 * Errors: ERR_UNSUPPORTED: no such mode; ERR_INVALID: key, IV or data do not fit it, or the padding is
 * bad; ERR_CRYPTO, ERR_NOMEM; ERR_TOO_BIG: no room in out.
 */
#pragma once
#include "base/buf.h"

enum { VSE_CIPHER_BLOCK_MAX = 16, VSE_CIPHER_NAME_MAX = 16 };

/* A key as OpenSSL wants it: single and two-key DES as three keys. Wipe after use. */
struct vse_cipher_key {
    char name[VSE_CIPHER_NAME_MAX];
    uint8_t bytes[32];
    size_t n;
};

/* `type` is SE_TYPE_AES or _DES; `chaining` is "ECB", "CBC", ... ERR_INVALID: not a length of its keys. */
err_t vse_cipher_key(uint8_t type, struct slice key, const char *chaining, struct vse_cipher_key *ret);

/* SE_TYPE_* of the keys a mode takes; 0 when there is no such mode. */
uint8_t vse_cipher_key_type(uint8_t mode);

struct vse_cipher; /* opaque */

/* Without an IV a mode that has one starts from zeros. Free with vse_cipher_free. */
err_t vse_cipher_new(uint8_t mode, bool encrypt, struct slice key, struct slice iv, struct vse_cipher **ret);
void vse_cipher_free(struct vse_cipher *c); /* NULL is fine */
/* Append what can be told already; perhaps nothing. */
err_t vse_cipher_update(struct vse_cipher *c, struct slice in, struct buf *out);
/* The last piece (perhaps empty) and the padding. c is of no more use but to be freed. */
err_t vse_cipher_final(struct vse_cipher *c, struct slice in, struct buf *out);
