/* src/pkcs11/cryptoki.h - the types and constants of PKCS#11: p11-kit's header for v2.40, and here what
 * that lacks of v3.0.
 *
 * p11-kit's header is used for its declarations only; nothing of p11-kit is linked. In its
 * compatibility form it leaves some lower-case macros behind, which are taken away here.
 */
#pragma once
#include <p11-kit/pkcs11.h>

#undef hash_alg
#undef s_len
#undef source_data
#undef source_data_len
#undef counter_bits
#undef iv_ptr
#undef iv_len
#undef iv_bits
#undef aad_ptr
#undef aad_len
#undef tag_bits
#undef shared_data
#undef shared_data_len
#undef public_data
#undef public_data_len
#undef string_data
#undef string_data_len
#undef data_params

/* PKCS#11 v3.0 §3 and §5. Names are the standard's. */
#ifndef CKO_PROFILE
#define CKO_PROFILE 9UL
#define CKA_PROFILE_ID 0x601UL
#endif
#define CKP_BASELINE_PROVIDER 1UL
#define CKP_EXTENDED_PROVIDER 2UL
#define CKP_AUTHENTICATION_TOKEN 3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 4UL

#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 4UL
#endif
#ifndef CKK_EC_MONTGOMERY
#define CKK_EC_MONTGOMERY 0x41UL
#endif
#ifndef CKM_EC_MONTGOMERY_KEY_PAIR_GEN
#define CKM_EC_MONTGOMERY_KEY_PAIR_GEN 0x1056UL
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif

#define CKF_MESSAGE_ENCRYPT 0x2UL
#define CKF_MESSAGE_DECRYPT 0x4UL
#define CKF_MESSAGE_SIGN 0x8UL
#define CKF_MESSAGE_VERIFY 0x10UL
#define CKF_FIND_OBJECTS 0x40UL

typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count);
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags);
CK_RV C_LoginUser(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_n, CK_UTF8CHAR *name,
                  CK_ULONG name_n);
CK_RV C_SessionCancel(CK_SESSION_HANDLE h, CK_FLAGS flags);

/* The message functions have few shapes; §5.10, §5.12, §5.15, §5.17. */
typedef CK_RV p11_message_init(CK_SESSION_HANDLE h, CK_MECHANISM *mech, CK_OBJECT_HANDLE key);
typedef CK_RV p11_message_crypt(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *aad,
                                CK_ULONG aad_n, CK_BYTE *in, CK_ULONG in_n, CK_BYTE *out, CK_ULONG *out_n);
typedef CK_RV p11_message_crypt_begin(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *aad,
                                      CK_ULONG aad_n);
typedef CK_RV p11_message_crypt_next(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *in,
                                     CK_ULONG in_n, CK_BYTE *out, CK_ULONG *out_n, CK_FLAGS flags);
typedef CK_RV p11_message_sign(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *data,
                               CK_ULONG data_n, CK_BYTE *sig, CK_ULONG *sig_n);
typedef CK_RV p11_message_begin(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n);
typedef CK_RV p11_message_verify(CK_SESSION_HANDLE h, void *param, CK_ULONG param_n, CK_BYTE *data,
                                 CK_ULONG data_n, CK_BYTE *sig, CK_ULONG sig_n);
typedef CK_RV p11_message_final(CK_SESSION_HANDLE h);

p11_message_init C_MessageEncryptInit, C_MessageDecryptInit, C_MessageSignInit, C_MessageVerifyInit;
p11_message_crypt C_EncryptMessage, C_DecryptMessage;
p11_message_crypt_begin C_EncryptMessageBegin, C_DecryptMessageBegin;
p11_message_crypt_next C_EncryptMessageNext, C_DecryptMessageNext;
p11_message_sign C_SignMessage, C_SignMessageNext;
p11_message_begin C_SignMessageBegin, C_VerifyMessageBegin;
p11_message_verify C_VerifyMessage, C_VerifyMessageNext;
p11_message_final C_MessageEncryptFinal, C_MessageDecryptFinal, C_MessageSignFinal, C_MessageVerifyFinal;

/* Every function of v2.40 in the order of both lists (v3.0 Appendix A); X(name) is expanded for each. */
/* clang-format off */
#define P11_FUNCTIONS_2_40(X) \
    X(Initialize) X(Finalize) X(GetInfo) X(GetFunctionList) X(GetSlotList) X(GetSlotInfo) \
    X(GetTokenInfo) X(GetMechanismList) X(GetMechanismInfo) X(InitToken) X(InitPIN) X(SetPIN) \
    X(OpenSession) X(CloseSession) X(CloseAllSessions) X(GetSessionInfo) X(GetOperationState) \
    X(SetOperationState) X(Login) X(Logout) X(CreateObject) X(CopyObject) X(DestroyObject) \
    X(GetObjectSize) X(GetAttributeValue) X(SetAttributeValue) X(FindObjectsInit) X(FindObjects) \
    X(FindObjectsFinal) X(EncryptInit) X(Encrypt) X(EncryptUpdate) X(EncryptFinal) X(DecryptInit) \
    X(Decrypt) X(DecryptUpdate) X(DecryptFinal) X(DigestInit) X(Digest) X(DigestUpdate) X(DigestKey) \
    X(DigestFinal) X(SignInit) X(Sign) X(SignUpdate) X(SignFinal) X(SignRecoverInit) X(SignRecover) \
    X(VerifyInit) X(Verify) X(VerifyUpdate) X(VerifyFinal) X(VerifyRecoverInit) X(VerifyRecover) \
    X(DigestEncryptUpdate) X(DecryptDigestUpdate) X(SignEncryptUpdate) X(DecryptVerifyUpdate) \
    X(GenerateKey) X(GenerateKeyPair) X(WrapKey) X(UnwrapKey) X(DeriveKey) X(SeedRandom) \
    X(GenerateRandom) X(GetFunctionStatus) X(CancelFunction) X(WaitForSlotEvent)
/* clang-format on */

/* What v3.0 adds, in its order. */
/* clang-format off */
#define P11_FUNCTIONS_3_0(X) \
    X(GetInterfaceList) X(GetInterface) X(LoginUser) X(SessionCancel) X(MessageEncryptInit) \
    X(EncryptMessage) X(EncryptMessageBegin) X(EncryptMessageNext) X(MessageEncryptFinal) \
    X(MessageDecryptInit) X(DecryptMessage) X(DecryptMessageBegin) X(DecryptMessageNext) \
    X(MessageDecryptFinal) X(MessageSignInit) X(SignMessage) X(SignMessageBegin) X(SignMessageNext) \
    X(MessageSignFinal) X(MessageVerifyInit) X(VerifyMessage) X(VerifyMessageBegin) X(VerifyMessageNext) \
    X(MessageVerifyFinal)
/* clang-format on */

typedef struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
#define P11_MEMBER(name) __typeof__(&C_##name) C_##name;
    P11_FUNCTIONS_2_40(P11_MEMBER)
    P11_FUNCTIONS_3_0(P11_MEMBER)
#undef P11_MEMBER
} CK_FUNCTION_LIST_3_0;
