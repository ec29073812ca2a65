/* src/pkcs11/unwrap.h - C_UnwrapKey: AES key wrap (RFC 3394).
 *
 * With a key-encryption key in the chip the wrapped value goes into the chip as it is and is unwrapped there:
 * the new key is a token object and was never in this process. With a session's key it is unwrapped here.
 * Called with the session's lock held; blocking I/O. PKCS#11 v2.40 §5.13, mechanisms §2.15.
 */
#pragma once
#include "pkcs11/manage.h"

/* CKR_WRAPPED_KEY_LEN_RANGE, CKR_WRAPPED_KEY_INVALID, CKR_TEMPLATE_INCONSISTENT (a session object of a key in
 * the chip, a key that is no AES or generic secret), CKR_UNWRAPPING_KEY_HANDLE_INVALID,
 * CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT. */
CK_RV p11_unwrap(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE with,
                 struct slice wrapped, struct p11_template template, CK_OBJECT_HANDLE *ret);
