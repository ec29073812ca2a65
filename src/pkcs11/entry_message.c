/* The message functions of 3.0: there, and refused; their one-message kin of 2.40 do the work.
 * PKCS#11 v3.0 §5.10, §5.12, §5.15, §5.17. Without an Init there is nothing to go on with. */
#include "pkcs11/entry.h"

static CK_RV no_message(CK_SESSION_HANDLE h)
{
    ENTER(h);
    return CKR_OPERATION_NOT_INITIALIZED;
}

#define INIT(name)                                                            \
    CK_RV name(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key) \
    {                                                                         \
        return p11_refuse(h);                                                 \
    }
#define CRYPT(name)                                                                              \
    CK_RV name(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *aad, CK_ULONG aad_n, \
               CK_BYTE *in, CK_ULONG in_n, CK_BYTE *out, CK_ULONG *out_n)                        \
    {                                                                                            \
        return no_message(h);                                                                    \
    }
#define CRYPT_BEGIN(name)                                                                        \
    CK_RV name(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *aad, CK_ULONG aad_n) \
    {                                                                                            \
        return no_message(h);                                                                    \
    }
#define CRYPT_NEXT(name)                                                                                     \
    CK_RV name(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *in, CK_ULONG in_n, CK_BYTE *out, \
               CK_ULONG *out_n, CK_FLAGS flags)                                                              \
    {                                                                                                        \
        return no_message(h);                                                                                \
    }
#define SIGN(name)                                                                                 \
    CK_RV name(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *data, CK_ULONG data_n, \
               CK_BYTE *sig, CK_ULONG *sig_n)                                                      \
    {                                                                                              \
        return no_message(h);                                                                      \
    }
#define BEGIN(name)                                                \
    CK_RV name(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n) \
    {                                                              \
        return no_message(h);                                      \
    }
#define VERIFY(name)                                                                               \
    CK_RV name(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *data, CK_ULONG data_n, \
               CK_BYTE *sig, CK_ULONG sig_n)                                                       \
    {                                                                                              \
        return no_message(h);                                                                      \
    }
#define FINAL(name)                 \
    CK_RV name(CK_SESSION_HANDLE h) \
    {                               \
        return no_message(h);       \
    }

INIT(C_MessageEncryptInit)
CRYPT(C_EncryptMessage)
CRYPT_BEGIN(C_EncryptMessageBegin)
CRYPT_NEXT(C_EncryptMessageNext)
FINAL(C_MessageEncryptFinal)
INIT(C_MessageDecryptInit)
CRYPT(C_DecryptMessage)
CRYPT_BEGIN(C_DecryptMessageBegin)
CRYPT_NEXT(C_DecryptMessageNext)
FINAL(C_MessageDecryptFinal)
INIT(C_MessageSignInit)
SIGN(C_SignMessage)
BEGIN(C_SignMessageBegin)
SIGN(C_SignMessageNext)
FINAL(C_MessageSignFinal)
INIT(C_MessageVerifyInit)
VERIFY(C_VerifyMessage)
BEGIN(C_VerifyMessageBegin)
VERIFY(C_VerifyMessageNext)
FINAL(C_MessageVerifyFinal)
