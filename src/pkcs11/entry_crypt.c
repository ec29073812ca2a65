/* Encrypting, decrypting, digests, and the functions that would do two at once. PKCS#11 v2.40 §5.8 to §5.10,
 * §5.12. */
#include "pkcs11/crypt.h"
#include "pkcs11/digest.h"
#include "pkcs11/entry.h"

static CK_RV crypt_init(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    ENTER(h);
    return p11_crypt_init(c.m, c.s, kind, mech, key);
}

static CK_RV crypt_whole(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_BYTE *in, CK_ULONG n, CK_BYTE *out,
                         CK_ULONG *out_n)
{
    ENTER(h);
    if (!bytes_ok(in, n) || !out_n)
        return bad_args(&c, kind);
    return p11_crypt(c.m, c.s, kind, slice_of(in, n), out, out_n);
}

static CK_RV crypt_update(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_BYTE *in, CK_ULONG n, CK_BYTE *out,
                          CK_ULONG *out_n)
{
    ENTER(h);
    if (!bytes_ok(in, n) || !out_n)
        return bad_args(&c, kind);
    return p11_crypt_update(c.m, c.s, kind, slice_of(in, n), out, out_n);
}

static CK_RV crypt_final(CK_SESSION_HANDLE h, enum p11_op_kind kind, CK_BYTE *out, CK_ULONG *out_n)
{
    ENTER(h);
    return out_n ? p11_crypt_final(c.m, c.s, kind, out, out_n) : bad_args(&c, kind);
}

CK_RV C_EncryptInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return crypt_init(h, P11_OP_ENCRYPT, mech, key);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_whole(h, P11_OP_ENCRYPT, in, n, out, out_n);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_update(h, P11_OP_ENCRYPT, in, n, out, out_n);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_final(h, P11_OP_ENCRYPT, out, out_n);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
    return crypt_init(h, P11_OP_DECRYPT, mech, key);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_whole(h, P11_OP_DECRYPT, in, n, out, out_n);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_update(h, P11_OP_DECRYPT, in, n, out, out_n);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG *out_n)
{
    return crypt_final(h, P11_OP_DECRYPT, out, out_n);
}

CK_RV C_DigestInit(CK_SESSION_HANDLE h, CK_MECHANISM *mech)
{
    ENTER(h);
    return p11_digest_init(c.m, c.s, mech);
}

CK_RV C_Digest(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    ENTER(h);
    if (!bytes_ok(data, n) || !out_n)
        return bad_args(&c, P11_OP_DIGEST);
    return p11_digest(c.s, slice_of(data, n), out, out_n);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n)
{
    ENTER(h);
    return bytes_ok(data, n) ? p11_digest_update(c.s, slice_of(data, n)) : bad_args(&c, P11_OP_DIGEST);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG *out_n)
{
    ENTER(h);
    return out_n ? p11_digest_final(c.s, out, out_n) : bad_args(&c, P11_OP_DIGEST);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE key)
{
    return p11_refuse(h);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return p11_refuse(h);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return p11_refuse(h);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return p11_refuse(h);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    return p11_refuse(h);
}
