/* src/pkcs11/keyop.h - what C_SignInit, C_VerifyInit, C_EncryptInit and C_DecryptInit have in common.
 * Called with the session's lock held. No I/O.
 */
#pragma once
#include "pkcs11/module.h"

/* Find the mechanism for `flag` (CKF_SIGN ...), judge its parameter, find the key of `class`, see that
 * they fit, start the operation. CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT,
 * CKR_KEY_FUNCTION_NOT_PERMITTED (the other half of the pair), CKR_USER_NOT_LOGGED_IN. */
CK_RV p11_keyop_init(struct p11_module *m, struct p11_op *op, CK_FLAGS flag, CK_OBJECT_CLASS class,
                     const CK_MECHANISM *mech, CK_OBJECT_HANDLE handle);

/* One private operation: the chip's answer for `in` is put in out. */
typedef err_t (*p11_keyop_fn)(struct se_chip *chip, const struct p11_key *key, struct slice in,
                              struct buf *out);
/* CKR_USER_NOT_LOGGED_IN when the user has logged out since Init. */
CK_RV p11_keyop_private(struct p11_module *m, const struct p11_key *key, p11_keyop_fn fn, struct slice in,
                        struct buf *out);
/* The bare RSA operation, as one of those. */
err_t p11_keyop_rsa_raw(struct se_chip *chip, const struct p11_key *key, struct slice in, struct buf *out);

/* Give `bytes` to the caller by the convention of §5.2: NULL asks for the length, too short a buffer is
 * CKR_BUFFER_TOO_SMALL with the length. */
CK_RV p11_give(struct slice bytes, CK_BYTE *out, CK_ULONG *out_len);
/* The first half of that, for a known length: true when the caller must be answered with *ret_rv now. */
bool p11_only_length(CK_ULONG len, const CK_BYTE *out, CK_ULONG *out_len, CK_RV *ret_rv);
/* Left-pad with zeros to n bytes for the bare RSA operation. CKR_DATA_LEN_RANGE when longer. */
CK_RV p11_left_pad(struct slice in, size_t n, uint8_t *out);
