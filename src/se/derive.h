/* src/se/derive.h - keys from keys: HKDF, PBKDF2, and the TLS 1.2 secrets.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 HKDF, PBKDF2, TLS*;
 * reference 3.11. The key is an HMAC object. With a target (7.x) the result stays in the chip as object
 * `target`, made or overwritten, and nothing is appended; ERR_UNSUPPORTED on 3.x, as for a salt that is an
 * object. out should be a BUF_SECRET.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum { SE_HKDF_SALT_MAX = 64, SE_HKDF_INFO_MAX = 80, SE_PBKDF2_MAX = 512, SE_TLS_RANDOM_LEN = 32 };

struct se_hkdf {
    uint8_t digest;   /* SE_DIGEST_* */
    bool expand_only; /* RFC 5869 2.3 alone: the key is the PRK */
    struct slice salt, info;
    uint32_t salt_id; /* 7.x: an HMAC object instead of salt */
    uint16_t length;
    uint32_t target; /* SE_ID_NONE: the result is appended to out */
};
err_t se_hkdf(struct se_chip *chip, uint32_t key, const struct se_hkdf *h, struct buf *out);

struct se_pbkdf2 {
    struct slice salt;
    uint32_t salt_id;
    uint16_t iterations;
    uint16_t length;   /* up to SE_PBKDF2_MAX */
    uint8_t algorithm; /* 7.x: SE_MAC_HMAC_*; 0: SHA-1 */
    uint32_t target;
};
/* `key` holds the password. */
err_t se_pbkdf2(struct se_chip *chip, uint32_t key, const struct se_pbkdf2 *p, struct buf *out);

/* ---- TLS 1.2 ---- */

/* The chip's client (or server) random of the handshake to come. */
err_t se_tls_random(struct se_chip *chip, uint8_t ret[SE_TLS_RANDOM_LEN]);

/* The pre-master secret goes into the HMAC object `target`. From a pre-shared key, a key pair, or both;
 * input: the peer's point, or the encrypted pre-master secret for an RSA pair, which needs the version. */
struct se_tls_pre_master {
    uint32_t psk, pair, target;
    struct slice input;
    uint16_t client_version;
};
err_t se_tls_pre_master(struct se_chip *chip, const struct se_tls_pre_master *p);

enum se_tls_prf_kind {
    SE_TLS_PRF_CLIENT_HELLO = SE_P2_TLS_PRF_CLI_HELLO,
    SE_TLS_PRF_SERVER_HELLO = SE_P2_TLS_PRF_SRV_HELLO,
    SE_TLS_PRF_CLIENT_RANDOM = SE_P2_TLS_PRF_CLI_RANDOM,
    SE_TLS_PRF_SERVER_RANDOM = SE_P2_TLS_PRF_SRV_RANDOM,
    SE_TLS_PRF_BOTH = SE_P2_TLS_PRF_BOTH,
};
struct se_tls_prf {
    enum se_tls_prf_kind kind; /* whose random is given, the chip's own (se_tls_random) being the other */
    uint8_t digest;
    struct slice label;
    struct slice random; /* 32 bytes; both, client first, with SE_TLS_PRF_BOTH */
    uint16_t length;
};
err_t se_tls_prf(struct se_chip *chip, uint32_t key, const struct se_tls_prf *p, struct buf *out);
