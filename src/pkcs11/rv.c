#include "pkcs11/rv.h"

#include "base/mem.h"

static const struct {
    err_t err;
    CK_RV rv;
} table[] = {
    { ERR_OK, CKR_OK },
    { ERR_NOMEM, CKR_HOST_MEMORY },
    { ERR_NO_SPACE, CKR_DEVICE_MEMORY },
    { ERR_UNAVAILABLE, CKR_DEVICE_REMOVED },
    { ERR_NOT_FOUND, CKR_OBJECT_HANDLE_INVALID },
    { ERR_DENIED, CKR_ACTION_PROHIBITED },
    { ERR_TOO_BIG, CKR_DATA_LEN_RANGE },
    { ERR_UNSUPPORTED, CKR_FUNCTION_NOT_SUPPORTED },
    { ERR_EXISTS, CKR_TEMPLATE_INCONSISTENT },
    { ERR_CRYPTO, CKR_FUNCTION_FAILED },
    { ERR_CORRUPT, CKR_ENCRYPTED_DATA_INVALID },
    { ERR_CONFLICT, CKR_USER_NOT_LOGGED_IN }, /* the PIN that was kept is right no longer */
    /* The link or the chip misbehaved: this call failed, the next one tries anew. */
    { ERR_IO, CKR_DEVICE_ERROR },
    { ERR_PROTO, CKR_DEVICE_ERROR },
    { ERR_TIMEOUT, CKR_DEVICE_ERROR },
    { ERR_BUSY, CKR_DEVICE_ERROR },
    { ERR_INVALID, CKR_DEVICE_ERROR },
    { ERR_WRONG_STATE, CKR_DEVICE_ERROR },
};

CK_RV p11_rv_from_err(err_t e)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].err == e)
            return table[i].rv;
    }
    return CKR_GENERAL_ERROR;
}

CK_RV p11_rv_from_err_slot(err_t e)
{
    return e == ERR_UNAVAILABLE ? CKR_TOKEN_NOT_PRESENT : p11_rv_from_err(e);
}

CK_RV p11_rv_from_err_key(err_t e)
{
    if (e == ERR_NOT_FOUND)
        return CKR_KEY_HANDLE_INVALID;
    if (e == ERR_DENIED)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return p11_rv_from_err(e);
}
