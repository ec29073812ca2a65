/* src/pkcs11/param.h - the parameters of mechanisms, judged and copied.
 *
 * Pure; any thread. The caller's structures are read once, here: what they point to may be gone when the
 * operation runs. PKCS#11 v2.40 mechanisms §2.1.7 (OAEP), §2.1.10 (PSS), §2.3.8 (ECDH), §2.11 ff. (AES).
 */
#pragma once
#include "base/buf.h"
#include "pkcs11/mech.h"
#include "pkcs11/pad.h"

#define P11_BLOCK 16 /* of AES */

/* Longest additional data of GCM and label of OAEP: it is all kept until the operation runs. */
#define P11_EXTRA_MAX 65536
#define P11_GCM_IV_MAX 64 /* the chip's */

struct p11_params {
    struct p11_pss pss;   /* P11_RSA_PSS */
    struct p11_oaep oaep; /* P11_RSA_OAEP; its label in `extra` */
    uint8_t iv[P11_GCM_IV_MAX];
    size_t iv_len;
    size_t counter_bits; /* P11_AES_CTR: how much of iv counts */
    size_t tag_len;      /* P11_AES_GCM */
    struct buf extra;
};

/* Read the parameter of a mechanism. CKR_MECHANISM_PARAM_INVALID: missing, of a wrong size, unknown or
 * unfitting hashes, or given where none belongs. CKR_HOST_MEMORY. The caller ends with p11_params_done. */
CK_RV p11_params_read(const struct p11_mech *m, const CK_MECHANISM *given, struct p11_params *ret);
void p11_params_done(struct p11_params *p);

/* CKM_ECDH1_DERIVE's. Slices point to the caller's memory: derivation is a single call. */
struct p11_ecdh {
    const struct p11_hash *kdf; /* NULL: CKD_NULL */
    struct slice shared, public;
};
CK_RV p11_params_ecdh(const CK_MECHANISM *given, struct p11_ecdh *ret);
