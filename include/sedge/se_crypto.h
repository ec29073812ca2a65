/* sedge/se_crypto.h - ciphers, MACs, digests, AEAD and key derivation in the chip.
 */
#ifndef SEDGE_SE_CRYPTO_H
#define SEDGE_SE_CRYPTO_H

#include <sedge/se.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In one command up to about 800 bytes. In steps any amount, in a crypto object, between sedge_se_begin and
 * sedge_se_end. */
struct sedge_se_crypto_object {
    uint16_t id;
    uint8_t context; /* SEDGE_SE_CONTEXT_* */
    uint8_t subtype; /* the digest, cipher, MAC or AEAD mode */
};

/* The entry costs flash and stays. _ensure: unless it is there; SEDGE_ERR_EXISTS: for something else. */
SEDGE_API SEDGE_MUST_CHECK sedge_err
sedge_se_crypto_object_ensure(sedge_se *se, const struct sedge_se_crypto_object *object);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_crypto_object_delete(sedge_se *se, uint16_t id);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_crypto_object_list(sedge_se *se,
                                                                 struct sedge_se_crypto_object *objects,
                                                                 size_t room, size_t *ret_n);

/* AES and DES. mode: SEDGE_SE_CIPHER_*; the unpadded ones take whole blocks. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_cipher(sedge_se *se, uint32_t key, uint8_t mode, bool encrypt,
                                                     sedge_bytes iv, sedge_bytes data, sedge_out *ret);

/* 7.x: AES-CTR under an IV of the chip's making. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_cipher_own_iv(sedge_se *se, uint32_t key, size_t iv_len,
                                                            sedge_bytes data, sedge_out *ret,
                                                            sedge_out *ret_iv);

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_cipher_init(sedge_se *se, uint16_t object, uint32_t key,
                                                          bool encrypt, sedge_bytes iv);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_cipher_update(sedge_se *se, uint16_t object, sedge_bytes data,
                                                            sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_cipher_final(sedge_se *se, uint16_t object, sedge_bytes last,
                                                           sedge_out *ret);

/* CMAC, HMAC, DES MAC. algorithm: SEDGE_SE_MAC_*. A wrong MAC is *ret_good = false. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac(sedge_se *se, uint32_t key, uint8_t algorithm,
                                                  sedge_bytes data, sedge_out *ret);
/* Any amount of data, by a crypto object where one command does not take it. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_any(sedge_se *se, uint32_t key, uint8_t algorithm,
                                                      sedge_bytes data, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_check(sedge_se *se, uint32_t key, uint8_t algorithm,
                                                        sedge_bytes data, sedge_bytes mac, bool *ret_good);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_init(sedge_se *se, uint16_t object, uint32_t key);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_check_init(sedge_se *se, uint16_t object, uint32_t key);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_update(sedge_se *se, uint16_t object, sedge_bytes data);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_final(sedge_se *se, uint16_t object, sedge_bytes last,
                                                        sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_mac_check_final(sedge_se *se, uint16_t object, sedge_bytes last,
                                                              sedge_bytes mac, bool *ret_good);

/* Digests. digest: SEDGE_SE_DIGEST_*. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_digest(sedge_se *se, uint8_t digest, sedge_bytes data,
                                                     sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_digest_init(sedge_se *se, uint16_t object);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_digest_update(sedge_se *se, uint16_t object, sedge_bytes data);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_digest_final(sedge_se *se, uint16_t object, sedge_bytes last,
                                                           sedge_out *ret);

struct sedge_se_aead {
    uint8_t mode; /* SEDGE_SE_AEAD_GCM, SEDGE_SE_AEAD_CCM */
    sedge_bytes iv;
    size_t own_iv_len; /* 7.x, sealing: the chip makes the IV of this length; iv is empty */
    sedge_bytes aad;
};

/* AES-GCM and CCM. Opening: SEDGE_ERR_AUTH, and no data, when the tag is wrong. ret_iv only with
 * own_iv_len, else NULL. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_seal(sedge_se *se, uint32_t key,
                                                   const struct sedge_se_aead *how, sedge_bytes data,
                                                   size_t tag_len, sedge_out *ret, sedge_out *ret_tag,
                                                   sedge_out *ret_iv);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_unseal(sedge_se *se, uint32_t key,
                                                     const struct sedge_se_aead *how, sedge_bytes data,
                                                     sedge_bytes tag, sedge_out *ret);

/* In steps: all AAD first. Data that was opened must not be used before sedge_se_unseal_final has said so. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_aead_init(sedge_se *se, uint16_t object, uint32_t key,
                                                        bool encrypt, sedge_bytes iv);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_aead_aad(sedge_se *se, uint16_t object, sedge_bytes aad);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_aead_update(sedge_se *se, uint16_t object, sedge_bytes data,
                                                          sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_seal_final(sedge_se *se, uint16_t object, size_t tag_len,
                                                         sedge_out *ret, sedge_out *ret_tag);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_unseal_final(sedge_se *se, uint16_t object, sedge_bytes tag,
                                                           sedge_out *ret);

/* HKDF, PBKDF2 from an HMAC object. With a target (7.x) the result stays in the chip and ret is not used. */
struct sedge_se_hkdf {
    uint8_t digest;
    bool expand_only;
    sedge_bytes salt, info; /* up to 64 and 80 bytes */
    uint32_t salt_id;       /* 7.x */
    uint16_t length;
    uint32_t target;
};

struct sedge_se_pbkdf2 {
    sedge_bytes salt;
    uint32_t salt_id; /* 7.x */
    uint16_t iterations;
    uint16_t length;   /* up to 512 */
    uint8_t algorithm; /* 7.x: SEDGE_SE_MAC_HMAC_*; 0: SHA-1 */
    uint32_t target;
};

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_hkdf(sedge_se *se, uint32_t key,
                                                   const struct sedge_se_hkdf *how, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_pbkdf2(sedge_se *se, uint32_t key,
                                                     const struct sedge_se_pbkdf2 *how, sedge_out *ret);

/* TLS 1.2. Whose random is given; the other is the chip's own. */
enum sedge_se_tls_prf {
    SEDGE_SE_TLS_CLIENT_HELLO = 0x4b,
    SEDGE_SE_TLS_SERVER_HELLO = 0x4c,
    SEDGE_SE_TLS_CLIENT_RANDOM = 0x4d,
    SEDGE_SE_TLS_SERVER_RANDOM = 0x4e,
    SEDGE_SE_TLS_BOTH = 0x5a,
};

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_tls_random(sedge_se *se, uint8_t ret[SEDGE_SE_TLS_RANDOM_LEN]);

/* The pre-master secret into the HMAC object `target`, from a pre-shared key (or 0) and a key pair (or 0). */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_tls_pre_master(sedge_se *se, uint32_t target, uint32_t psk,
                                                             uint32_t pair, sedge_bytes input,
                                                             uint16_t client_version);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_tls_prf(sedge_se *se, uint32_t key, enum sedge_se_tls_prf kind,
                                                      uint8_t digest, sedge_bytes label, sedge_bytes random,
                                                      uint16_t length, sedge_out *ret);

#ifdef __cplusplus
}
#endif
#endif
