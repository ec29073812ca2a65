/* src/pkcs11/sign.h - C_Sign*: padding and hashing here, the private operation in the chip.
 *
 * Called with the session's lock held. PKCS#11 v2.40 §5.11. Blocking I/O with exactly one private-key
 * operation, unless the key is a session's own.
 */
#pragma once
#include "pkcs11/module.h"

CK_RV p11_sign_init(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *mech,
                    CK_OBJECT_HANDLE key);
/* sig NULL asks for the length. */
CK_RV p11_sign(struct p11_module *m, struct p11_session *s, struct slice data, CK_BYTE *sig,
               CK_ULONG *sig_len);
CK_RV p11_sign_update(struct p11_session *s, struct slice data);
CK_RV p11_sign_final(struct p11_module *m, struct p11_session *s, CK_BYTE *sig, CK_ULONG *sig_len);
