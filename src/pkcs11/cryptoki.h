/* src/pkcs11/cryptoki.h - the types and constants of PKCS#11 v2.40, and what its header lacks.
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

/* PKCS#11 v3.0 §5.2: how C_GetInterface names a function list. */
typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;
