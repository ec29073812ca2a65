/* src/pkcs11/sigin.h - what signing and verifying share: lengths, and what is put under the signature.
 * Pure; any thread. */
#pragma once
#include "pkcs11/op.h"

/* Room for a DigestInfo. */
#define P11_INFO_MAX (32 + P11_HASH_MAX)

/* Length of a signature or MAC. */
size_t p11_sig_len(const struct p11_op *op);
/* ECDSA: of a digest longer than the group order only the leftmost bytes count. */
struct slice p11_sig_cut(const struct p11_key *key, struct slice digest);
/* PKCS#1 v1.5: DigestInfo of the digest made here, or what the caller gave. *ret points into scratch
 * (P11_INFO_MAX bytes) or is `in`. CKR_DATA_LEN_RANGE. */
CK_RV p11_sig_info(const struct p11_op *op, struct slice in, uint8_t *scratch, struct slice *ret);
/* Does one of the secret-key schemes make it? */
bool p11_sig_is_mac(const struct p11_op *op);
