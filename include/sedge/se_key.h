/* sedge/se_key.h - EC and RSA keys in the chip: make, import, sign, verify, agree.
 */
#ifndef SEDGE_SE_KEY_H
#define SEDGE_SE_KEY_H

#include <sedge/se_object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* EC points are 04 x y; values of Ed25519, X25519 and X448 are as RFC 8032 and 7748 have them. Digests are
 * made by the caller, messages of RSA and Ed25519 are hashed by the chip and must fit into one command (about
 * 800 bytes). A wrong signature is *ret_good = false. */

/* A pair whose private part never leaves the chip. curve: SEDGE_SE_CURVE_*. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_generate_ec(sedge_se *se, uint32_t id, uint8_t curve,
                                                          const struct sedge_se_write *how);

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_ec_pair(sedge_se *se, uint32_t id, uint8_t curve,
                                                            sedge_bytes scalar, sedge_bytes point,
                                                            const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_ec_private(sedge_se *se, uint32_t id, uint8_t curve,
                                                               sedge_bytes scalar,
                                                               const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_ec_public(sedge_se *se, uint32_t id, uint8_t curve,
                                                              sedge_bytes point,
                                                              const struct sedge_se_write *how);

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_ec_public(sedge_se *se, uint32_t id, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_ec_curve(sedge_se *se, uint32_t id, uint8_t *ret_curve);

/* ECDSA over a digest of 1 to 64 bytes; the signature is DER. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_sign_ecdsa(sedge_se *se, uint32_t id, sedge_bytes digest,
                                                         sedge_out *ret_der);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_verify_ecdsa(sedge_se *se, uint32_t id, sedge_bytes digest,
                                                           sedge_bytes der, bool *ret_good);

/* Ed25519 over a message. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_sign_ed25519(sedge_se *se, uint32_t id, sedge_bytes message,
                                                           uint8_t ret[SEDGE_SE_ED_SIGNATURE_LEN]);
SEDGE_API SEDGE_MUST_CHECK sedge_err
sedge_se_verify_ed25519(sedge_se *se, uint32_t id, sedge_bytes message,
                        const uint8_t signature[SEDGE_SE_ED_SIGNATURE_LEN], bool *ret_good);

/* ECDAA with a key on TPM_ECC_BN_P256: 32 bytes of digest, 32 of randomness. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_sign_ecdaa(sedge_se *se, uint32_t id, sedge_bytes digest,
                                                         sedge_bytes random, sedge_out *ret);

/* The shared secret with a public value of the same curve. _into: it stays in the chip as `target` (7.x). */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_agree(sedge_se *se, uint32_t id, uint8_t curve,
                                                    sedge_bytes peer, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_agree_sha1(sedge_se *se, uint32_t id, uint8_t curve,
                                                         sedge_bytes peer, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_agree_into(sedge_se *se, uint32_t id, uint8_t curve,
                                                         sedge_bytes peer, uint32_t target);

/* 7.x: a point (or, when it is empty, the public key object point_id) times the private value. With a
 * target other than 0 the result stays in the chip. algorithm: SEDGE_SE_ECPM_*. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_multiply(sedge_se *se, uint32_t id, uint8_t algorithm,
                                                       sedge_bytes point, uint32_t point_id, uint32_t target,
                                                       sedge_out *ret);

/* p, q, dp, dq, qinv for the CRT form; d for the plain one. Big endian. */
struct sedge_se_rsa {
    sedge_bytes n, e, p, q, dp, dq, qinv, d;
};

/* 512, 1024, 1152, 2048, 3072 or 4096 bits, exponent 65537; in CRT form, or plain. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_generate_rsa(sedge_se *se, uint32_t id, size_t bits,
                                                           const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_generate_rsa_plain(sedge_se *se, uint32_t id, size_t bits,
                                                                 const struct sedge_se_write *how);

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_rsa_pair(sedge_se *se, uint32_t id,
                                                             const struct sedge_se_rsa *key,
                                                             const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_rsa_private(sedge_se *se, uint32_t id,
                                                                const struct sedge_se_rsa *key,
                                                                const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_rsa_public(sedge_se *se, uint32_t id, sedge_bytes n,
                                                               sedge_bytes e,
                                                               const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_rsa_public(sedge_se *se, uint32_t id, sedge_out *ret_n,
                                                         sedge_out *ret_e);

/* Padded and hashed by the chip: SEDGE_SE_RSA_PSS_SHA*, SEDGE_SE_RSA_PKCS1_SHA*. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_sign_rsa(sedge_se *se, uint32_t id, uint8_t algorithm,
                                                       sedge_bytes message, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_verify_rsa(sedge_se *se, uint32_t id, uint8_t algorithm,
                                                         sedge_bytes message, sedge_bytes signature,
                                                         bool *ret_good);

/* SEDGE_SE_RSA_NO_PAD (exactly the modulus' length; the private operation is decrypt), SEDGE_SE_RSA_PKCS1,
 * SEDGE_SE_RSA_OAEP_SHA1. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_encrypt_rsa(sedge_se *se, uint32_t id, uint8_t algorithm,
                                                          sedge_bytes data, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_decrypt_rsa(sedge_se *se, uint32_t id, uint8_t algorithm,
                                                          sedge_bytes data, sedge_out *ret);

/* Weierstrass curves are made in the chip when a key needs them. set[id] tells which are there. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_curve_ensure(sedge_se *se, uint8_t curve);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_curve_list(sedge_se *se,
                                                         bool set[SEDGE_SE_CURVE_WEIERSTRASS_COUNT + 1]);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_curve_delete(sedge_se *se, uint8_t curve);

#ifdef __cplusplus
}
#endif
#endif
