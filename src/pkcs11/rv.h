/* src/pkcs11/rv.h - the border between err_t and CK_RV. Pure; any thread. */
#pragma once
#include "base/err.h"
#include "pkcs11/cryptoki.h"

/* The return value for an error met while talking to the chip or to our own parts.
 * ERR_UNAVAILABLE is CKR_DEVICE_REMOVED: right for a session that was open when the chip went. Calls
 * that ask about the slot itself say CKR_TOKEN_NOT_PRESENT instead (p11_rv_from_err_slot). */
CK_RV p11_rv_from_err(err_t e);
CK_RV p11_rv_from_err_slot(err_t e);
/* For an operation on a key: the object is gone (CKR_KEY_HANDLE_INVALID) or its policy in the chip
 * refuses (CKR_KEY_FUNCTION_NOT_PERMITTED). */
CK_RV p11_rv_from_err_key(err_t e);
