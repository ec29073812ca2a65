/* src/pkcs11/find.h - C_FindObjects*: a search makes the object list what the chip holds now.
 *
 * Called with the session's lock held. PKCS#11 v2.40 §5.7. p11_find_init is blocking I/O, unless the
 * template asks for a class that the token cannot have or for private keys without a login.
 */
#pragma once
#include "pkcs11/module.h"

CK_RV p11_find_init(struct p11_module *m, struct p11_session *s, const CK_ATTRIBUTE *attrs, CK_ULONG n);
CK_RV p11_find_next(struct p11_session *s, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *ret_n);
CK_RV p11_find_final(struct p11_session *s);
