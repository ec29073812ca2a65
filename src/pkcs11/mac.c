#include "pkcs11/mac.h"

#include "base/mem.h"
#include "pkcs11/keyop.h"

static const struct {
    CK_MECHANISM_TYPE hash;
    uint8_t chip;
} hmacs[] = {
    { CKM_SHA_1, SE_MAC_HMAC_SHA1 },
    { CKM_SHA256, SE_MAC_HMAC_SHA256 },
    { CKM_SHA384, SE_MAC_HMAC_SHA384 },
    { CKM_SHA512, SE_MAC_HMAC_SHA512 },
};

/* The chip's name of it; false when it has none. */
static bool chips_algorithm(const struct p11_mech *mech, uint8_t *ret)
{
    if (mech->scheme == P11_AES_CMAC) {
        *ret = SE_MAC_CMAC_128;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(hmacs); i++) {
        if (hmacs[i].hash == mech->hash->ckm) {
            *ret = hmacs[i].chip;
            return true;
        }
    }
    return false;
}

bool p11_mac_in_chip(const struct p11_mech *mech)
{
    uint8_t algorithm = 0;
    return chips_algorithm(mech, &algorithm);
}

static err_t in_chip(struct se_chip *chip, const struct p11_work *w)
{
    uint8_t algorithm = 0;

    if (!chips_algorithm(w->mech, &algorithm))
        return ERR_UNSUPPORTED;
    return ERR_UNSUPPORTED;
}

static err_t here(struct p11_ossl *o, const struct p11_work *w)
{
    struct slice key = buf_slice(&w->key->value);

    if (w->mech->scheme == P11_AES_CMAC)
        return p11_ossl_cmac(o, key, w->in, w->out);
    return p11_ossl_hmac(o, w->mech->hash, key, w->in, w->out);
}

static const struct p11_worker mac_worker = { in_chip, here };

CK_RV p11_mac_make(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    struct p11_work w = p11_work_of(op, in, out);
    return p11_work_do(m, op, &mac_worker, &w);
}

CK_RV p11_mac_check(struct p11_module *m, const struct p11_op *op, struct slice in, struct slice mac)
{
    autobuf right = BUF_SECRET(P11_HASH_MAX);
    CK_RV rv = p11_mac_make(m, op, in, &right);

    if (rv != CKR_OK)
        return rv;
    return right.n == mac.n && mem_eq_ct(right.p, mac.p, mac.n) ? CKR_OK : CKR_SIGNATURE_INVALID;
}
