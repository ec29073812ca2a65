/* Signing and verifying. PKCS#11 v2.40 §5.11, §5.12. */
#include "pkcs11/entry.h"
#include "pkcs11/sign.h"
#include "pkcs11/verify.h"

CK_RV C_SignInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    ENTER(h);
    return p11_sign_init(c.m, c.s, mech, key);
}

CK_RV C_Sign(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_n)
{
    ENTER(h);
    if (!bytes_ok(data, n) || !sig_n)
        return bad_args(&c, P11_OP_SIGN);
    return p11_sign(c.m, c.s, slice_of(data, n), sig, sig_n);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n)
{
    ENTER(h);
    return bytes_ok(data, n) ? p11_sign_update(c.s, slice_of(data, n)) : bad_args(&c, P11_OP_SIGN);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE h, CK_BYTE *sig, CK_ULONG *sig_n)
{
    ENTER(h);
    return sig_n ? p11_sign_final(c.m, c.s, sig, sig_n) : bad_args(&c, P11_OP_SIGN);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    ENTER(h);
    return p11_verify_init(c.m, c.s, mech, key);
}

CK_RV C_Verify(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG sig_n)
{
    ENTER(h);
    if (!bytes_ok(data, n) || !bytes_ok(sig, sig_n))
        return bad_args(&c, P11_OP_VERIFY);
    return p11_verify(c.m, c.s, slice_of(data, n), slice_of(sig, sig_n));
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n)
{
    ENTER(h);
    return bytes_ok(data, n) ? p11_verify_update(c.s, slice_of(data, n)) : bad_args(&c, P11_OP_VERIFY);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE h, CK_BYTE *sig, CK_ULONG sig_n)
{
    ENTER(h);
    return bytes_ok(sig, sig_n) ? p11_verify_final(c.m, c.s, slice_of(sig, sig_n))
                                : bad_args(&c, P11_OP_VERIFY);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return p11_refuse(h);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_n)
{
    return p11_refuse(h);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return p11_refuse(h);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE h, CK_BYTE *sig, CK_ULONG sig_n, CK_BYTE *data, CK_ULONG *n)
{
    return p11_refuse(h);
}
