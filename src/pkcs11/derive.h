/* src/pkcs11/derive.h - C_DeriveKey: key agreement. The private key works in the chip, the agreed secret
 * becomes a secret key object as the template says.
 *
 * Called with the session's lock held; blocking I/O. PKCS#11 v2.40 §5.13, mechanisms §2.3.7 to §2.3.9.
 */
#pragma once
#include "pkcs11/manage.h"

/* CKR_MECHANISM_PARAM_INVALID: also a public value that is no point of the key's curve.
 * CKR_TEMPLATE_INCONSISTENT, CKR_KEY_SIZE_RANGE: a type or length that cannot be had. */
CK_RV p11_derive(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE base,
                 struct p11_template template, CK_OBJECT_HANDLE *ret);
