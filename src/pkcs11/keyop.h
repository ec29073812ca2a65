/* src/pkcs11/keyop.h - what all operations on a key have in common: finding and judging it at Init, and
 * running one piece of work on it, in the chip or, for the keys of sessions, in OpenSSL.
 * Called with the session's lock held. p11_work_do is blocking I/O when the key is in the chip.
 */
#pragma once
#include "pkcs11/module.h"

/* A key that may be used for `flag` (CKF_SIGN ...) of the mechanism; *ret is referenced. Its class follows
 * from the two. CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,
 * CKR_KEY_FUNCTION_NOT_PERMITTED (the other half of the pair, or its attribute says no),
 * CKR_USER_NOT_LOGGED_IN. */
CK_RV p11_keyop_find(struct p11_module *m, CK_FLAGS flag, const struct p11_mech *mech,
                     CK_OBJECT_HANDLE handle, struct p11_object **ret);

/* C_SignInit and its kin: find the mechanism for `flag`, judge its parameter, find the key, see that they
 * fit, start the operation. Besides the above CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID. */
CK_RV p11_keyop_init(struct p11_module *m, struct p11_op *op, CK_FLAGS flag, const CK_MECHANISM *mech,
                     CK_OBJECT_HANDLE handle);

/* One piece of work: `in` becomes what is appended to out. */
struct p11_work {
    const struct p11_key *key;
    const struct p11_mech *mech;
    const struct p11_params *params;
    struct slice in;
    bool encrypt;      /* ciphers */
    const uint8_t *iv; /* ciphers: of this piece; NULL for ECB */
    struct slice tag;  /* GCM, MACs: to be checked */
    struct buf *out;
};

/* Who does it. */
struct p11_worker {
    err_t (*chip)(struct se_chip *chip, const struct p11_work *w);
    err_t (*soft)(struct p11_ossl *o, const struct p11_work *w);
};

/* The work of an operation as it stands, with all of `in`. */
struct p11_work p11_work_of(const struct p11_op *op, struct slice in, struct buf *out);
/* CKR_USER_NOT_LOGGED_IN when the user has logged out since Init, CKR_ENCRYPTED_DATA_INVALID when the worker
 * found the tag wrong (ERR_CORRUPT). out is as before when it fails. */
CK_RV p11_work_do(struct p11_module *m, const struct p11_op *op, const struct p11_worker *who,
                  const struct p11_work *w);

/* The bare RSA operation with the private key; `in` is as long as the modulus. */
extern const struct p11_worker p11_rsa_worker;

/* Give `bytes` to the caller by the convention of §5.2: NULL asks for the length, too short a buffer is
 * CKR_BUFFER_TOO_SMALL with the length. */
CK_RV p11_give(struct slice bytes, CK_BYTE *out, CK_ULONG *out_len);
/* The first half of that, for a known length: true when the caller must be answered with *ret_rv now. */
bool p11_only_length(CK_ULONG len, const CK_BYTE *out, CK_ULONG *out_len, CK_RV *ret_rv);
/* Left-pad with zeros to n bytes for the bare RSA operation. CKR_DATA_LEN_RANGE when longer. */
CK_RV p11_left_pad(struct slice in, size_t n, uint8_t *out);
