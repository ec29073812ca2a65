/* src/vse/kdf.h - HKDF (RFC 5869), PBKDF2 (RFC 8018 §5.2), the TLS 1.2 PRF (RFC 5246 §5), done by OpenSSL.
 * Pure apart from allocation; any thread. Results are appended to out.
 *
 * Errors: ERR_UNSUPPORTED: no such digest; ERR_CRYPTO: OpenSSL refuses the lengths; ERR_NOMEM;
 * ERR_TOO_BIG: no room in out.
 */
#pragma once
#include "base/buf.h"

struct vse_hkdf {
    struct slice key, salt, info;
    uint8_t digest;   /* SE_DIGEST_* */
    bool expand_only; /* key is the pseudo-random key; no salt */
};

err_t vse_kdf_hkdf(const struct vse_hkdf *h, size_t n, struct buf *out);
/* `digest` is SE_DIGEST_*, the one of the HMAC. */
err_t vse_kdf_pbkdf2(uint8_t digest, struct slice password, struct slice salt, unsigned iterations, size_t n,
                     struct buf *out);
/* P_hash of label and seed. */
err_t vse_kdf_tls_prf(uint8_t digest, struct slice secret, struct slice label, struct slice seed, size_t n,
                      struct buf *out);
