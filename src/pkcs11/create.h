/* src/pkcs11/create.h - C_CreateObject, C_CopyObject, and secrets that other calls bring (derive, unwrap).
 *
 * Called with the session's lock held; blocking I/O for token objects. PKCS#11 v2.40 §5.7. Keys that come in
 * here were outside: they are never LOCAL, ALWAYS_SENSITIVE or NEVER_EXTRACTABLE. The values in the caller's
 * template are the caller's to wipe; ours are wiped.
 */
#pragma once
#include "pkcs11/new.h"

CK_RV p11_create(struct p11_module *m, struct p11_session *s, struct p11_template t, CK_OBJECT_HANDLE *ret);
/* Of certificates, data and open secrets. CKR_ACTION_PROHIBITED for keys. */
CK_RV p11_copy(struct p11_module *m, struct p11_session *s, CK_OBJECT_HANDLE from, struct p11_template t,
               CK_OBJECT_HANDLE *ret);

/* The same for a secret whose value does not come from the template: CKA_CLASS and CKA_KEY_TYPE default to a
 * generic secret, CKA_VALUE is not looked at. */
CK_RV p11_create_secret(struct p11_module *m, struct p11_session *s, struct p11_template t,
                        struct slice value, CK_OBJECT_HANDLE *ret);
/* A token secret out of an RFC 3394 wrapping that the chip undoes itself with its AES key `kek`.
 * CKR_ENCRYPTED_DATA_INVALID: not wrapped with that key. */
CK_RV p11_create_secret_wrapped(struct p11_module *m, struct p11_session *s, struct p11_template t,
                                CK_KEY_TYPE type, struct slice wrapped, uint32_t kek, CK_OBJECT_HANDLE *ret);
