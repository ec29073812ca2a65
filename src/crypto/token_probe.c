#include "crypto/token.h"

#include "base/file.h"

#include <dlfcn.h>
#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <string.h>
#include <sys/stat.h>

err_t crypto_token_module_open(const char *path, void **ret_handle, struct crypto_error *why)
{
    struct stat st;

    if (path[0] != '/')
        return crypto_fail(why, ERR_INVALID, "P11Provider \"%s\" is not an absolute path of a PKCS#11 module",
                           path);
    if (stat(path, &st) != 0)
        return crypto_fail(
            why, errno == ENOENT ? ERR_NOT_FOUND : file_err(errno),
            "cannot open the PKCS#11 module %s: %s; check P11Provider and that its package is installed",
            path, strerror(errno));
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return crypto_fail(why, ERR_UNSUPPORTED, "cannot load the PKCS#11 module %s: %s", path, dlerror());
    if (!dlsym(handle, "C_GetFunctionList")) {
        (void)dlclose(handle);
        return crypto_fail(why, ERR_UNSUPPORTED,
                           "%s is a library but not a PKCS#11 module (no C_GetFunctionList);"
                           " check P11Provider",
                           path);
    }
    *ret_handle = handle;
    return ERR_OK;
}

static const struct {
    CK_RV rv;
    const char *name;
    err_t err;
} codes[] = {
    { CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", ERR_AUTH },
    { CKR_PIN_INVALID, "CKR_PIN_INVALID", ERR_AUTH },
    { CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", ERR_AUTH },
    { CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", ERR_AUTH },
    { CKR_PIN_LOCKED, "CKR_PIN_LOCKED", ERR_AUTH },
    { CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", ERR_AUTH },
    { CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", ERR_UNAVAILABLE },
    { CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", ERR_UNAVAILABLE },
    { CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", ERR_UNAVAILABLE },
    { CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", ERR_UNAVAILABLE },
    { CKR_SESSION_COUNT, "CKR_SESSION_COUNT", ERR_UNAVAILABLE },
    { CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", ERR_UNAVAILABLE },
    { CKR_HOST_MEMORY, "CKR_HOST_MEMORY", ERR_NOMEM },
    { CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", ERR_UNAVAILABLE },
    { CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", ERR_UNAVAILABLE },
    { CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", ERR_UNSUPPORTED },
    { CKR_CANT_LOCK, "CKR_CANT_LOCK", ERR_UNSUPPORTED },
    { CKR_NEED_TO_CREATE_THREADS, "CKR_NEED_TO_CREATE_THREADS", ERR_UNSUPPORTED },
    { CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", ERR_UNSUPPORTED },
};

#define RV_TEXT_MAX 40

static err_t rv_class(CK_RV rv)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].rv == rv)
            return codes[i].err;
    return ERR_CRYPTO;
}

static const char *rv_name(CK_RV rv, char text[RV_TEXT_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].rv == rv)
            return codes[i].name;
    (void)snprintf(text, RV_TEXT_MAX, "CKR_ code 0x%lx", (unsigned long)rv);
    return text;
}

/* What the module says about its slots. */
struct view {
    bool found;        /* a token with the label is there */
    CK_FLAGS flags;    /* of that token */
    CK_RV silent;      /* why some slot's token could not be read; CKR_OK when all could */
    struct buf others; /* the labels there are */
};

static bool label_is(const CK_TOKEN_INFO *info, const char *label)
{
    size_t n = sizeof(info->label);

    while (n && info->label[n - 1] == ' ')
        n--;
    return slice_eq(slice_of(info->label, n), slice_str(label));
}

static void view_slot(struct view *v, CK_FUNCTION_LIST *p11, CK_SLOT_ID slot, const char *label)
{
    CK_TOKEN_INFO info;
    CK_RV rv = p11->C_GetTokenInfo(slot, &info);

    if (rv != CKR_OK) {
        v->silent = rv;
        return;
    }
    if (!(info.flags & CKF_TOKEN_INITIALIZED))
        return;
    if (label_is(&info, label)) {
        v->found = true;
        v->flags = info.flags;
        return;
    }
    struct slice name = slice_of(info.label, sizeof(info.label));
    while (name.n && name.p[name.n - 1] == ' ')
        name.n--;
    (void)buf_printf(&v->others, "%s\"%.*s\"", v->others.n ? ", " : "",
                     SLICE_FMT(name)); /* a list cut short will do */
}

#define SLOTS_MAX 64

/* The engine has initialised the module; where it could not, our own try tells the code. */
static CK_RV view_slots(struct view *v, CK_FUNCTION_LIST *p11, const char *label)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    bool ours = false;
    CK_RV rv = p11->C_GetSlotList(CK_FALSE, slots, &n);

    if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
        rv = p11->C_Initialize(&args);
        ours = rv == CKR_OK;
        n = SLOTS_MAX;
        if (ours)
            rv = p11->C_GetSlotList(CK_FALSE, slots, &n);
    }
    for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++)
        view_slot(v, p11, slots[i], label);
    if (rv == CKR_OK && n == 0)
        v->silent = CKR_TOKEN_NOT_PRESENT;
    if (ours)
        (void)p11->C_Finalize(NULL);
    return rv;
}

static err_t explain_login(const struct crypto_token *token, CK_RV rv, CK_FLAGS flags,
                           struct crypto_error *why)
{
    char text[RV_TEXT_MAX];

    if (rv == CKR_PIN_LOCKED || (flags & CKF_USER_PIN_LOCKED))
        return crypto_fail(
            why, ERR_AUTH,
            "login to the token with slot label \"%s\" failed: CKR_PIN_LOCKED, too many wrong PINs were"
            " tried; unlock it with the security officer's PIN",
            token->slot_label);
    return crypto_fail(why, ERR_AUTH,
                       "login to the token with slot label \"%s\" failed: %s%s; correct slotUserPin%s",
                       token->slot_label, rv_name(rv, text), rv == CKR_PIN_INCORRECT ? ", wrong PIN" : "",
                       flags & CKF_USER_PIN_FINAL_TRY   ? " (one more wrong PIN locks the token)"
                       : flags & CKF_USER_PIN_COUNT_LOW ? " (it was wrong before: few tries are left)"
                                                        : "");
}

static err_t explain_missing_token(const struct view *v, const struct crypto_token *token,
                                   struct crypto_error *why)
{
    char text[RV_TEXT_MAX];

    if (v->silent != CKR_OK)
        return crypto_fail(
            why, ERR_UNAVAILABLE,
            "no answer from a token with slot label \"%s\" through the module %s: %s; check that the chip"
            " is connected and powered",
            token->slot_label, token->module_path, rv_name(v->silent, text));
    return crypto_fail(
        why, ERR_NOT_FOUND, "the module %s has no slot with label \"%s\"; it has %s: correct slotLabel",
        token->module_path, token->slot_label, v->others.n ? buf_str(&v->others) : "no initialised token");
}

static err_t explain(const struct view *v, CK_RV list_rv, CK_RV rv, const struct crypto_p11uri *uri,
                     const struct crypto_token *token, struct crypto_error *why)
{
    char text[RV_TEXT_MAX];

    if (list_rv != CKR_OK)
        return crypto_fail(why, rv_class(list_rv), "the PKCS#11 module %s cannot be initialised: %s",
                           token->module_path, rv_name(list_rv, text));
    if (!v->found)
        return explain_missing_token(v, token, why);
    if (rv_class(rv) == ERR_AUTH || (v->flags & CKF_USER_PIN_LOCKED))
        return explain_login(token, rv, v->flags, why);
    if (rv != CKR_OK && rv != CKR_OBJECT_HANDLE_INVALID)
        return crypto_fail(why, rv_class(rv),
                           "reading the private key \"%s\" of the token with slot label \"%s\" failed: %s",
                           uri->object, token->slot_label, rv_name(rv, text));
    return crypto_fail(
        why, ERR_NOT_FOUND,
        "the token with slot label \"%s\" has no private key with label \"%s\""
        " (CKR_OBJECT_HANDLE_INVALID); list what is there with: pkcs11-tool --module %s -O --login",
        token->slot_label, uri->object, token->module_path);
}

err_t crypto_token_diagnose(void *handle, const struct crypto_p11uri *uri, const struct crypto_token *token,
                            unsigned long rv, struct crypto_error *why)
{
    CK_C_GetFunctionList get_list;
    CK_FUNCTION_LIST *p11 = NULL;
    struct view v = { .others = BUF_INIT(400) };
    void *symbol = dlsym(handle, "C_GetFunctionList");

    memcpy(&get_list, &symbol, sizeof(get_list)); /* ISO C has no cast from data to function pointer */
    CK_RV list_rv = get_list(&p11);
    if (list_rv == CKR_OK && p11)
        list_rv = view_slots(&v, p11, token->slot_label);
    err_t e = explain(&v, list_rv, rv, uri, token, why);
    buf_done(&v.others);
    return e;
}
