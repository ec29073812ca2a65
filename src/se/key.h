/* src/se/key.h - EC and RSA keys in the chip: import, generate, read the public part, use.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. Each call is one sequence.
 * Imports: private values are borrowed for the call and every buffer of this room that held them is
 * wiped before it returns; wiping the caller's copy is the caller's work. No OpenSSL in here.
 * Integers are big endian, without sign byte; leading zeros are accepted.
 * AN12413: WriteECKey, WriteRSAKey, ReadObject, ReadRSA, GetECCurveId, ECDSASign, RSADecrypt, RSAEncrypt.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"
#include "se/curve.h"
#include "se/write.h"

/* ---- EC ---------------------------------------------------------------------------------------
 * Points are uncompressed 04 x y on Weierstrass curves; Ed25519, X25519 and X448 keys are as in RFC 8032 and
 * 7748 (the wire's byte orders stay in here); an Ed25519 private value is the seed. The curve is created on
 * the chip first when it is not there yet (se_curve_ensure). Writing over an existing key of the same type
 * and curve replaces its value; anything else in the way is ERR_EXISTS (delete it first). */
err_t se_ec_write_pair(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice scalar,
                       struct slice point, const struct se_write *how);
err_t se_ec_write_private(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice scalar,
                          const struct se_write *how);
err_t se_ec_write_public(struct se_chip *chip, uint32_t id, uint8_t curve, struct slice point,
                         const struct se_write *how);
/* Make a pair in the chip: its private part never leaves. */
err_t se_ec_generate(struct se_chip *chip, uint32_t id, uint8_t curve, const struct se_write *how);
/* Append the public point; ERR_DENIED for a private-only object. */
err_t se_ec_public(struct se_chip *chip, uint32_t id, struct buf *out);
err_t se_ec_curve(struct se_chip *chip, uint32_t id, uint8_t *ret_curve); /* SE_CURVE_* */

/* Sign a digest, already hashed (1..64 bytes). Appends a DER ECDSA signature, checked to be well
 * formed with r and s in range of the wire's limits. Raw r||s: se_sig_der_to_raw (se/sig.h). */
err_t se_ec_sign(struct se_chip *chip, uint32_t id, struct slice digest, struct buf *out_der);
/* Verify in the chip. A wrong signature is *ret_good = false, not an error. */
err_t se_ec_verify(struct se_chip *chip, uint32_t id, struct slice digest, struct slice der, bool *ret_good);

/* Ed25519 (RFC 8032, pure) over the message, as long as an APDU takes: about 800 bytes (ERR_TOO_BIG). */
#define SE_ED_SIGNATURE_LEN 64
err_t se_ed_sign(struct se_chip *chip, uint32_t id, struct slice message, uint8_t ret[SE_ED_SIGNATURE_LEN]);
err_t se_ed_verify(struct se_chip *chip, uint32_t id, struct slice message,
                   const uint8_t signature[SE_ED_SIGNATURE_LEN], bool *ret_good);

/* ECDAA with a key on TPM_ECC_BN_P256: 32 bytes of digest, 32 of randomness. */
err_t se_ec_sign_ecdaa(struct se_chip *chip, uint32_t id, struct slice digest, struct slice random,
                       struct buf *out);
/* Key agreement: se/agree.h. */

/* ---- RSA --------------------------------------------------------------------------------------
 * 512, 1024, 1152, 2048, 3072, 4096 bits (ERR_UNSUPPORTED otherwise; some applets import 512 only). */
struct se_rsa_pair {
    struct slice n, e, p, q, dp, dq, qinv;
    struct slice d; /* instead of p, q, dp, dq, qinv: a key in plain form */
};
/* Import component by component; an object left incomplete by a failure is deleted, when this call created
 * it. With p a CRT pair (p, q, dp, dq, qinv, e, n), else a plain one (n, e, d). ERR_INVALID: a part is
 * missing. */
err_t se_rsa_write_pair(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key,
                        const struct se_write *how);
/* The private half alone: p, q, dp, dq, qinv, or n, e, d. It has no public part to read. */
err_t se_rsa_write_private(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key,
                           const struct se_write *how);
err_t se_rsa_write_public(struct se_chip *chip, uint32_t id, struct slice n, struct slice e,
                          const struct se_write *how);
/* Make a pair in the chip, e = 65537; CRT form, or plain. */
err_t se_rsa_generate(struct se_chip *chip, uint32_t id, size_t bits, const struct se_write *how);
err_t se_rsa_generate_plain(struct se_chip *chip, uint32_t id, size_t bits, const struct se_write *how);
/* Append modulus and exponent without leading zeros. */
err_t se_rsa_public(struct se_chip *chip, uint32_t id, struct buf *out_n, struct buf *out_e);

/* Raw operations: `in` is exactly as long as the modulus (ERR_INVALID otherwise), out grows by as
 * much. The private one is RSADecrypt without padding (the host pads), the public one RSAEncrypt. */
err_t se_rsa_private_raw(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out);
err_t se_rsa_public_raw(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out);
/* PKCS#1 v1.5 (RFC 8017 9.2): `info` is the DER DigestInfo, or any CKM_RSA_PKCS input; padded here
 * to the modulus, of `modulus_len` bytes. ERR_TOO_BIG when info.n > modulus_len - 11. */
err_t se_rsa_sign_pkcs1(struct se_chip *chip, uint32_t id, size_t modulus_len, struct slice info,
                        struct buf *out);
/* RSADecrypt with PKCS#1 v1.5 unpadding in the chip. ERR_INVALID for every malformed ciphertext. */
err_t se_rsa_decrypt_pkcs1(struct se_chip *chip, uint32_t id, struct slice in, struct buf *out);

/* Padded by the chip. algorithm SE_RSA_NO_PAD, SE_RSA_PKCS1, SE_RSA_OAEP_SHA1. */
err_t se_rsa_encrypt(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice in, struct buf *out);
err_t se_rsa_decrypt(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice in, struct buf *out);
/* The chip hashes the message, too (unlike ECDSA), so it is limited by the APDU: about 800 bytes (3.x) less
 * the signature. algorithm SE_RSA_PSS_SHA*, SE_RSA_PKCS1_SHA*. */
err_t se_rsa_sign(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice message,
                  struct buf *out);
err_t se_rsa_verify(struct se_chip *chip, uint32_t id, uint8_t algorithm, struct slice message,
                    struct slice signature, bool *ret_good);
