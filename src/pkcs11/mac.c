#include "pkcs11/mac.h"

#include "base/mem.h"
#include "pkcs11/keyop.h"
#include "se/mac.h"
#include "se/object.h"

/* A message up to this goes in one command. */
#define ONCE_MAX 800

/* The chip's name of a MAC, and the crypto object for messages longer than a command: NXP's number for it. */
struct chip_mac {
    CK_MECHANISM_TYPE type;
    struct se_crypto_object object;
};

static const struct chip_mac chip_macs[] = {
    { CKM_SHA_1_HMAC, { 21, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA1 } },
    { CKM_SHA256_HMAC, { 22, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA256 } },
    { CKM_SHA384_HMAC, { 23, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA384 } },
    { CKM_SHA512_HMAC, { 24, SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA512 } },
    { CKM_AES_CMAC, { 25, SE_CONTEXT_SIGNATURE, SE_MAC_CMAC_128 } },
};

/* NULL when the chip has none. */
static const struct chip_mac *chip_mac_of(const struct p11_mech *mech)
{
    for (size_t i = 0; i < ARRAY_LEN(chip_macs); i++) {
        if (chip_macs[i].type == mech->type)
            return &chip_macs[i];
    }
    return NULL;
}

bool p11_mac_in_chip(const struct p11_mech *mech)
{
    return chip_mac_of(mech) != NULL;
}

/* Start a long message, up to its end. */
static err_t begin_steps(struct se_chip *chip, const struct p11_work *w, const struct chip_mac *mac,
                         bool check)
{
    err_t e = se_crypto_object_ensure(chip, &mac->object);

    if (!e)
        e = (check ? se_mac_check_init : se_mac_init)(chip, mac->object.id, w->key->id);
    return e ? e : se_mac_update(chip, mac->object.id, w->in);
}

static err_t make_in_chip(struct se_chip *chip, const struct p11_work *w)
{
    const struct chip_mac *mac = chip_mac_of(w->mech);

    if (!mac)
        return ERR_UNSUPPORTED;
    if (w->in.n <= ONCE_MAX)
        return se_mac_once(chip, w->key->id, mac->object.subtype, w->in, w->out);
    err_t e = begin_steps(chip, w, mac, false);
    return e ? e : se_mac_final(chip, mac->object.id, (struct slice){ 0 }, w->out);
}

static err_t make_here(struct p11_ossl *o, const struct p11_work *w)
{
    struct slice key = buf_slice(&w->key->value);

    if (w->mech->scheme == P11_AES_CMAC)
        return p11_ossl_cmac(o, key, w->in, w->out);
    return p11_ossl_hmac(o, w->mech->hash, key, w->in, w->out);
}

/* The chip compares: a key may have the right to verify alone. */
static err_t check_in_chip(struct se_chip *chip, const struct p11_work *w)
{
    const struct chip_mac *mac = chip_mac_of(w->mech);
    bool good = false;
    err_t e = ERR_UNSUPPORTED;

    if (mac && w->in.n <= ONCE_MAX) {
        e = se_mac_check_once(chip, w->key->id, mac->object.subtype, w->in, w->tag, &good);
    } else if (mac) {
        e = begin_steps(chip, w, mac, true);
        if (!e)
            e = se_mac_check_final(chip, mac->object.id, (struct slice){ 0 }, w->tag, &good);
    }
    return e || good ? e : ERR_CORRUPT;
}

static err_t check_here(struct p11_ossl *o, const struct p11_work *w)
{
    autobuf right = BUF_SECRET(P11_HASH_MAX);
    struct p11_work make = *w;

    make.out = &right;
    err_t e = make_here(o, &make);
    if (e)
        return e;
    return right.n == w->tag.n && mem_eq_ct(right.p, w->tag.p, right.n) ? ERR_OK : ERR_CORRUPT;
}

static const struct p11_worker maker = { make_in_chip, make_here };
static const struct p11_worker checker = { check_in_chip, check_here };

CK_RV p11_mac_make(struct p11_module *m, const struct p11_op *op, struct slice in, struct buf *out)
{
    struct p11_work w = p11_work_of(op, in, out);
    return p11_work_do(m, op, &maker, &w);
}

CK_RV p11_mac_check(struct p11_module *m, const struct p11_op *op, struct slice in, struct slice mac)
{
    autobuf nothing = BUF_INIT(0);
    struct p11_work w = p11_work_of(op, in, &nothing);

    w.tag = mac;
    CK_RV rv = p11_work_do(m, op, &checker, &w);
    return rv == CKR_ENCRYPTED_DATA_INVALID ? CKR_SIGNATURE_INVALID : rv;
}
