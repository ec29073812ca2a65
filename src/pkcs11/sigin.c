#include "pkcs11/sigin.h"

bool p11_sig_is_mac(const struct p11_op *op)
{
    return op->mech.scheme == P11_HMAC || op->mech.scheme == P11_AES_CMAC;
}

size_t p11_sig_len(const struct p11_op *op)
{
    switch (op->mech.scheme) {
    case P11_ECDSA:
        return p11_key_ecdsa_len(op->key);
    case P11_EDDSA:
        return 2 * (size_t)op->key->curve->public_len;
    case P11_AES_CMAC:
        return P11_BLOCK;
    case P11_HMAC:
        return op->mech.hash->len;
    default:
        return p11_key_modulus_len(op->key);
    }
}

/* PKCS#11 mechanisms §2.3.6. */
struct slice p11_sig_cut(const struct p11_key *key, struct slice digest)
{
    return slice_head(digest, key->curve->private_len);
}

CK_RV p11_sig_info(const struct p11_op *op, struct slice in, uint8_t *scratch, struct slice *ret)
{
    const struct p11_hash *hash = op->mech.hash;

    if (in.n > p11_key_modulus_len(op->key) - 11)
        return CKR_DATA_LEN_RANGE;
    if (!hash) {
        *ret = in;
        return CKR_OK;
    }
    memcpy(scratch, hash->prefix, hash->prefix_len);
    memcpy(scratch + hash->prefix_len, in.p, in.n);
    *ret = slice_of(scratch, hash->prefix_len + in.n);
    return CKR_OK;
}
