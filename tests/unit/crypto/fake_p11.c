/* A PKCS#11 module that says what it is told to: enough of one for crypto/token_probe.c. */
#include "fake_p11.h"

#include <string.h>

__attribute__((visibility("default"))) struct fake_p11 fake_p11;

static CK_RV initialize(void *args)
{
    (void)args;
    fake_p11.initialized += fake_p11.initialize_rv == CKR_OK;
    return fake_p11.initialize_rv;
}

static CK_RV finalize(void *reserved)
{
    (void)reserved;
    fake_p11.initialized--;
    return CKR_OK;
}

static CK_RV get_slot_list(unsigned char present, CK_SLOT_ID *list, CK_ULONG *n)
{
    (void)present;
    if (!fake_p11.initialized)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    for (CK_ULONG i = 0; i < fake_p11.slots; i++)
        list[i] = i;
    *n = fake_p11.slots;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    memset(info, ' ', sizeof(*info));
    memcpy(info->label, fake_p11.label[slot], strlen(fake_p11.label[slot]));
    info->flags = fake_p11.flags[slot];
    return fake_p11.token_rv[slot];
}

static CK_FUNCTION_LIST table = { .version = { 2, 40 },
                                  .C_Initialize = initialize,
                                  .C_Finalize = finalize,
                                  .C_GetSlotList = get_slot_list,
                                  .C_GetTokenInfo = get_token_info };

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
    *ret = &table;
    return CKR_OK;
}
