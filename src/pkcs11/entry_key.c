/* Making, wrapping and deriving keys; random numbers. PKCS#11 v2.40 §5.13, §5.14. */
#include "pkcs11/derive.h"
#include "pkcs11/entry.h"
#include "pkcs11/manage.h"
#include "pkcs11/rv.h"
#include "pkcs11/unwrap.h"

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_ATTRIBUTE *public_attrs,
                        CK_ULONG public_n, CK_ATTRIBUTE *private_attrs, CK_ULONG private_n,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    ENTER(h);
    if (!mech || !public_key || !private_key)
        return CKR_ARGUMENTS_BAD;
    return p11_generate_pair(c.m, c.s, mech, (struct p11_template){ public_attrs, public_n },
                             (struct p11_template){ private_attrs, private_n }, public_key, private_key);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_ATTRIBUTE *attrs, CK_ULONG n,
                    CK_OBJECT_HANDLE *key)
{
    ENTER(h);
    if (!mech || !key)
        return CKR_ARGUMENTS_BAD;
    return p11_generate_secret(c.m, c.s, mech, (struct p11_template){ attrs, n }, key);
}

/* The chip gives no key out, and a key that it would give out is none worth keeping in it. */
CK_RV C_WrapKey(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key,
                CK_BYTE *out, CK_ULONG *out_n)
{
    return p11_refuse(h);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_BYTE *in, CK_ULONG in_n,
                  CK_ATTRIBUTE *attrs, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
    ENTER(h);
    if (!mech || !key || !bytes_ok(in, in_n) || !bytes_ok(attrs, n))
        return CKR_ARGUMENTS_BAD;
    return p11_unwrap(c.m, c.s, mech, with, slice_of(in, in_n), (struct p11_template){ attrs, n }, key);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_ATTRIBUTE *attrs,
                  CK_ULONG n, CK_OBJECT_HANDLE *key)
{
    ENTER(h);
    if (!mech || !key || !bytes_ok(attrs, n))
        return CKR_ARGUMENTS_BAD;
    return p11_derive(c.m, c.s, mech, base, (struct p11_template){ attrs, n }, key);
}

struct random {
    uint8_t *out;
    size_t n;
};

static err_t chip_random(struct se_chip *chip, void *arg)
{
    const struct random *r = arg;
    return se_chip_random(chip, r->out, r->n);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG n)
{
    ENTER(h);
    struct random r = { out, n };
    if (!bytes_ok(out, n))
        return CKR_ARGUMENTS_BAD;
    return n ? p11_rv_from_err(p11_device_do(c.m->device, chip_random, &r)) : CKR_OK;
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE h, CK_BYTE *seed, CK_ULONG n)
{
    ENTER(h);
    return CKR_RANDOM_SEED_NOT_SUPPORTED;
}
