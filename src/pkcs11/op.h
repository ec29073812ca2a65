/* src/pkcs11/op.h - one running operation of a session: sign, verify, encrypt, decrypt or digest.
 *
 * Under the session's lock. The rules that are alike for all five (PKCS#11 v2.40 §5.2, §5.8 to §5.12):
 * a second Init is CKR_OPERATION_ACTIVE, no Init is CKR_OPERATION_NOT_INITIALIZED, a one-shot call after
 * an Update is CKR_OPERATION_ACTIVE; whatever fails ends the operation, except a length query and
 * CKR_BUFFER_TOO_SMALL.
 */
#pragma once
#include "pkcs11/key.h"
#include "pkcs11/param.h"

enum p11_op_kind {
    P11_OP_SIGN,
    P11_OP_VERIFY,
    P11_OP_ENCRYPT,
    P11_OP_DECRYPT,
    P11_OP_DIGEST,
    P11_OP_KINDS,
};

struct p11_op {
    bool active;
    bool updated; /* data came in pieces */
    struct p11_mech mech;
    struct p11_key *key; /* a reference; NULL for digests */
    bool private;        /* the key's object: only while the user is logged in */
    struct p11_params params;
    EVP_MD_CTX *md;  /* when the mechanism hashes */
    struct buf data; /* otherwise: what came in pieces */
};

/* Longest input in pieces of mechanisms that do not hash: a modulus, or an overlong digest for ECDSA; the
 * message of a MAC, of GCM, of EdDSA. */
#define P11_OP_DATA_MAX 1024
#define P11_OP_WHOLE_MAX (1024 * 1024)

/* Begin with this mechanism and key (referenced here; NULL for digests). The checked parameters become the
 * operation's, also when it fails. */
CK_RV p11_op_start(struct p11_op *op, struct p11_ossl *o, const struct p11_mech *mech, struct p11_key *key,
                   struct p11_params *params);
/* End it, wipe what was collected. Fine on one that is not active. */
void p11_op_end(struct p11_op *op);
/* One more piece. CKR_DATA_LEN_RANGE over what may be collected. */
CK_RV p11_op_add(struct p11_op *op, struct slice data);

/* C_SignUpdate, C_VerifyUpdate: the same as a call of its own. A failure ends the operation. */
CK_RV p11_op_update(struct p11_op *op, struct slice data);

/* What the mechanism works on: the digest of everything when it hashes, otherwise the collected bytes.
 * `last` is the data of a one-shot call. *ret points into op or scratch (P11_HASH_MAX bytes). */
CK_RV p11_op_input(struct p11_op *op, struct slice last, uint8_t *scratch, struct slice *ret);
