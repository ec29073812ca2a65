/* Life of the module, slots, mechanism lists. PKCS#11 v2.40 §5.4, §5.5, §5.16. */
#include "pkcs11/entry.h"
#include "pkcs11/slot.h"

CK_RV C_Initialize(void *args)
{
    return p11_module_open(args);
}

CK_RV C_Finalize(void *reserved)
{
    return reserved ? CKR_ARGUMENTS_BAD : p11_module_close();
}

CK_RV C_GetInfo(CK_INFO *info)
{
    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    p11_library_info(info);
    return CKR_OK;
}

CK_RV C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    MODULE_OR_RETURN(m);
    return count ? p11_slot_list(m, present, list, count) : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    MODULE_OR_RETURN(m);
    return info ? p11_slot_info(m, slot, info) : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    MODULE_OR_RETURN(m);
    return info ? p11_token_info(m, slot, info) : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    return count ? p11_mech_list(list, count) : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    struct p11_mech mech;

    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (slot != P11_SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = p11_mech_find(type, 0, &mech);
    if (rv == CKR_OK)
        *info = mech.info;
    return rv;
}

CK_RV p11_get_info_3_0(CK_INFO *info)
{
    CK_RV rv = C_GetInfo(info);
    if (rv == CKR_OK)
        info->cryptokiVersion = (CK_VERSION){ 3, 0 };
    return rv;
}

static CK_RV not_parallel(CK_SESSION_HANDLE h)
{
    ENTER(h);
    return CKR_FUNCTION_NOT_PARALLEL;
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE h)
{
    return not_parallel(h);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE h)
{
    return not_parallel(h);
}

/* The slot's chip is soldered on: there are no events, and nobody to wait for them without a thread. */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    if (!p11_module_get())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!slot || reserved)
        return CKR_ARGUMENTS_BAD;
    return flags & CKF_DONT_BLOCK ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
}
