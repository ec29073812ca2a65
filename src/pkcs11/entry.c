/* The tables that carry the Cryptoki functions, and the three functions that give the tables out.
 * PKCS#11 v2.40 §5.4, v3.0 §5.4. The functions themselves: entry.h says where. */
#include "pkcs11/entry.h"

#include <string.h>

#define VISIBLE __attribute__((visibility("default")))

/* Not C_GetFunctionList itself: a program may bring a function of that name, and the loader would put
 * that one into our tables. The same holds for the other two. */
static CK_RV get_function_list(CK_FUNCTION_LIST **list);
static CK_RV get_interface_list(CK_INTERFACE *list, CK_ULONG *count);
static CK_RV get_interface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags);

#define ROW(name) .C_##name = C_##name,
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"

/* 2.40 whatever else comes: the device SDK refuses any other major, and minors below 20. */
static CK_FUNCTION_LIST functions_2_40 = {
    .version = { 2, 40 },
    P11_FUNCTIONS_2_40(ROW).C_GetFunctionList = get_function_list,
};

static CK_FUNCTION_LIST_3_0 functions_3_0 = {
    .version = { 3, 0 },
    P11_FUNCTIONS_2_40(ROW) P11_FUNCTIONS_3_0(ROW).C_GetFunctionList = get_function_list,
    .C_GetInterfaceList = get_interface_list,
    .C_GetInterface = get_interface,
    .C_GetInfo = p11_get_info_3_0,
};
#pragma GCC diagnostic pop

static CK_UTF8CHAR interface_name[] = "PKCS 11";
/* The first is the default one. */
static CK_INTERFACE interfaces[] = {
    { interface_name, &functions_3_0, 0 },
    { interface_name, &functions_2_40, 0 },
};

static CK_RV get_function_list(CK_FUNCTION_LIST **list)
{
    if (!list)
        return CKR_ARGUMENTS_BAD;
    *list = &functions_2_40;
    return CKR_OK;
}

static CK_RV get_interface_list(CK_INTERFACE *list, CK_ULONG *count)
{
    if (!count)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = ARRAY_LEN(interfaces);
    if (!list)
        return CKR_OK;
    if (room < ARRAY_LEN(interfaces))
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

/* Every list starts with its version. */
static bool is_version(const CK_INTERFACE *i, const CK_VERSION *wanted)
{
    const CK_VERSION *has = i->pFunctionList;
    return has->major == wanted->major && has->minor == wanted->minor;
}

static CK_RV get_interface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    if (!interface)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < ARRAY_LEN(interfaces); i++) {
        if ((name && strcmp((const char *)name, (const char *)interface_name) != 0) ||
            (version && !is_version(&interfaces[i], version)) || (flags & ~interfaces[i].flags))
            continue;
        *interface = &interfaces[i];
        return CKR_OK;
    }
    return CKR_FUNCTION_FAILED;
}

VISIBLE CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    return get_function_list(list);
}

VISIBLE CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    return get_interface_list(list, count);
}

VISIBLE CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    return get_interface(name, version, interface, flags);
}
